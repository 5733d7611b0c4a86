"""`hotspots run` and `hotspots ui`."""

from __future__ import annotations

import os
import sys
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import click
import dagster as dg

from hotspot_pipeline.cli.common import (
    console,
    dagster_home,
    force_option,
    instance,
    json_option,
    say,
    settings,
)
from hotspot_pipeline.cli.progress import progress, step_words
from hotspot_pipeline.cli.summary import RunSummary, print_summary, summarise
from hotspot_pipeline.definitions import build_defs, warehouse_of
from hotspot_pipeline.orchestration.dead_runs import fail_dead_runs, know_pool
from hotspot_pipeline.orchestration.jobs import BY_HAND, WHY_TAG, job_name
from hotspot_pipeline.orchestration.partitions import (
    daily_partitions,
    key_of,
    police_time,
    weekly_partitions,
)
from hotspot_pipeline.settings import PROJECT_ROOT, Force, Settings, SettingsError
from hotspot_pipeline.warehouse import lock
from hotspot_pipeline.warehouse.session import Session

_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
_LOUD = {"loggers": {"console": {"config": {"log_level": "INFO"}}}}


@dataclass
class JobOutcome:
    job: str
    run_id: str
    success: bool
    failure: str = ""
    partitions: str = ""
    seconds: float = 0.0
    changed: list[str] = field(default_factory=list)


@click.command()
@force_option
@click.option(
    "--rebuild",
    multiple=True,
    metavar="STAGE.TABLE",
    help="Drop this table first and build it again.",
)
@click.option("--verbose", is_flag=True, help="Show the log of every step.")
@json_option
def run(force_id: str | None, rebuild: tuple[str, ...], verbose: bool, as_json: bool) -> int:
    """Take what waits, then the last closed police day, then the last closed week."""
    found = settings()
    force = found.force(force_id)
    outcomes, summary = run_force(found, force, rebuild=rebuild, verbose=verbose, quiet=as_json)
    if as_json:
        say(
            True,
            {"force": force.force_id, "jobs": [vars(o) for o in outcomes], **summary.document()},
        )
    else:
        print_summary(force, outcomes, summary)
    return 0 if all(o.success for o in outcomes) else 1


def run_force(
    found: Settings,
    force: Force,
    *,
    rebuild: tuple[str, ...] = (),
    verbose: bool = False,
    quiet: bool = False,
) -> tuple[list[JobOutcome], RunSummary]:
    """Runs the three jobs in order under one lock; stops after the first that fails."""
    with instance(found) as dagster_instance:
        fail_dead_runs(dagster_instance, force.force_id, force.lock_file)
        waiting = (lambda text: None) if quiet else console.print
        with lock.hold(
            force.lock_file, "hotspots run", timeout_s=found.lock_timeout_s, waiting=waiting
        ):
            if rebuild:
                _drop(found, force, rebuild)
            definitions = build_defs(replace(found, forces=(force,)))
            outcomes: list[JobOutcome] = []
            for name, partition in _plan(force):
                outcome = run_job(
                    dagster_instance,
                    definitions,
                    force,
                    name,
                    partition,
                    verbose=verbose,
                    quiet=quiet,
                )
                outcomes.append(outcome)
                if not outcome.success:
                    break
            with warehouse_of(found, force).session() as session:
                summary = summarise(session, [o.run_id for o in outcomes])
    return outcomes, summary


def _plan(force: Force) -> list[tuple[str, str | None]]:
    """The night, then the last closed day and week, where the force's partitions have begun."""
    clock, now = police_time(force), datetime.now(UTC)
    day = key_of(daily_partitions(force), clock.last_closed_day(now), now)
    week = key_of(weekly_partitions(force), clock.last_closed_week(now), now)
    jobs = [("nightly_crime", None), ("patrol_days", day), ("weekly", week)]
    return [(name, key) for name, key in jobs if name == "nightly_crime" or key is not None]


def run_job(
    dagster_instance: dg.DagsterInstance,
    definitions: dg.Definitions,
    force: Force,
    name: str,
    partition: str | None,
    *,
    verbose: bool,
    quiet: bool,
    tags: Mapping[str, str] | None = None,
) -> JobOutcome:
    job = definitions.resolve_job_def(job_name(force.force_id, name))
    run_id, started = str(uuid.uuid4()), datetime.now(UTC)
    with progress(name, len(list(job.nodes)), quiet=quiet or verbose) as told:
        dagster_instance.add_event_listener(run_id, told)
        result = job.execute_in_process(
            instance=dagster_instance,
            partition_key=partition,
            run_config=_LOUD if verbose else _QUIET,
            raise_on_error=False,
            run_id=run_id,
            tags={WHY_TAG: BY_HAND, **(tags or {})},
        )
    outcome = JobOutcome(name, result.run_id, result.success, partitions=partition or "")
    outcome.seconds = round((datetime.now(UTC) - started).total_seconds(), 2)
    for event in result.all_events:
        if event.is_step_failure:
            outcome.failure = _plain_reason(event.step_key or "", event.step_failure_data)
        elif event.is_step_materialization and event.asset_key:
            changed = event.materialization.metadata.get("what changed")
            if changed is not None and not str(changed.value).startswith("nothing"):
                outcome.changed.append(".".join(event.asset_key.path[1:]))
    return outcome


def _plain_reason(step: str, failure: Any) -> str:
    """What our own error says, without the wrapping of the step."""
    if failure.user_failure_data and failure.user_failure_data.description:
        return f"{step_words(step)}: {failure.user_failure_data.description}"
    error = failure.error
    while error is not None and error.cause is not None:
        error = error.cause
    message = str(error.message).strip() if error else "failed without a message"
    return f"{step_words(step)}: {message}"


# what only a run can add to: dropped, it would come back empty
_BOOKS = ("rejects", "gate_results", "gate_warnings", "extract_counts")
_NEVER_DROPPED = {
    *[f"validated.{b}" for b in _BOOKS], "hexes.refreshed_windows", "hexes.cuts", "hexes.crime_weekly_cuts",
    "history.extracts", "history.recodes", "history.affected_weeks", "history.lookup_versions", "history.lookup_changes",
    "evaluation.registrations",
    *[f"published.{t}" for t in ("issues", "issue_feeds", "issued_figures", "issued_events", "recode_bulletin")],
}  # fmt: skip
# the days of fixes are written again from the archived files, and their books with them
_OF_PINGS = ("ping_days", "ping_day_extracts", "ping_refusals", "ping_device_days")
_NEVER_DROPPED |= {"validated.retention_log", *[f"validated.{t}" for t in _OF_PINGS[1:]]}
# what is written with the versions of a table, row by row
_OF_VERSIONS = {"history.crime_versions": "crimes", "history.asb_versions": "asb_incidents"}


def _drop(found: Settings, force: Force, tables: tuple[str, ...]) -> None:
    """Drops tables so that this run builds them again; a gate table also forgets which extracts it judged."""
    with warehouse_of(found, force).session() as session:
        for table in tables:
            if table not in session.catalog:
                raise SettingsError(f"no table '{table}'; known: {', '.join(session.catalog)}")
            if table.startswith("raw."):
                raise SettingsError(
                    f"{table}: raw tables are the record; withdraw an extract instead"
                )
            if table in _NEVER_DROPPED:
                raise SettingsError(
                    f"{table}: a ledger is not built from other tables; rebuild the table it tells of "
                    "(validated.crimes, hexes.crime_weekly …) and it follows"
                )
        # the book of history knows extracts by name: rows judged anew would not reach it
        also = [
            v for v, t in _OF_VERSIONS.items() if f"validated.{t}" in tables and v not in tables
        ]
        if "validated.ping_days" in tables:
            also += [f"validated.{t}" for t in _OF_PINGS[1:]]
        with session.transaction():
            for table in (*tables, *also):
                session.execute(f"drop table if exists {table}")
                if table.startswith("validated."):
                    name = table.removeprefix("validated.")
                    _forget_judgements(session, "pings" if name in _OF_PINGS else name)
                if table in _OF_VERSIONS:
                    _forget_history(session, _OF_VERSIONS[table])


def _forget_history(session: Session, table_name: str) -> None:
    for book in ("extracts", "recodes", "affected_weeks"):
        if session.exists(f"history.{book}"):
            session.execute(f"delete from history.{book} where table_name = $t", {"t": table_name})
    # what a changed lookup touches follows from the versions too
    if table_name == "crimes" and session.exists("history.lookup_changes"):
        session.execute("delete from history.lookup_changes")
        session.execute("delete from history.recodes where feed = 'lookup'")


def _forget_judgements(session: Session, table: str) -> None:
    if not session.exists("validated.extract_counts"):
        return
    judged = "select extract_id from validated.extract_counts where table_name = $t"
    for book in _BOOKS:  # extract_counts last: the others look into it
        session.execute(
            f"delete from validated.{book} where extract_id in ({judged})", {"t": table}
        )


@click.command()
@click.option(
    "--port",
    default=3000,
    show_default=True,
    help="Port on this machine; only this machine can connect.",
)
def ui(port: int) -> None:
    """Start the Dagster UI with its schedules and sensors, on this machine only."""
    found = settings()
    home = dagster_home(found)
    with instance(found) as dagster_instance:
        for force in found.forces:
            know_pool(dagster_instance, force.force_id)
            fail_dead_runs(dagster_instance, force.force_id, force.lock_file)
    console.print(f"Dagster UI: http://127.0.0.1:{port}  (Ctrl-C ends it)")
    workspace = PROJECT_ROOT / "workspace.yaml"
    where = ["-w", str(workspace)] if workspace.exists() else ["-m", "hotspot_pipeline.definitions"]
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "dagster",
        "dev",
        *where,
        "-h",
        "127.0.0.1",
        "-p",
        str(port),
    ]
    command += ["--log-level", "warning", "--code-server-log-level", "warning"]
    os.execve(
        sys.executable,
        command,
        {**os.environ, "DAGSTER_HOME": home, "DAGSTER_DISABLE_TELEMETRY": "yes"},
    )
