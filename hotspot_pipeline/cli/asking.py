"""`hotspots as-known`: what was said on a day about a week, beside what is said now."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import click

from hotspot_pipeline.cli.common import console, force_option, json_option, say, settings, table
from hotspot_pipeline.definitions import warehouse_of
from hotspot_pipeline.hexes.as_known import WEEKLY, weekly_as_known
from hotspot_pipeline.orchestration.partitions import police_time
from hotspot_pipeline.sql_models.model import load_models
from hotspot_pipeline.timebase import PoliceTime
from hotspot_pipeline.warehouse import lock
from hotspot_pipeline.warehouse.contract import read_catalog

_TOTALS = f"""
    select coalesce(t.cat_group, l.cat_group) as cat_group, coalesce(t.n_events, 0)::bigint as n_then,
        coalesce(l.n_events, 0)::bigint as n_now
    from (select cat_group, sum(n_events) as n_events from rows_then where resolution = 9 group by 1) t
    full join (
        select cat_group, sum(n_events) as n_events from {WEEKLY} where resolution = 9 and week_start = $week group by 1
    ) l on l.cat_group = t.cat_group
    order by 1
"""


@click.command(name="as-known")
@click.option("--week", required=True, metavar="MONDAY", help="The police week, by its Monday.")
@click.option(
    "--at",
    required=True,
    metavar="WHEN",
    help="2026-03-02T09:00, in the force's time; a bare date is the end of that day.",
)
@click.option(
    "--csv",
    "csv_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Writes the counts by cell and group to this file.",
)
@force_option
@json_option
def as_known(week: str, at: str, csv_file: Path | None, force_id: str | None, as_json: bool) -> int:
    """What was known at a moment about a week, beside what is known now; writes nothing to the warehouse."""
    found = settings()
    force = found.force(force_id)
    clock = police_time(force)
    monday, moment = read_monday(week), _moment(at, clock)
    if not force.warehouse_file.exists():
        raise ValueError(f"{force.warehouse_file}: not there yet; hotspots run makes it")
    models = load_models(read_catalog(found.sql))
    with (
        lock.hold(force.lock_file, "hotspots as-known", timeout_s=30.0, waiting=console.print),
        warehouse_of(found, force).session(read_only=True) as session,
    ):
        first = session.value("select min(known_from_utc) from history.extracts")
        if first is None or moment < first:
            raise ValueError(
                f"--at {at}: history is unknown before "
                + (f"{first:%Y-%m-%d %H:%M} UTC" if first else "the first delivery")
            )
        rows = weekly_as_known(session, models, [monday], moment)
        session.stage("rows_then", rows)
        totals = session.frame(_TOTALS, {"week": monday}).to_dicts()
    if csv_file:
        rows.sort("resolution", "cell", "cat_group").with_columns(known_at_utc=moment).write_csv(
            csv_file
        )
    document: dict[str, Any] = {"week_start": monday, "known_at_utc": moment, "totals": totals}
    if as_json:
        say(True, document)
        return 0
    table(
        f"week of {monday}, as known at {moment:%Y-%m-%d %H:%M} UTC",
        ["group", "events then", "events now"],
        [list(row.values()) for row in totals],
    )
    if csv_file:
        console.print(f"{rows.height} rows by cell and group in {csv_file}")
    return 0


def read_monday(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"--week '{text}': write a date such as 2026-03-02") from None
    if day.weekday():
        raise ValueError(
            f"--week {day} is a {day:%A}; a police week is named by its Monday, {day - timedelta(days=day.weekday())}"
        )
    return day


def _moment(text: str, clock: PoliceTime) -> datetime:
    """UTC without a zone, as the tables have it."""
    try:
        given = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"--at '{text}': write 2026-03-02 or 2026-03-02T09:00") from None
    if len(text) == len("2026-03-02"):
        given = datetime.combine(given.date(), time.max)
    utc = given.astimezone(UTC) if given.tzinfo else clock.instant(given)
    return utc.astimezone(UTC).replace(tzinfo=None)
