"""`hotspots backfill`: weeks computed again by name, with a reason that stays on record."""

from __future__ import annotations

import getpass
from dataclasses import replace

import click

from hotspot_pipeline.cli.common import console, force_option, instance, json_option, say, settings
from hotspot_pipeline.cli.running import run_job
from hotspot_pipeline.definitions import build_defs, warehouse_of
from hotspot_pipeline.orchestration.dead_runs import fail_dead_runs
from hotspot_pipeline.orchestration.jobs import BY_TAG, REASON_TAG, WEEKS_TAG, WHY_TAG
from hotspot_pipeline.warehouse import lock

_LEDGER = """
    select table_name, count(*) as n_windows, count(*) filter (is_changed) as n_changed, min(window_start) as first,
        max(window_start) as last
    from hexes.refreshed_windows where run_id = $run group by 1 order by 1
"""


@click.command()
@click.option(
    "--weeks",
    required=True,
    metavar="MONDAYS",
    help="2026-01-05..2026-03-30, single Mondays, or both, with commas between; however scattered, it is one run.",
)
@click.option("--reason", required=True, help="Why; kept in hexes.refreshed_windows.")
@click.option("--by", default=None, help="Who; the login name when not given.")
@force_option
@json_option
def backfill(weeks: str, reason: str, by: str | None, force_id: str | None, as_json: bool) -> int:
    """Compute weeks, and the days in them, again from the events that stand now."""
    found = settings()
    force = found.force(force_id)
    if not reason.strip():
        raise ValueError("--reason is empty; a reason is part of the record")
    tags = {
        WHY_TAG: "hotspots backfill",
        WEEKS_TAG: weeks,
        REASON_TAG: reason,
        BY_TAG: by or getpass.getuser(),
    }
    with instance(found) as dagster_instance:
        fail_dead_runs(dagster_instance, force.force_id, force.lock_file)
        with lock.hold(
            force.lock_file,
            "hotspots backfill",
            timeout_s=found.lock_timeout_s,
            waiting=(lambda text: None) if as_json else console.print,
        ):
            definitions = build_defs(replace(found, forces=(force,)))
            outcome = run_job(
                dagster_instance,
                definitions,
                force,
                "backfill",
                None,
                verbose=False,
                quiet=as_json,
                tags=tags,
            )
            with warehouse_of(found, force).session() as session:
                done = (
                    session.frame(_LEDGER, {"run": outcome.run_id}).to_dicts()
                    if session.exists("hexes.refreshed_windows")
                    else []
                )
    lines = [
        f"{d['table_name']}: {d['n_windows']} windows from {d['first']} to {d['last']} computed, {d['n_changed']} changed"
        for d in done
    ]
    if not outcome.success:
        raise RuntimeError(outcome.failure)
    say(as_json, {"run_id": outcome.run_id, "reason": reason, "tables": done}, lines)
    return 0
