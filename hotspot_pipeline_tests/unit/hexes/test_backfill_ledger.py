"""Which weeks a person names, what a reason says, and the lines of the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import dagster as dg
import duckdb
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotspot_pipeline.hexes import backfill_ledger
from hotspot_pipeline.hexes.backfill_ledger import named_weeks, partition_reason, reason
from hotspot_pipeline.sql_models.model import SqlModel, load_models
from hotspot_pipeline.warehouse.contract import TableContract
from hotspot_pipeline.warehouse.session import Session

WEEK = 7
FIRST = date(2026, 1, 5)
MIDNIGHT = datetime(2026, 2, 1)


def run(run_id: str = "0b1e", **tags: str) -> dg.DagsterRun:
    """`sensor_name` and `schedule_name` are Dagster's own tags, the others the project's."""
    own = {"sensor_name": "dagster", "schedule_name": "dagster"}
    listed = {f"{own.get(k, 'hotspots')}/{k}": v for k, v in tags.items()}
    return dg.DagsterRun(job_name="nightly", run_id=run_id, tags=listed)


def weeks(text: str) -> list[date]:
    return named_weeks(run(weeks=text))


def monday(n: int) -> date:
    return date.fromordinal(FIRST.toordinal() + WEEK * n)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-05", [0]),
        ("2026-01-05, 2026-02-02", [0, 4]),
        ("2026-02-02,2026-01-05,2026-02-02", [0, 4]),
        ("2026-01-05..2026-01-26", [0, 1, 2, 3]),
        ("2026-01-05..2026-01-05", [0]),
        ("2026-01-05 .. 2026-01-12, 2026-01-12..2026-01-19 , 2026-03-02", [0, 1, 2, 8]),
        ("2025-12-29..2026-01-12", [-1, 0, 1]),
        ("", []),
        (" , ,", []),
    ],
)
def test_weeks_and_ranges_of_weeks(text: str, expected: list[int]) -> None:
    assert weeks(text) == [monday(n) for n in expected]


def test_a_run_without_the_tag_names_none() -> None:
    assert named_weeks(run()) == []


@given(st.lists(st.tuples(st.integers(-900, 900), st.integers(0, 30)), max_size=6))
def test_any_ranges_are_the_union_of_their_weeks(ranges: list[tuple[int, int]]) -> None:
    text = ",".join(f"{monday(n)}..{monday(n + more)}" if more else f"{monday(n)}" for n, more in ranges)  # fmt: skip
    assert weeks(text) == sorted({monday(n + k) for n, more in ranges for k in range(more + 1)})


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("2026-01-07", "2026-01-07 is a Wednesday; a police week is named by its Monday, 2026-01-05"),
        ("2026-01-11", "2026-01-11 is a Sunday; a police week is named by its Monday, 2026-01-05"),
        ("2026-01-05..2026-01-13", "2026-01-13 is a Tuesday; a police week is named by its Monday, 2026-01-12"),
        ("2026-01-05, 2026-01-13..2026-01-19", "2026-01-13 is a Tuesday"),
    ],
)  # fmt: skip
def test_a_day_that_is_no_monday_is_refused_with_its_monday(text: str, told: str) -> None:
    with pytest.raises(dg.Failure) as failure:
        weeks(text)
    assert told in str(failure.value.description) and not failure.value.allow_retries


@pytest.mark.parametrize("text", ["nonsense", "2026-02-30", "2026-01-05..", "..2026-01-05", "2026-01-05-2026-01-12", "05/01/2026", "last week"])  # fmt: skip
def test_what_is_no_date_is_refused_with_how_to_write_it(text: str) -> None:
    with pytest.raises(dg.Failure) as failure:
        weeks(f"2026-01-05, {text}")
    told = str(failure.value.description)
    assert f"'{text}'" in told and "2026-01-05 or 2026-01-05..2026-03-30" in told
    assert not failure.value.allow_retries


# ---------- reasons


def test_the_reason_tells_what_the_deliveries_brought() -> None:
    cause = {"n_came": 14, "n_new": 11, "n_left": 2, "n_by_lookup": 0, "extract_ids": "e1, e2"}
    told = "new records: 11, recoded into it: 3, recoded out of it: 2"
    for is_named in (True, False):
        assert reason(cause, is_named=is_named, is_first=False) == told


@pytest.mark.parametrize(
    ("came", "told"),
    [
        ((5, 0, 5, 5), "counted otherwise by a changed lookup: 5"),
        ((9, 3, 7, 5), "new records: 3, recoded into it: 1, recoded out of it: 2; counted otherwise by a changed lookup: 5"),
        ((6, 1, 5, 5), "new records: 1, recoded into it: 0, recoded out of it: 0; counted otherwise by a changed lookup: 5"),
        ((5, 0, 6, 5), "new records: 0, recoded into it: 0, recoded out of it: 1; counted otherwise by a changed lookup: 5"),
    ],
)  # fmt: skip
def test_the_reason_names_a_changed_lookup(came: tuple[int, ...], told: str) -> None:
    cause = dict(zip(("n_came", "n_new", "n_left", "n_by_lookup"), came, strict=True))
    assert reason(cause, is_named=False, is_first=False) == told


@pytest.mark.parametrize(
    ("is_named", "is_first", "told"),
    [
        (True, False, "asked for by name"),
        (True, True, "asked for by name"),
        (False, True, "computed for the first time"),
        (False, False, "rules, lookups, places or the force's area are others than before"),
    ],
)
def test_the_reason_where_no_delivery_is(is_named: bool, is_first: bool, told: str) -> None:
    assert reason(None, is_named=is_named, is_first=is_first) == told


@pytest.mark.parametrize(
    ("tags", "told"),
    [
        ({"sensor_name": "closed_weeks"}, "the newest day or week that closed"),
        ({"schedule_name": "nightly"}, "the newest day or week that closed"),
        ({"why": "hotspots run"}, "the newest day or week that closed"),
        ({"why": "hotspots backfill"}, "asked for by name"),
        ({}, "asked for by name"),
    ],
)
def test_why_a_partition_is_built(tags: dict[str, str], told: str) -> None:
    assert partition_reason(run(**tags)) == told


# ---------- the ledger


@pytest.fixture(scope="module")
def models(catalog: dict[str, TableContract]) -> dict[str, SqlModel]:
    return load_models(catalog)


@pytest.fixture
def session(catalog: dict[str, TableContract]) -> Iterator[Session]:
    with duckdb.connect() as connection:
        found = Session(connection, catalog)
        history = ("affected_weeks", "extracts", "lookup_changes")
        for table in (backfill_ledger.TABLE, *(f"history.{t}" for t in history)):
            found.ensure(catalog[table])
        yield found


def affected(session: Session, *rows: dict[str, Any]) -> None:
    plain = {"known_from_utc": None, "extract_id": "e1", "table_name": "crimes", "week_start": FIRST, "police_day": FIRST,
             "month": FIRST, "event_date": FIRST, "cell_r9": 9, "cat_group": "VAP", "run_id": "0b1e"}  # fmt: skip
    contract = session.catalog["history.affected_weeks"]
    full = [plain | {"cell_r9": n, "known_from_utc": FIRST} | row for n, row in enumerate(rows)]
    frame = pl.DataFrame(full).with_columns(pl.col("known_from_utc").cast(pl.Datetime("us")))
    session.insert(contract, frame.select(list(contract.column_types)))


def digested(session: Session, **hours: int) -> None:
    """Extracts, and how many hours after MIDNIGHT history took them in."""
    contract = session.catalog["history.extracts"]
    plain: dict[str, Any] = {
        "VARCHAR": "x",
        "BIGINT": 0,
        "DOUBLE": None,
        "BOOLEAN": False,
        "TIMESTAMP": MIDNIGHT,
    }
    rows = []
    for extract_id, hour in hours.items():
        row = {c.name: plain[c.type] if c.required else None for c in contract.columns}
        at = MIDNIGHT + timedelta(hours=hour)
        rows.append(row | {"extract_id": extract_id, "kind": "delta", "digested_at_utc": at})
    session.insert(contract, pl.DataFrame(rows, infer_schema_length=None))


def found(session: Session, model: SqlModel) -> dict[date, tuple[Any, ...]]:
    causes = backfill_ledger.causes(session, model)
    return {w: (c["n_came"], c["n_new"], c["n_left"], c["extract_ids"]) for w, c in causes.items()}


def test_the_causes_are_summed_by_window(session: Session, models: dict[str, SqlModel]) -> None:
    tuesday = date(2026, 1, 6)
    digested(session, e1=1, e2=1, e3=1)
    affected(
        session,
        {"side": "came", "n_records": 3, "n_new": 2},
        {"side": "came", "n_records": 4, "n_new": 0, "police_day": tuesday, "extract_id": "e2"},
        {"side": "left", "n_records": 5, "n_new": 0, "extract_id": "e2"},
        {"side": "came", "n_records": 6, "n_new": 6, "week_start": monday(1), "police_day": monday(1), "extract_id": "e3"},
        {"side": "left", "n_records": 8, "n_new": 0, "week_start": None, "police_day": None},
    )  # fmt: skip
    assert found(session, models["hexes.crime_weekly"]) == {
        FIRST: (7, 2, 5, "e1, e2"), monday(1): (6, 6, 0, "e3")}  # fmt: skip
    assert found(session, models["hexes.crime_daily"]) == {
        FIRST: (3, 2, 5, "e1, e2"), tuesday: (4, 0, 0, "e2"), monday(1): (6, 6, 0, "e3")}  # fmt: skip


def test_what_came_before_a_window_was_computed_is_no_cause(
    session: Session, models: dict[str, SqlModel]
) -> None:
    """Two deliveries touch two weeks; between them one of the weeks is computed, and the daily table never."""
    digested(session, e1=1, e2=3)
    affected(
        session,
        *(
            {"side": "came", "n_records": n, "n_new": 0, "extract_id": e, "week_start": monday(w), "police_day": monday(w)}
            for n, e, w in ((1, "e1", 0), (2, "e1", 1), (3, "e2", 0), (4, "e2", 1))
        ),
    )  # fmt: skip
    weekly, daily = models["hexes.crime_weekly"], models["hexes.crime_daily"]
    backfill_ledger.write(session, weekly, run(), {FIRST: "why"}, [], {})
    at = MIDNIGHT + timedelta(hours=2)
    session.execute(f"update {backfill_ledger.TABLE} set refreshed_at_utc = $at", {"at": at})
    assert found(session, weekly) == {FIRST: (3, 0, 0, "e2"), monday(1): (6, 0, 0, "e1, e2")}
    assert found(session, daily) == {FIRST: (4, 0, 0, "e1, e2"), monday(1): (6, 0, 0, "e1, e2")}


def test_a_changed_lookup_is_a_cause_until_the_window_is_computed(
    session: Session, models: dict[str, SqlModel]
) -> None:
    """The file comes, goes and comes again: one version, two changes."""
    weekly = models["hexes.crime_weekly"]
    moments = [MIDNIGHT + timedelta(hours=h) for h in (1, 3)]
    changes = [
        {"table_name": "offence_codes", "known_from_utc": m, "extract_id": "lookup:v", "version_before": None, "lookup_version": "v",
         "n_codes": 1, "n_known": 9, "n_touched": 4, "n_weeks": 1, "share_touched": None, "is_large": False, "digested_at_utc": m, "run_id": "r"}
        for m in moments
    ]  # fmt: skip
    session.insert(session.catalog["history.lookup_changes"], pl.DataFrame(changes))
    digested(session, e1=1)
    for m, n in zip(moments, (4, 5), strict=True):
        affected(session, *(
            {"side": side, "n_records": n, "n_new": 0, "extract_id": "lookup:v", "known_from_utc": m} for side in ("came", "left")))  # fmt: skip
    affected(session, {"side": "came", "n_records": 2, "n_new": 2})
    assert found(session, weekly) == {FIRST: (11, 2, 9, "e1, lookup:v")}
    assert backfill_ledger.causes(session, weekly)[FIRST]["n_by_lookup"] == 9
    backfill_ledger.write(session, weekly, run(), {FIRST: "why"}, [], {})
    session.execute(
        f"update {backfill_ledger.TABLE} set refreshed_at_utc = $at",
        {"at": MIDNIGHT + timedelta(hours=2)},
    )
    assert found(session, weekly) == {FIRST: (5, 0, 5, "lookup:v")}


STARTED = {
    "the night": ({"schedule_name": "nightly"}, "the schedule"),
    "a sensor": ({"sensor_name": "new_files"}, "new_files"),
    "the UI": ({}, "the UI"),
    "a person in the UI": ({"by": "analyst"}, "the UI (analyst)"),
    "a command": ({"why": "hotspots backfill", "by": "analyst"}, "hotspots backfill (analyst)"),
}


@pytest.mark.parametrize("case", STARTED)
def test_who_started_it(case: str, session: Session, models: dict[str, SqlModel]) -> None:
    tags, told = STARTED[case]
    backfill_ledger.write(session, models["hexes.crime_weekly"], run(**tags), {FIRST: "why"}, [], {})  # fmt: skip
    assert session.value(f"select started_by from {backfill_ledger.TABLE}") == told


def test_a_line_for_each_window_with_its_causes(
    session: Session, models: dict[str, SqlModel]
) -> None:
    model = models["hexes.crime_weekly"]
    causes = {FIRST: {"n_came": 3, "n_new": 1, "n_left": 2, "n_by_lookup": 1, "extract_ids": "e1"}}
    why = {FIRST: "recoded", monday(1): "asked for by name"}
    backfill_ledger.write(session, model, run(reason="audit of 2025"), why, [FIRST], causes)
    rows = session.frame(
        f"select run_id, table_name, window_start, reason, is_changed, n_came, n_new, n_left, n_by_lookup, extract_ids "
        f"from {backfill_ledger.TABLE} order by window_start"
    ).rows()
    assert rows == [
        ("0b1e", "hexes.crime_weekly", FIRST, "audit of 2025: recoded", True, 3, 1, 2, 1, "e1"),
        ("0b1e", "hexes.crime_weekly", monday(1), "audit of 2025: asked for by name", False, 0, 0, 0, 0, None),
    ]  # fmt: skip


def test_written_again_the_run_has_its_lines_once(
    session: Session, models: dict[str, SqlModel]
) -> None:
    """A step that is tried again after a kill replaces its lines; those of other runs and tables stay."""
    weekly, daily = models["hexes.crime_weekly"], models["hexes.crime_daily"]
    backfill_ledger.write(session, weekly, run("another"), {FIRST: "a"}, [], {})
    backfill_ledger.write(session, daily, run(), {FIRST: "a"}, [], {})
    for text in ("once", "again"):
        backfill_ledger.write(session, weekly, run(), {FIRST: text}, [], {})
    found = session.frame(f"select run_id, table_name, reason from {backfill_ledger.TABLE} order by all").rows()  # fmt: skip
    assert found == [("0b1e", "hexes.crime_daily", "a"), ("0b1e", "hexes.crime_weekly", "again"),
                     ("another", "hexes.crime_weekly", "a")]  # fmt: skip
