"""From events to scored cells and hotspots: windows, counts by brute force, signed hotspots that stay."""

from __future__ import annotations

from collections import Counter
from datetime import date

import h3
import numpy as np
import polars as pl
import pytest

from hotspot_pipeline.geo.grid import GridSpec, make_grid
from hotspot_pipeline.hexes.hotspot_tables import build_hotspots
from hotspot_pipeline.hexes.scoring import SelectionWindow, score_cells, selection_window
from hotspot_pipeline.hexes.signoff import Selection, SignedHotspot
from hotspot_pipeline.settings import HotspotRules

GRID = make_grid(GridSpec(resolution=9))
CENTRE = h3.str_to_int(h3.latlng_to_cell(52.29, -1.53, 9))
STUDY = sorted(h3.str_to_int(c) for c in h3.grid_disk(h3.int_to_str(CENTRE), 6))
WINDOW = SelectionWindow(date(2025, 1, 1), date(2026, 1, 1))
RULES = HotspotRules(top_k=4, min_events=5, bootstrap_draws=200)
NO_VENUES = pl.DataFrame(
    schema={"venue_id": pl.String, "easting": pl.Float64, "northing": pl.Float64, "is_late": pl.Boolean,
            "valid_from": pl.Date, "valid_to": pl.Date}
)  # fmt: skip


def _cells() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "cell": STUDY,
            "cell_id": list(GRID.to_text(np.array(STUDY))),
            "area_m2": GRID.areas_m2(np.array(STUDY)),
            "is_in_force": True,
        }
    )


def _events(seed: int = 1, n: int = 600, *, hours: bool = True) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    weight = rng.gamma(0.2, size=len(STUDY))
    place = rng.choice(len(STUDY), size=n, p=weight / weight.sum())
    group = rng.choice(["ASB", "VAP", "ROBBERY"], size=n)
    hour = rng.integers(0, 168, size=n)
    return pl.DataFrame(
        {
            "cell": [STUDY[p] for p in place],
            "cat_group": group,
            "month": [date(2025, int(m), 1) for m in rng.integers(1, 13, size=n)],
            "hour_of_week": pl.Series(hour if hours else [None] * n, dtype=pl.Int16),
            "is_day": pl.Series(
                [6 <= h % 24 < 18 for h in hour] if hours else [None] * n, dtype=pl.Boolean
            ),
            "harm_days": pl.Series(
                [None if g == "ASB" else 365 if g == "ROBBERY" else 20 for g in group],
                dtype=pl.Int64,
            ).cast(pl.Decimal(12, 2)),
        }
    )


def test_counts_equal_a_count_by_hand() -> None:
    events = _events()
    scores = score_cells(events, _cells(), NO_VENUES, grid=GRID, window=WINDOW, rules=RULES)
    assert scores.height == len(STUDY)
    expected = Counter(events.get_column("cell"))
    assert dict(scores.select("cell", "n_events").iter_rows()) == {
        c: expected.get(c, 0) for c in STUDY
    }
    robberies = Counter(events.filter(pl.col("cat_group") == "ROBBERY").get_column("cell"))
    assert dict(scores.select("cell", "n_robbery").iter_rows()) == {
        c: robberies.get(c, 0) for c in STUDY
    }
    assert scores.get_column("n_serious").sum() == sum(robberies.values())
    assert (
        scores.get_column("n_by_day").sum() + scores.get_column("n_by_night").sum() == events.height
    )


def test_the_order_of_events_and_cells_changes_nothing() -> None:
    one = score_cells(_events(), _cells(), NO_VENUES, grid=GRID, window=WINDOW, rules=RULES)
    other = score_cells(
        _events().reverse(), _cells().reverse(), NO_VENUES, grid=GRID, window=WINDOW, rules=RULES
    )
    assert one.equals(other)


def test_a_cell_without_weights_has_no_harm_rather_than_none() -> None:
    events = _events().filter(pl.col("cat_group") == "ASB")
    scores = score_cells(events, _cells(), NO_VENUES, grid=GRID, window=WINDOW, rules=RULES)
    assert scores.get_column("harm_days").null_count() == scores.height


def test_without_hours_the_night_time_economy_is_not_known() -> None:
    scores = score_cells(
        _events(hours=False), _cells(), NO_VENUES, grid=GRID, window=WINDOW, rules=RULES
    )
    populated = scores.filter(pl.col("n_events") > 0)
    assert populated.get_column("nte_linked").null_count() == populated.height
    assert populated.get_column("nte_linked_reason").null_count() == 0


def test_no_events_at_all() -> None:
    scores = score_cells(
        _events().clear(), _cells(), NO_VENUES, grid=GRID, window=WINDOW, rules=RULES
    )
    assert scores.get_column("n_events").sum() == 0
    assert not scores.get_column("is_selected").any()
    hotspots, members = build_hotspots(scores, None, grid=GRID, rules=RULES)
    assert hotspots.is_empty()
    assert members.is_empty()


@pytest.mark.parametrize(
    ("first", "last", "is_monthly", "expected"),
    [
        # a month-only feed: its last month is complete
        (date(2025, 1, 1), date(2025, 12, 1), True, (date(2025, 1, 1), date(2026, 1, 1))),
        # a dated feed whose newest event falls on the 1st has an open month
        (date(2024, 1, 5), date(2025, 12, 1), False, (date(2024, 12, 1), date(2025, 12, 1))),
        (date(2024, 1, 5), date(2025, 12, 31), False, (date(2025, 1, 1), date(2026, 1, 1))),
        (date(2024, 1, 5), date(2026, 2, 28), False, (date(2025, 3, 1), date(2026, 3, 1))),
        # less than a year: the closed months there are
        (date(2025, 10, 3), date(2026, 1, 15), False, (date(2025, 11, 1), date(2026, 1, 1))),
        # less than a closed month: the days there are
        (date(2026, 1, 3), date(2026, 1, 15), False, (date(2026, 1, 3), date(2026, 1, 16))),
    ],
)
def test_the_window_is_the_newest_closed_year(
    first: date, last: date, is_monthly: bool, expected: tuple[date, date]
) -> None:
    window = selection_window(HotspotRules(), first, last, is_monthly=is_monthly)
    assert window is not None
    assert (window.first_day, window.end_day) == expected


def test_a_configured_window_wins_and_no_data_gives_none() -> None:
    rules = HotspotRules(window_from=date(2023, 1, 1), window_to=date(2024, 1, 1))
    window = selection_window(rules, date(2025, 1, 1), date(2025, 6, 1), is_monthly=False)
    assert window == SelectionWindow(date(2023, 1, 1), date(2024, 1, 1))
    assert selection_window(HotspotRules(), None, None, is_monthly=False) is None


def _signed(scores: pl.DataFrame, cell: int, dropped: tuple[SignedHotspot, ...] = ()) -> Selection:
    return Selection(
        version=date(2026, 1, 10),
        signed_by="analyst",
        because="review",
        resolution=9,
        window_from=WINDOW.first_day,
        window_to=WINDOW.end_day,
        hotspots=(SignedHotspot("H-kept", (h3.int_to_str(cell),), "added: a quiet corner"),),
        dropped=dropped,
    )


def test_a_signed_hotspot_stays_whatever_the_ranking_says() -> None:
    scores = score_cells(_events(), _cells(), NO_VENUES, grid=GRID, window=WINDOW, rules=RULES)
    quiet = scores.filter(pl.col("n_events") == 0).get_column("cell")[0]
    hotspots, members = build_hotspots(scores, _signed(scores, quiet), grid=GRID, rules=RULES)
    kept = hotspots.filter(pl.col("hotspot_id") == "H-kept").row(0, named=True)
    assert kept["status"] == "signed"
    assert kept["hotspot_version"] == date(2026, 1, 10)
    assert kept["n_events"] == 0
    assert kept["reason"] == "added: a quiet corner"
    assert set(hotspots.get_column("status")) == {"signed", "proposed"}
    assert members.filter(pl.col("hotspot_id") == "H-kept").get_column("cell").to_list() == [quiet]
    assert members.get_column("cell").is_unique().all()


def test_a_dropped_hotspot_is_not_proposed_again() -> None:
    scores = score_cells(_events(), _cells(), NO_VENUES, grid=GRID, window=WINDOW, rules=RULES)
    proposed, members = build_hotspots(scores, None, grid=GRID, rules=RULES)
    top = proposed.row(0, named=True)["hotspot_id"]
    cells = tuple(members.filter(pl.col("hotspot_id") == top).get_column("cell_id"))
    quiet = scores.filter(pl.col("n_events") == 0).get_column("cell")[0]
    selection = _signed(scores, quiet, (SignedHotspot(top, cells, "a lake"),))
    hotspots, _ = build_hotspots(scores, selection, grid=GRID, rules=RULES)
    assert top not in hotspots.get_column("hotspot_id").to_list()
    assert set(proposed.get_column("hotspot_id")) - {top} <= set(hotspots.get_column("hotspot_id"))


def test_areas_and_outlines_of_hotspots() -> None:
    import shapely

    scores = score_cells(_events(), _cells(), NO_VENUES, grid=GRID, window=WINDOW, rules=RULES)
    hotspots, _ = build_hotspots(scores, None, grid=GRID, rules=RULES)
    assert hotspots.height >= 1
    for row in hotspots.iter_rows(named=True):
        shape = shapely.from_wkt(row["polygon_wkt"])
        assert shape.is_valid
        # the National Grid's scale differs from the sphere's by a few parts in a thousand
        assert shape.area == pytest.approx(row["area_m2"], rel=0.01)
        assert 51 < row["lat"] < 53
