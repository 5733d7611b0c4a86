"""The tables of weekly metrics from events: against pandas on the events themselves, and after a recode."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import h3
import numpy as np
import pandas as pd
import polars as pl
import pytest

from hotspot_pipeline.evaluation import assets, metric_inputs
from hotspot_pipeline.evaluation.trials.assets import REFUSALS
from hotspot_pipeline.orchestration.tables import Workshop
from hotspot_pipeline.settings import CATEGORY_GROUPS, Force, Settings
from hotspot_pipeline.sql_models.model import SqlModel
from hotspot_pipeline.warehouse.session import Session
from hotspot_pipeline_tests.sql.conftest import Desk

FIRST, N_WEEKS = date(2025, 3, 3), 70
WEEKS = [FIRST + timedelta(weeks=k) for k in range(N_WEEKS)]
END = datetime(2026, 7, 7, 1)  # the Tuesday after the last week
MIDDLE = h3.str_to_int(h3.latlng_to_cell(52.29, -1.53, 9))
DISK = sorted(h3.str_to_int(c) for c in h3.grid_disk(h3.int_to_str(MIDDLE), 3))
NEXT_TO = sorted(h3.str_to_int(c) for c in h3.grid_ring(h3.int_to_str(MIDDLE), 1))
HOTSPOTS = {"H-1": [MIDDLE, NEXT_TO[0]], "H-2": [NEXT_TO[3]]}
TABLES = (*assets._METRICS, *assets.BOOK, assets.LIMITS, REFUSALS)


class Office(Desk):
    """A force with two hotspots that touch, and 70 weeks of events in and around them."""

    def __init__(self, folder: Path, session: Session, models: dict[str, SqlModel]) -> None:
        super().__init__(session, models)
        force = Force("made", "Made", folder, partitions_start=FIRST)
        self.shop = Workshop.of(Settings(data=folder, forces=(force,)), force, session.catalog)
        self._written |= set(TABLES)

    def settle(self, events: list[dict[str, Any]]) -> None:
        self.given("hexes.events", *events)
        rows = [{"hotspot_id": h, "hotspot_rank": k, "n_cells": len(c), "status": "signed", "hotspot_version": FIRST, "polygon_wkt": "POLYGON ((0 0, 1 0, 1 1, 0 0))"} for k, (h, c) in enumerate(HOTSPOTS.items(), 1)]  # fmt: skip
        self.given("hexes.hotspots", *rows)
        self.given("hexes.hotspot_cells", *({"hotspot_id": h, "cell": c, "cell_id": f"{c:x}"} for h, cells in HOTSPOTS.items() for c in cells))  # fmt: skip
        self.given("hexes.cells", *({"resolution": 9, "cell": c} for c in DISK))
        self.given("history.extracts", {"feed": "crime_extract", "table_name": "crimes", "kind": "delta", "known_from_utc": END})  # fmt: skip
        self.given("history.lookup_versions", {"table_name": "offence_codes", "lookup_version": "v1", "known_from_utc": datetime(1900, 1, 1)})  # fmt: skip
        self.count()

    def count(self) -> None:
        for model in ("hexes.crime_weekly", "hexes.crime_monthly"):
            self.run(model)

    def night(self, run_id: str) -> tuple[date, ...]:
        """The weeks whose metrics changed."""
        shop, session = self.shop, self.session
        session.replace_table(shop.catalog[assets.RINGS], assets._rings(shop, session))
        write = assets.write_metrics(shop, session, run_id)
        session.replace_table(shop.catalog[assets.MONTHS], assets._months(session))
        assets.extend_book(shop, session, run_id)
        assets._replace(session, shop, assets.LIMITS, assets.limits_of(shop, session))
        session.replace_table(shop.catalog[REFUSALS], assets.refused(shop, session))
        return write.windows


def made_events(seed: int = 2) -> list[dict[str, Any]]:
    rng = np.random.default_rng(seed)
    cells = [c for c, n in zip([*HOTSPOTS["H-1"], *HOTSPOTS["H-2"], *DISK[:9]], [6, 3, 4] + [1] * 9, strict=True) for _ in range(n)]  # fmt: skip
    found = []
    for k in range(1500):
        week = WEEKS[int(rng.integers(N_WEEKS))]
        day = week + timedelta(days=int(rng.integers(7)))
        cell = int(rng.choice(cells))
        up, down = (h3.str_to_int(c) for c in (h3.cell_to_parent(h3.int_to_str(cell), 8), h3.cell_to_center_child(h3.int_to_str(cell), 10)))  # fmt: skip
        is_crime = rng.random() < 0.6
        found.append({
            "event_id": f"e{k}", "source": "crime" if is_crime else "asb", "cat_group": str(rng.choice(CATEGORY_GROUPS[1:])) if is_crime else "ASB",
            "harm_days": float(rng.choice([5, 20, 400])) if is_crime else None, "time_known": "exact", "police_day": day, "week_start": week,
            "month": day.replace(day=1), "event_date": day, "cell_r8": up, "cell_r9": cell, "cell_r10": down, "is_counted": bool(rng.random() < 0.9),
        })  # fmt: skip
    for event in found:
        event["exclusion_reason"] = None if event["is_counted"] else "no_location"
    return found


@pytest.fixture
def office(tmp_path: Path, tables: Session, models: dict[str, SqlModel]) -> Iterator[Office]:
    found = Office(tmp_path, tables, models)
    yield found
    found.clear()


def of_metric(office: Office, metric: str, cut: str = "latest") -> pd.Series:
    rows = office.session.frame(
        f"select hotspot_id, week_start, cat_group, value::double as value from evaluation.weekly_metrics where metric = '{metric}' and cut = '{cut}' and time_band = 'all'"
    ).to_pandas()  # fmt: skip
    rows["week_start"] = pd.to_datetime(rows["week_start"])
    return rows.set_index(["hotspot_id", "week_start", "cat_group"])["value"].sort_index()


def by_pandas(events: list[dict[str, Any]], cells: dict[str, list[int]], column: str = "n") -> pd.Series:  # fmt: skip
    frame = pd.DataFrame([e for e in events if e["is_counted"]])
    frame["hotspot_id"] = frame["cell_r9"].map({c: h for h, cs in cells.items() for c in cs})
    frame["n"], frame["serious"] = 1, (frame["harm_days"] >= 365).astype(int)
    frame["week_start"] = pd.to_datetime(frame["week_start"])
    both = pd.concat([frame, frame.assign(cat_group="ALL")]).dropna(subset="hotspot_id")
    every = pd.MultiIndex.from_product([list(HOTSPOTS), pd.DatetimeIndex(WEEKS), [*CATEGORY_GROUPS, "ALL"]], names=["hotspot_id", "week_start", "cat_group"])  # fmt: skip
    return both.groupby(every.names)[column].sum().reindex(every).fillna(0).sort_index().astype(float)  # fmt: skip


def test_counts_harm_sums_and_rings_are_those_of_pandas_from_the_events(office: Office) -> None:
    events = made_events()
    office.settle(events)
    assert office.night("one") == tuple(WEEKS)
    counts = by_pandas(events, HOTSPOTS)
    pd.testing.assert_series_equal(
        of_metric(office, "events"), counts, check_names=False, check_index_type=False
    )
    pd.testing.assert_series_equal(of_metric(office, "harm_days"), by_pandas(events, HOTSPOTS, "harm_days"), check_names=False, check_index_type=False)  # fmt: skip
    pd.testing.assert_series_equal(of_metric(office, "serious_events"), by_pandas(events, HOTSPOTS, "serious"), check_names=False, check_index_type=False)  # fmt: skip
    wide = counts.unstack(["hotspot_id", "cat_group"])
    for metric, wanted in (
        *((f"events_{n}_weeks", wide.rolling(n).sum()) for n in (4, 13, 52)),
        ("events_a_year_before", wide.shift(52)),
    ):
        stacked = wanted.dropna().unstack().reorder_levels(["hotspot_id", "week_start", "cat_group"]).sort_index()  # fmt: skip
        pd.testing.assert_series_equal(
            of_metric(office, metric), stacked, check_names=False, check_index_type=False
        )
    # every cell around a hotspot goes to H-1 where it touches both: it has the better rank
    taken = {c for cells in HOTSPOTS.values() for c in cells}
    around: dict[str, list[int]] = {}
    for name, cells in HOTSPOTS.items():
        near = {h3.str_to_int(n) for c in cells for n in h3.grid_ring(h3.int_to_str(c), 1)} - taken
        around[name] = sorted(near)
        taken |= near
    pd.testing.assert_series_equal(of_metric(office, "ring_events"), by_pandas(events, around), check_names=False, check_index_type=False)  # fmt: skip


def test_a_recode_changes_its_week_and_the_sums_that_hold_it_and_no_limit(office: Office) -> None:
    office.settle(made_events())
    office.night("one")
    limits = office.session.frame("select hotspot_id, week_start, cat_group, mu, upper_95, upper_998, fit_id from evaluation.control_limits order by all")  # fmt: skip
    assert set(limits["fit_id"].str.slice(0, 7)) == {"2025-Q4", "2026-Q1", "2026-Q2"}
    assert office.night("two") == ()
    week = WEEKS[10]
    office.session.execute("update hexes.events set cat_group = 'VAP' where event_id = (select min(event_id) from hexes.events where week_start = $w and is_counted and cell_r9 = $c and cat_group <> 'VAP')", {"w": week, "c": MIDDLE})  # fmt: skip
    office.count()
    changed = office.night("three")
    # the weeks whose sums of 4 and 13 hold it; of 52, which begin with the 52nd week; the one that looks a year back
    assert changed == (*WEEKS[10:23], *WEEKS[51:63])
    runs = dict(office.session.frame("select week_start, min(run_id) from evaluation.weekly_metrics group by 1 having min(run_id) = max(run_id)").iter_rows())  # fmt: skip
    assert runs == {w: "three" if w in changed else "one" for w in WEEKS}
    counted = "select week_start from evaluation.weekly_metrics where metric = 'events' and cut = 'latest' and value <> 0"  # fmt: skip
    assert week in office.session.frame(counted)["week_start"].to_list()
    after = office.session.frame("select hotspot_id, week_start, cat_group, mu, upper_95, upper_998, fit_id from evaluation.control_limits order by all")  # fmt: skip
    assert after.equals(limits)


def test_cuts_stand_beside_the_latest_with_the_lookup_of_their_moment(office: Office) -> None:
    events = made_events()
    moment = datetime(2026, 5, 5, 1)
    office.given("hexes.cuts", {"cut": "settled", "week_start": WEEKS[5], "known_at_utc": moment})
    office.given("hexes.cuts", {"cut": "settled", "week_start": WEEKS[6], "known_at_utc": None})
    office.given("hexes.crime_weekly_cuts", {"cut": "settled", "resolution": 9, "cell": MIDDLE, "week_start": WEEKS[5], "cat_group": "VAP", "n_events": 77})  # fmt: skip
    office.given("history.lookup_versions", {"table_name": "offence_codes", "lookup_version": "v2", "known_from_utc": datetime(2026, 6, 1)})  # fmt: skip
    office.settle(events)
    office.night("one")
    rows = office.session.frame("select * from evaluation.weekly_metrics where cut = 'settled' and metric = 'events'")  # fmt: skip
    assert rows.height == 2 * 7 and set(rows["week_start"]) == {WEEKS[5]}
    assert dict(rows.filter(pl.col("hotspot_id") == "H-1").select("cat_group", pl.col("value").cast(pl.Int64)).iter_rows())["ALL"] == 77  # fmt: skip
    assert set(rows["known_at_utc"]) == {moment} and set(rows["lookup_version"]) == {"v1"}
    latest = office.session.frame("select distinct lookup_version, known_at_utc, hotspot_version from evaluation.weekly_metrics where cut = 'latest' and metric = 'events'")  # fmt: skip
    assert latest.rows() == [("v2", None, FIRST)]


@pytest.mark.parametrize(
    ("kind", "lacking"),
    [("snapshot", []), ("delta", [date(2026, 7, 1)])],
    ids=["of months alone", "beside a nightly feed"],
)
def test_a_month_is_complete_once_every_source_holds_it(
    kind: str, lacking: list[date], office: Office
) -> None:
    monthly = [e | {"week_start": None, "police_day": None, "time_known": "month", "event_date": e["month"]} for e in made_events()]  # fmt: skip
    office.settle(monthly)
    office.session.execute(f"update history.extracts set kind = '{kind}'")
    office.night("one")
    months = office.session.frame("select * from evaluation.monthly_metrics where not is_complete")
    assert months["month"].unique().to_list() == lacking


def test_a_source_of_months_has_months_and_refusals(office: Office) -> None:
    monthly = [e | {"week_start": None, "police_day": None, "time_known": "month", "event_date": e["month"]} for e in made_events()]  # fmt: skip
    office.settle(monthly)
    assert office.night("one") == ()
    months = office.session.frame("select * from evaluation.monthly_metrics")
    assert months.height == 2 * 7 * months["month"].n_unique() and months["month"].n_unique() == 17
    wanted = sum(e["is_counted"] and e["cell_r9"] in HOTSPOTS["H-1"] for e in monthly)
    of_one = months.filter((pl.col("hotspot_id") == "H-1") & (pl.col("cat_group") == "ALL"))
    assert of_one["n_events"].sum() == wanted
    assert months.filter(~pl.col("is_complete"))["month"].unique().to_list() == [date(2026, 7, 1)]
    why = office.session.frame("select what, reason from evaluation.refusals order by all")
    assert {"events a week", "control limits and signals", "completeness and nowcast"} <= set(why["what"])  # fmt: skip
    assert why.filter(pl.col("what") == "events a week")["reason"].to_list() == ["the source says of each event only the month"]  # fmt: skip


def test_on_monday_morning_the_week_stands_marked_with_where_the_data_end(office: Office) -> None:
    office.settle(made_events())
    office.night("one")
    office.session.execute("update history.extracts set known_from_utc = timestamp '2026-07-06 01:00:00'")  # fmt: skip
    office.night("two")
    said = office.session.frame("select distinct week_start, label from evaluation.weekly_metrics where metric = 'events' and time_band = 'all' and label is not null")  # fmt: skip
    assert said.rows() == [(WEEKS[-1], "data to 2026-07-06 01:00 UTC")]
    office.session.execute("update history.extracts set known_from_utc = timestamp '2026-07-05 22:00:00'")  # fmt: skip
    office.night("three")
    assert office.session.value("select max(week_start) from evaluation.weekly_metrics") == WEEKS[-2]  # fmt: skip


def test_a_hotspot_is_treated_where_a_planned_area_covers_a_tenth_of_it(office: Office) -> None:
    def square(x: float, size: float) -> str:
        return f"POLYGON (({x} 0, {x + size} 0, {x + size} {size}, {x} {size}, {x} 0))"

    office.given("hexes.hotspots", *({"hotspot_id": h, "polygon_wkt": square(x, 100)} for h, x in (("near", 0), ("far", 300), ("own", 600))))  # fmt: skip
    # 11 of 100 metres of the first, 9 of the second
    office.given("history.patrol_places_current", {"hotspot_id": "P1", "polygon_wkt": square(89, 200)}, {"hotspot_id": "P2", "polygon_wkt": square(209, 100)})  # fmt: skip
    times = {"window_start_utc": END, "window_end_utc": END}
    plans = [("P1", date(2026, 6, 10), times), ("P1", date(2026, 6, 28), times), ("P2", date(2026, 6, 10), times), ("own", date(2026, 6, 3), times), ("own", date(2026, 1, 1), {"window_start_utc": None})]  # fmt: skip
    office.given("history.patrol_plan_versions", *({"plan_id": f"p{k}", "hotspot_id": h, "police_day": d, **w} for k, (h, d, w) in enumerate(plans)))  # fmt: skip
    assert metric_inputs.treated(office.session).rows() == [
        ("near", date(2026, 6, 8), date(2026, 6, 22)), ("own", date(2026, 6, 1), date(2026, 6, 1)),
    ]  # fmt: skip
