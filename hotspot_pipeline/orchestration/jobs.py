"""The three jobs of a force and their schedules: nightly crime, police days, weeks.

One job can hold only one partition set, so they are three, chained by the sensors in `sensors.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

import dagster as dg

from hotspot_pipeline.orchestration.tables import Workshop

THEN_TAG = "hotspots/then"
WHY_TAG = "hotspots/why"
BY_HAND = "hotspots run"  # the command runs all three jobs itself
MAX_RUNTIME_S = 6 * 3600


@dataclass(frozen=True)
class Jobs:
    nightly: dg.UnresolvedAssetJobDefinition  # type: ignore[name-defined]
    days: dg.UnresolvedAssetJobDefinition  # type: ignore[name-defined]
    weekly: dg.UnresolvedAssetJobDefinition  # type: ignore[name-defined]

    @property
    def all(self) -> list[dg.UnresolvedAssetJobDefinition]:  # type: ignore[name-defined]
        return [self.nightly, self.days, self.weekly]


def job_name(force_id: str, job: str) -> str:
    return f"{force_id}__{job}"


def build_jobs(shop: Workshop, tables: list[str]) -> Jobs:
    """`tables` are those that have an asset."""

    def job(name: str, partition: str, description: str) -> dg.UnresolvedAssetJobDefinition:  # type: ignore[name-defined]
        # what has no contract (published files) has no partitions either
        chosen = [
            shop.key(t)
            for t in tables
            if (shop.catalog[t].partition if t in shop.catalog else "none") == partition
        ]
        return dg.define_asset_job(
            job_name(shop.force.force_id, name),
            selection=dg.AssetSelection.assets(*chosen),
            description=description,
            executor_def=dg.in_process_executor,  # one process: DuckDB has one writer and runs in parallel itself
            tags={"dagster/max_runtime": str(MAX_RUNTIME_S), "force": shop.force.force_id},
        )

    return Jobs(
        nightly=job(
            "nightly_crime",
            "none",
            "Takes every waiting delivery, gates it, recomputes the weeks and days it changed, selects and publishes.",
        ),
        days=job(
            "patrol_days",
            "daily",
            "Builds police days (06:00 to 06:00), the newest closed one every night.",
        ),
        weekly=job(
            "weekly",
            "weekly",
            "Builds police weeks (from Monday 06:00), the newest closed one every Monday.",
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
