"""One recoded event in five years of a county: its week refreshed, and every week of `hot_times.event_hours` computed.

`one_week` finds the week by the prints of all weeks, computes its rows, compares them with those that stand, replaces them, audits
them and notes the print, in one transaction, as a nightly run does. `all_weeks` does the same from an empty table, which is
what a change of the kernel costs. They are not rivals: the race says whether a recode costs its own week.

What grows with the weeks asked for is the part `rows of the weeks` (the kernel) and what is written. Finding the week,
the fingerprint and one audit (do weights sum to the events) go over the whole table whatever was asked; the other audits look at the
week and a twenty-eighth of the rest. Audits are stated as a part, and the refresh is compared with and without them.
Events as of a county's six groups: 46,000 a year, two in five without an end, windows of 10 hours in the median for the rest.
Afterwards both tables must be the same, row by row.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import polars as pl

from benchmarks.race import Disagreement, Facts, Race, Result, Side, Target, times_as_long
from benchmarks.stopwatch import Stopwatch
from hotspot_pipeline.hexes import window_prints
from hotspot_pipeline.hot_times.assets import EVENT_HOURS, kernel_models
from hotspot_pipeline.orchestration.tables import Workshop
from hotspot_pipeline.settings import PROJECT_ROOT, Settings, parse_force
from hotspot_pipeline.sql_models.assets import refresh_model
from hotspot_pipeline.sql_models.kernel_model import EVENTS, KernelModel
from hotspot_pipeline.warehouse.contract import read_catalog
from hotspot_pipeline.warehouse.session import Session

PER_WEEK, N_WEEKS, N_WEEKS_QUICK = 880, 260, 26
RECODED = "e100"
_ROWS, _AUDITS = "rows of the weeks", "audits"


def prepare(folder: Path, is_quick: bool) -> Facts:
    n_weeks = N_WEEKS_QUICK if is_quick else N_WEEKS
    with _opened(folder / "empty.duckdb") as (session, _):
        for table in (EVENTS, EVENT_HOURS, window_prints.TABLE):
            session.ensure(session.catalog[table])
        events = _events(PER_WEEK * n_weeks)
        columns = session.catalog[EVENTS].column_types
        empty = {c: pl.lit(None) for c in columns if c not in events.columns}
        session.insert(session.catalog[EVENTS], events.with_columns(**empty).select(list(columns)))
    shutil.copyfile(folder / "empty.duckdb", folder / "computed.duckdb")
    with _opened(folder / "computed.duckdb") as (session, model):
        weeks = _refresh(session, model)
        hours = session.value(f"select count(*) from {EVENT_HOURS}")
    return {"events": events.height, "weeks": len(weeks), "rows of event_hours": hours}


def one_week(folder: Path, watch: Stopwatch) -> Facts:
    return _side(folder, "computed", "one_week", watch)


def all_weeks(folder: Path, watch: Stopwatch) -> Facts:
    return _side(folder, "empty", "all_weeks", watch)


def verify(folder: Path) -> Facts:
    """The same rows in both tables, and the recoded event's new hours among them."""
    with duckdb.connect(str(folder / "one_week.duckdb"), read_only=True) as con:
        con.execute(f"attach '{folder / 'all_weeks.duckdb'}' as other (read_only)")
        pairs = ((EVENT_HOURS, f"other.{EVENT_HOURS}"), (f"other.{EVENT_HOURS}", EVENT_HOURS))
        differ = [
            con.execute(f"select count(*) from (from {a} except all from {b})").fetchall()[0][0]
            for a, b in pairs
        ]
        n_hours = con.execute(
            f"select count(*) from {EVENT_HOURS} where event_id = '{RECODED}'"
        ).fetchall()[0][0]
    if any(differ) or n_hours < 24:
        raise Disagreement(f"rows of one table only: {differ}; recoded event: {n_hours} hours")
    return {"rows that differ": 0}


def _side(folder: Path, start: str, name: str, watch: Stopwatch) -> Facts:
    target = folder / f"{name}.duckdb"
    shutil.copyfile(folder / f"{start}.duckdb", target)
    watch.around(KernelModel, "rows", _ROWS, is_part=True)
    watch.around(Session, "audit_part", _AUDITS, is_part=True)
    with _opened(target) as (session, model):
        session.execute(
            f"update {EVENTS} set time_known = 'window', to_utc = from_utc + interval 24 hour where event_id = '{RECODED}'"
        )
        with watch.race():
            weeks = _refresh(session, model)
    return {"weeks computed": len(weeks)}


def _refresh(session: Session, model: KernelModel) -> list[date]:
    weeks = window_prints.stale(session, model)
    refresh_model(session, model, {}, lambda _: window_prints.note(session, model, weeks), weeks)
    return weeks


@contextmanager
def _opened(path: Path) -> Iterator[tuple[Session, KernelModel]]:
    catalog = read_catalog(PROJECT_ROOT / "dbt_like_sql")
    force = parse_force({}, path.parent / "county")
    hours, _ = kernel_models(
        Workshop.of(Settings(data=path.parent, forces=(force,)), force, catalog)
    )
    with duckdb.connect(str(path)) as connection:
        yield Session(connection, catalog), hours


def _events(n: int) -> pl.DataFrame:
    rng = np.random.default_rng(5)
    minute = np.sort(rng.integers(0, n // PER_WEEK * 7 * 1_440, n))
    at = np.datetime64("2021-01-04T06:00:00", "us") + minute.astype("timedelta64[m]")
    length = np.clip(600 * np.exp(0.9 * rng.standard_normal(n)), 1, 1_440).astype("timedelta64[m]")
    end = np.where(rng.uniform(size=n) < 0.4, np.datetime64("NaT"), at + length)
    frame = pl.DataFrame({"line_no": np.arange(n), "from_utc": at, "to_utc": end})
    # the week and day that UTC names: near enough for how many events a week has
    day = pl.col("from_utc").dt.offset_by("-6h").dt.date()
    plain = {
        "source": "crime", "extract_id": "x", "source_file": "x", "feed": "crime_extract", "cat_group": "VAP",
        "is_police_generated": False, "is_counted": True,
    }  # fmt: skip
    return frame.with_columns(
        event_id=pl.lit("e") + pl.col("line_no").cast(pl.String),
        time_known=pl.when(pl.col("to_utc").is_null())
        .then(pl.lit("exact"))
        .otherwise(pl.lit("window")),
        police_day=day,
        week_start=day.dt.truncate("1w"),
        month=day.dt.truncate("1mo"),
        event_date=day,
        **{name: pl.lit(value) for name, value in plain.items()},
    )


def _rows_of_all_over_one(result: Result) -> float:
    return result["all_weeks"].laps("parts")[_ROWS] / result["one_week"].laps("parts")[_ROWS]


def _without_audits(result: Result) -> float:
    all_s, one_s = (
        result[side].median() - result[side].laps("parts")[_AUDITS]
        for side in ("all_weeks", "one_week")
    )
    return all_s / one_s


RACE = Race(
    name="refresh_week",
    title="One week of event_hours refreshed, of five years",
    why_fair="Both find what is stale, compute, compare, write, audit and note in one transaction, warm file, one event recoded; the "
    "tables are the same afterwards.",
    sides=(
        Side("one_week", "one event recoded in a table that is computed", one_week),
        Side("all_weeks", "every week from an empty table", all_weeks),
    ),
    prepare=prepare,
    verify=verify,
    targets=(
        Target(
            "all weeks over one week, the kernel's rows",
            10,
            _rows_of_all_over_one,
            is_at_least=True,
        ),
    ),
    repeats=5,
    beside=(
        ("all weeks over one week, audits left out", _without_audits),
        ("all weeks over one week, whole refresh", times_as_long("all_weeks", "one_week")),
    ),
)
