"""The county built night by night is the county built at once, and on the way nothing was computed that nothing had touched."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from hotspot_pipeline.hexes.backfill_ledger import CLOSED
from hotspot_pipeline.simulator.delivery.reference import FROM_GROUP, TO_GROUP
from hotspot_pipeline_tests.integration import county, touched
from hotspot_pipeline_tests.integration.county_told import Told
from hotspot_pipeline_tests.integration.figures import record
from hotspot_pipeline_tests.integration.tellings import Telling

pytestmark = pytest.mark.slow

WINDOW_OF = {"hexes.crime_weekly": 2, "hexes.crime_daily": 3}  # place in touched.Touched


def _touched(told: Told, place: int) -> dict[int, set[date]]:
    """Last night of a run -> the windows that its deliveries touch, by the list of changes."""
    lasts = [run.last_night for run in told.runs]
    found: dict[int, set[date]] = defaultdict(set)
    for n_records, _ in told.touched.values():
        for where in n_records:
            run = next(last for last in lasts if last >= where[0])
            found[run].add(where[place])
    return found


def test_only_windows_that_a_delivery_touched_are_computed(county_told: Told) -> None:
    rules = county_told.rules
    regrouped = touched.regrouped(county_told.lives["crime_extract"], rules, county_told.lookups)
    lookup_run = next(r.last_night for r in county_told.runs if r.has_new_lookup)
    with county_told.telling.session() as session:
        rows = session.frame(
            "select run_id, table_name, window_start, is_changed, reason from hexes.refreshed_windows"
        )
    last_of = {run: last for last, runs in county_told.run_ids.items() for run in runs}
    first_night = county_told.runs[0].last_night
    for table, place in WINDOW_OF.items():
        by_run = _touched(county_told, place)
        by_lookup = {where[place] for where in regrouped}
        n_computed: Counter[str] = Counter()
        for run_id, window, is_changed, reason in (
            rows.filter(table_name=table).drop("table_name").iter_rows()
        ):
            last = last_of[run_id]
            # the window that closed last by the clock of the machine has nothing in it
            if last == first_night or reason == CLOSED:
                continue
            is_of_lookup = last == lookup_run and window in by_lookup
            assert is_of_lookup or window in by_run[last], (table, window, last, reason)
            n_computed["computed"] += 1
            n_computed["changed"] += is_changed
            n_computed["of lookup"] += is_of_lookup
        assert n_computed["of lookup"] or not by_lookup
        record(
            "the county as delivered: windows computed again",
            table=table,
            runs=len(county_told.runs),
            touched_by_the_list=sum(len(windows) for windows in by_run.values()),
            computed=n_computed["computed"],
            changed=n_computed["changed"],
            in_the_run_of_the_new_lookup=n_computed["of lookup"],
            computed_but_not_touched=0,
        )


def test_night_by_night_is_the_same_as_everything_at_once(
    county_told: Told, tmp_path: Path
) -> None:
    ground = county_told.ground
    at_once = Telling(tmp_path / "at_once", ground.out, ground.profile.start)
    at_once.take_lookup(ground.new_lookup)
    for run in county_told.runs:
        county.deliver(at_once, run)
    outcomes = at_once.try_run()
    assert all(o.success for o in outcomes), [o.failure for o in outcomes]
    for table in ("crime_daily", "crime_weekly", "crime_monthly"):
        query = f"select * from hexes.{table} order by all"
        mine, theirs = _both(county_told, at_once, query)
        assert mine.height > 0
        assert mine.equals(theirs), table
        record("the county night by night against everything at once", table=table, rows=mine.height, rows_that_differ=0)  # fmt: skip
    _compare_cuts(county_told, at_once)


def _compare_cuts(told: Told, at_once: Telling) -> None:
    """A cut whose night came late is taken from the next; one taken before the new lookup has its code in the old group."""
    late = {county.utc_of(n) for n in told.ground.nights if n.number in told.rules.late}
    mine, theirs = _both(told, at_once, "select week_start, cut, known_at_utc, note, run_id from hexes.cuts order by all")  # fmt: skip
    key = ["week_start", "cut"]
    both = mine.join(theirs, on=key, how="full", coalesce=True, suffix="_at_once")
    assert both.height == mine.height == theirs.height
    waited = both.filter(pl.col("known_at_utc").ne_missing(pl.col("known_at_utc_at_once")))
    assert set(waited["known_at_utc_at_once"]) <= late
    assert (waited["known_at_utc"] > waited["known_at_utc_at_once"]).all()
    same = both.join(waited, on=key, how="anti")
    assert same["note"].equals(same["note_at_once"].alias("note"))

    old_runs = [i for r in told.runs if not r.has_new_lookup for i in told.run_ids[r.last_night]]
    began = county.utc_of(told.ground.nights[told.ground.profile.shocks["lookup_change"]])
    early = same.filter(pl.col("run_id").is_in(old_runs) & (pl.col("known_at_utc") >= began))
    figures, theirs = _both(told, at_once, "select * from hexes.crime_weekly_cuts order by all")
    figures, theirs = (f.join(waited, on=key, how="anti") for f in (figures, theirs))
    assert figures.join(early, on=key, how="anti").equals(theirs.join(early, on=key, how="anti"))
    moved = pl.col("cat_group").is_in([FROM_GROUP, TO_GROUP])
    figures, theirs = (f.join(early, on=key, how="semi") for f in (figures, theirs))
    assert figures.filter(~moved).equals(theirs.filter(~moved))
    by_cell = ["resolution", "cell", *key]
    counted = [
        f.filter(moved).group_by(by_cell).agg(pl.col("n_events").sum()).sort(by_cell)
        for f in (figures, theirs)
    ]
    assert counted[0].equals(counted[1])
    record(
        "the county night by night against everything at once: the weekly cuts",
        cuts=mine.height,
        waited_for_a_late_night=waited.height,
        taken_before_the_new_lookup=early.height,
        others_that_differ=0,
    )


def _both(told: Told, at_once: Telling, query: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    with told.telling.session() as mine, at_once.session() as theirs:
        return mine.frame(query), theirs.frame(query)
