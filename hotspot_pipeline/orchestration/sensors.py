"""Sensors of a force: new deliveries, the chain from night to day to week, dead runs, failures.

None of them opens the warehouse: only a run does.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from smtplib import SMTPException
from stat import S_ISREG

import dagster as dg

from hotspot_pipeline.orchestration.alerts import mail_failure
from hotspot_pipeline.orchestration.dead_runs import fail_dead_runs, know_pool, seconds_to_wait
from hotspot_pipeline.orchestration.jobs import BY_HAND, THEN_TAG, WHY_TAG, Jobs, job_name
from hotspot_pipeline.orchestration.partitions import key_of
from hotspot_pipeline.orchestration.tables import Workshop
from hotspot_pipeline.orchestration.upstream import failing_checks

_RUNNING = dg.DefaultSensorStatus.RUNNING
_STILL_WRITTEN_S = 60.0  # see raw.landing


def build_sensors(shop: Workshop, jobs: Jobs, watched: list[str]) -> list[dg.SensorDefinition]:
    """`watched` are the tables whose blocking checks must stand before the next job starts."""
    force = shop.force

    @dg.sensor(
        name=job_name(force.force_id, "new_deliveries"),
        job=jobs.nightly,
        minimum_interval_seconds=60,
        default_status=_RUNNING,
        description="Starts the nightly job when files in the landing folders have come or changed and then held still.",
    )
    def new_deliveries(
        context: dg.SensorEvaluationContext,
    ) -> Iterator[dg.RunRequest | dg.SkipReason]:
        look, whole_from = _look(shop)
        waiting, _, taken = (context.cursor or "|").partition("|")
        if not look or look == taken:
            yield dg.SkipReason("no new file in the landing folders")
        elif not context.cursor and _was_run_since(context.instance, jobs, whole_from):
            # `hotspots run` was here before the first look: the same files are not new
            context.update_cursor(f"{look}|{look}")
            yield dg.SkipReason("the newest green night took the files in the landing folders")
        elif look != waiting:
            # seen for the first time: the next tick shows whether it is still being written
            context.update_cursor(f"{look}|{taken}")
            yield dg.SkipReason("files have come or changed; waiting for them to hold still")
        else:
            context.update_cursor(f"{look}|{look}")
            yield dg.RunRequest(run_key=look, tags={WHY_TAG: "new files in the landing folders"})

    @dg.run_status_sensor(
        run_status=dg.DagsterRunStatus.SUCCESS,
        name=job_name(force.force_id, "after_the_night"),
        monitored_jobs=[jobs.nightly],
        request_job=jobs.days,
        default_status=_RUNNING,
        description="After a green night: the last closed police day.",
    )
    def after_the_night(context: dg.RunStatusSensorContext) -> dg.RunRequest | dg.SkipReason:
        if context.dagster_run.tags.get(WHY_TAG) == BY_HAND:
            return dg.SkipReason("`hotspots run` builds the day and the week itself")
        broken = failing_checks(context.instance, [(shop.key(t), shop.checks(t)) for t in watched])
        if broken:
            return dg.SkipReason(f"not started: {', '.join(broken)} failed at its last evaluation")
        now = now_utc()
        day = shop.police_time.last_closed_day(now)
        key = key_of(shop.daily, day, now)
        if key is None:
            return dg.SkipReason(f"{day} is no police day of this force's partitions_start")
        return dg.RunRequest(
            run_key=context.dagster_run.run_id,
            partition_key=key,
            tags={k: v for k, v in context.dagster_run.tags.items() if k == THEN_TAG},
        )

    @dg.run_status_sensor(
        run_status=dg.DagsterRunStatus.SUCCESS,
        name=job_name(force.force_id, "after_the_day"),
        monitored_jobs=[jobs.days],
        request_job=jobs.weekly,
        default_status=_RUNNING,
        description="On Mondays, after Sunday's police day: the week that closed.",
    )
    def after_the_day(context: dg.RunStatusSensorContext) -> dg.RunRequest | dg.SkipReason:
        if context.dagster_run.tags.get(THEN_TAG) != "weekly":
            return dg.SkipReason("not the Monday chain")
        now = now_utc()
        week = shop.police_time.last_closed_week(now)
        key = key_of(shop.weekly, week, now)
        if key is None:
            return dg.SkipReason(f"{week} is no police week of this force's partitions_start")
        return dg.RunRequest(run_key=context.dagster_run.run_id, partition_key=key)

    @dg.sensor(
        name=job_name(force.force_id, "dead_runs"),
        minimum_interval_seconds=15,
        default_status=_RUNNING,
        description="Marks runs whose process is gone as failed, so that the next one need not wait for them.",
    )
    def dead_runs(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        know_pool(context.instance, force.force_id)
        marked = fail_dead_runs(context.instance, force.force_id, force.lock_file)
        if wait_s := seconds_to_wait(context.instance, force.force_id):
            # at most those of a worker that comes up; the next look would be twice as far off
            time.sleep(wait_s)
            marked += fail_dead_runs(context.instance, force.force_id, force.lock_file)
        return dg.SkipReason(f"marked as failed: {', '.join(marked)}" if marked else "no dead run")

    @dg.run_failure_sensor(
        name=job_name(force.force_id, "on_failure"),
        monitored_jobs=jobs.all,
        default_status=_RUNNING,
        description="Logs a failed run and sends a mail where the force names an address and the installation a mail host.",
    )
    def on_failure(context: dg.RunFailureSensorContext) -> None:
        context.log.error(f"{context.dagster_run.job_name} failed: {context.failure_event.message}")
        run = context.dagster_run
        reason = context.failure_event.message or ""
        try:
            mail_failure(force, shop.settings.smtp, run.job_name, run.run_id, reason)
        except (OSError, SMTPException) as error:
            # a sensor that fails is tried again for ever; the failed run shows in the UI either way
            context.log.error(f"no mail went out through {shop.settings.smtp}: {error}")

    return [new_deliveries, after_the_night, after_the_day, dead_runs, on_failure]


def now_utc() -> datetime:
    return datetime.now(UTC)


def _look(shop: Workshop) -> tuple[str, float]:
    """(fingerprint of names, sizes and times in the landing folders, moment from which a run takes all of them): empty and 0 when there
    is no file. A run leaves alone what was written to within a minute; another `force.yml` may ask for other feeds."""
    parts, whole_from = [], 0.0
    for feed in sorted(shop.force.feeds):
        folder = shop.force.landing(feed)
        for path in sorted(folder.rglob("*")) if folder.is_dir() else []:
            if path.name.startswith("."):
                continue
            try:
                stat = path.stat()
            except FileNotFoundError:  # taken away while we look
                continue
            if S_ISREG(stat.st_mode):
                parts.append(f"{path}:{stat.st_size}:{stat.st_mtime_ns}")
                whole_from = max(whole_from, stat.st_ctime, stat.st_mtime + _STILL_WRITTEN_S)
    if not parts:
        return "", 0.0
    if shop.force.config_file.exists():
        whole_from = max(whole_from, shop.force.config_file.stat().st_mtime)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24], whole_from


def _was_run_since(instance: dg.DagsterInstance, jobs: Jobs, moment: float) -> bool:
    """Whether a green nightly run began after it (seconds since 1970)."""
    green = dg.RunsFilter(job_name=jobs.nightly.name, statuses=[dg.DagsterRunStatus.SUCCESS])
    newest = instance.get_run_records(green, limit=1)
    return any(record.start_time is not None and record.start_time > moment for record in newest)
