"""The three jobs of a force and their schedules: nightly crime, police days, weeks.

One job can hold only one partition set, so they are three, chained by the sensors in `sensors.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

import dagster as dg

from hotspot_pipeline.orchestration.tables import Workshop

THEN_TAG = "hotspots/then"
WHY_TAG = "hotspots/why"  # what started the run
BY_TAG = "hotspots/by"  # the person who asked for it
REASON_TAG = "hotspots/reason"  # what that person gave as reason
BY_HAND = "hotspots run"  # the command runs all three jobs itself
WEEKS_TAG = "hotspots/weeks"  # the weeks that person named: 2026-01-05..2026-03-30, 2026-06-01
REFRESHED_TAG = "hotspots/refreshed"  # how many windows of which tables a run computed again
EXTRACTS_TAG = "hotspots/extracts"  # the deliveries that history took in with the run
# what computes weeks and days again, and its book
BACKFILL = ("hexes.refreshed_windows", "hexes.window_prints")
MAX_RUNTIME_S = 6 * 3600


@dataclass(frozen=True)
class Jobs:
    nightly: dg.UnresolvedAssetJobDefinition  # type: ignore[name-defined]
    days: dg.UnresolvedAssetJobDefinition  # type: ignore[name-defined]
    weekly: dg.UnresolvedAssetJobDefinition  # type: ignore[name-defined]
    backfill: dg.UnresolvedAssetJobDefinition  # type: ignore[name-defined]

    @property
    def all(self) -> list[dg.UnresolvedAssetJobDefinition]:  # type: ignore[name-defined]
        return [self.nightly, self.days, self.weekly, self.backfill]


def job_name(force_id: str, job: str) -> str:
    return f"{force_id}__{job}"


def build_jobs(shop: Workshop, tables: list[str]) -> Jobs:
    """`tables` are those that have an asset."""

    def of_partition(partition: str) -> list[str]:
        # what has no contract (published files) has no partitions either
        return [
            t
            for t in tables
            if (shop.catalog[t].partition if t in shop.catalog else "none") == partition
        ]

    def job(name: str, chosen: list[str], description: str) -> dg.UnresolvedAssetJobDefinition:  # type: ignore[name-defined]
        return dg.define_asset_job(
            job_name(shop.force.force_id, name),
            selection=dg.AssetSelection.assets(*map(shop.key, chosen)),
            description=description,
            executor_def=dg.in_process_executor,  # one process: DuckDB has one writer and runs in parallel itself
            tags={"dagster/max_runtime": str(MAX_RUNTIME_S), "force": shop.force.force_id},
        )

    return Jobs(
        nightly=job(
            "nightly_crime",
            of_partition("none"),
            "Takes every waiting delivery, gates it, recomputes the weeks and days it changed, selects and publishes.",
        ),
        days=job(
            "patrol_days",
            of_partition("daily"),
            "Builds police days (06:00 to 06:00), the newest closed one every night.",
        ),
        weekly=job(
            "weekly",
            of_partition("weekly"),
            "Builds police weeks (from Monday 06:00), the newest closed one every Monday.",
        ),
        backfill=job(
            "backfill",
            list(BACKFILL),
            "Computes the weeks named in the run's tag hotspots/weeks again, however scattered, in one run; the reason stands in the "
            "tag hotspots/reason. From the command line: hotspots backfill.",
        ),
    )


def build_schedules(shop: Workshop, jobs: Jobs) -> list[dg.ScheduleDefinition]:
    force = shop.force
    return [
        dg.ScheduleDefinition(
            name=job_name(force.force_id, "every_night"),
            job=jobs.nightly,
            cron_schedule="30 2 * * *",
            execution_timezone=force.time_zone,
            description="02:30: deliveries land by 02:00. The police day built after it is the last closed one.",
            default_status=dg.DefaultScheduleStatus.RUNNING,
        ),
        dg.ScheduleDefinition(
            name=job_name(force.force_id, "every_monday"),
            job=jobs.nightly,
            cron_schedule="5 6 * * 1",
            execution_timezone=force.time_zone,
            tags={THEN_TAG: "weekly"},
            description="Monday 06:05: takes what waits, then Sunday's police day, then the week that closed at 06:00.",
            default_status=dg.DefaultScheduleStatus.RUNNING,
        ),
    ]
