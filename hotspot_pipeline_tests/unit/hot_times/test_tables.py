"""All tables together: grains, every weight accounted for, selections, and real windows end to end."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from hotspot_pipeline.hot_times.aoristic import WEIGHT_UNIT, event_hours
from hotspot_pipeline.hot_times.best_windows import WindowRules
from hotspot_pipeline.hot_times.tables import HotTimeRules, HotTimes, as_events, hot_times
from hotspot_pipeline.timebase import PoliceTime
from hotspot_pipeline.timebase.calendar_days import calendar_days, read_bank_holidays
from hotspot_pipeline.timebase.local_hours import hours_of
from hotspot_pipeline_tests.unit.hot_times.made_windows import events

LONDON = PoliceTime()
FIRST, END = date(2024, 1, 1), date(2024, 12, 30)
GRAINS = {
    "profiles": ["level", "profile_id"],
    "profile_bins": ["level", "profile_id", "resolution", "bin_no"],
    "windows": ["hotspot_id", "window_no"],
    "window_parts": ["hotspot_id", "window_no", "part_no"],
    "window_sets": ["hotspot_id"],
    "prior_scores": ["method", "strength"],
}
RULES = HotTimeRules(bootstrap_draws=100)


@pytest.fixture(scope="module")
def ordinary(project_root: Path) -> pl.DataFrame:
    holidays = read_bank_holidays(project_root / "data" / "reference" / "bank_holidays.csv")
    days = calendar_days(FIRST, END, holidays).filter(pl.col("stratum") == "ordinary")
    return hours_of(LONDON, LONDON.window(FIRST, END)).join(days, on="police_day", how="semi")


@pytest.fixture(scope="module")
def rows() -> pl.DataFrame:
    """H0: Friday and Saturday nights; H1: any time; H2: nothing; the rest of the force: any time."""
    rng = np.random.default_rng(10)
    friday = [
        datetime(2024, 1, 5, 20) + timedelta(days=7 * int(w) + int(d))
        for w, d in zip(rng.integers(0, 51, 200), rng.integers(0, 2, 200))
    ]
    nights = [t + timedelta(minutes=int(m)) for t, m in zip(friday, rng.integers(0, 420, 200))]
    anytime = [
        datetime(2024, 1, 1, 6) + timedelta(minutes=int(m))
        for m in rng.integers(0, 363 * 1440, 500)
    ]
    lengths = np.where(rng.uniform(size=700) < 0.7, 0, rng.integers(1, 50 * 60, 700))
    table = events(
        *[
            (t, t + timedelta(minutes=int(m)) if m else None)
            for t, m in zip([*nights, *anytime], lengths)
        ]
    )
    place = ["H0"] * 200 + ["H1"] * 100 + [None] * 400
    group = np.where(rng.uniform(size=700) < 0.3, "CRIM_DAMAGE", "VAP")
    table = table.with_columns(
        hotspot_id=pl.Series(place, dtype=pl.String), cat_group=pl.Series(group.tolist())
    )
    return event_hours(table, LONDON, keys=("event_id", "hotspot_id", "cat_group"))


HOTSPOTS = pl.DataFrame({"hotspot_id": ["H0", "H1", "H2"], "cluster": ["night", "other", "other"]})


def test_tables_of_a_small_force(rows: pl.DataFrame, ordinary: pl.DataFrame) -> None:
    made = hot_times(rows, ordinary, HOTSPOTS, RULES)
    for table, grain in GRAINS.items():
        frame: pl.DataFrame = getattr(made, table)
        assert frame.columns[0] == "selection" and frame["selection"].unique().to_list() == ["all"]
        assert not frame.select(grain).is_duplicated().any(), table
        for column in (c for c in frame.columns if frame[c].dtype.is_float()):
            assert frame[column].drop_nulls().is_finite().all(), f"{table}.{column}"
    good = rows.filter(pl.col("temporal_quality") == "good")
    total = Decimal(int(good["weight"].sum()) - made.left_out_weight) / WEIGHT_UNIT
    assert made.left_out_weight > 0  # holidays
    force = made.profiles.filter(level="force").row(0, named=True)
    assert force["n_events"] == total
    for resolution in ("block", "hour"):
        of_force = made.profile_bins.filter(level="force", resolution=resolution)
        assert of_force["n_events"].sum() == total
    assert made.profiles["profile_id"].to_list() == ["H0", "H1", "H2", "night", "other", "force"]
    assert (made.profiles["n_effective"] <= made.profiles["n_events"].cast(pl.Float64) + 1e-6).all()
    nights = made.windows.filter(hotspot_id="H0").sort("window_no").head(2)
    assert set(nights["police_weekday"]) == {4, 5} and (nights["n_hot_blocks"] > 0).all()
    assert made.window_sets["n_hours"].to_list() == [28, 28, 28]
    minutes = made.window_parts.group_by("hotspot_id").agg(pl.col("n_minutes").sum())
    assert minutes["n_minutes"].to_list() == [28 * 60] * 3
    nothing = made.profiles.filter(profile_id="H2").row(0, named=True)
    assert (nothing["n_events"], nothing["label"], nothing["n_effective"]) == (0, "cluster", 0)


def test_the_same_rows_in_any_order_give_the_same_tables(
    rows: pl.DataFrame, ordinary: pl.DataFrame
) -> None:
    first = hot_times(rows, ordinary, HOTSPOTS, RULES)
    again = hot_times(rows.sample(fraction=1, shuffle=True, seed=3), ordinary, HOTSPOTS, RULES)
    for table in GRAINS:
        assert getattr(first, table).equals(getattr(again, table), null_equal=True), table


def test_selections_differ_in_their_events(rows: pl.DataFrame, ordinary: pl.DataFrame) -> None:
    def n(made: HotTimes) -> Decimal:
        return made.profiles.filter(level="force")["n_events"][0]

    usual = hot_times(rows, ordinary, HOTSPOTS, RULES)
    without = hot_times(rows, ordinary, HOTSPOTS, RULES, selection="without_damage")
    long = hot_times(rows, ordinary, HOTSPOTS, RULES, selection="with_long_windows")
    assert n(without) < n(usual) < n(long)
    assert without.windows["selection"].unique().to_list() == ["without_damage"]


def test_no_hotspots_and_no_events(rows: pl.DataFrame, ordinary: pl.DataFrame) -> None:
    nowhere = rows.with_columns(hotspot_id=pl.lit(None, pl.String))
    none = hot_times(nowhere, ordinary, HOTSPOTS.clear(), RULES)
    assert none.profiles["profile_id"].to_list() == ["force"] and none.windows.is_empty()
    quiet = hot_times(rows.clear(), ordinary, HOTSPOTS, RULES)
    assert (
        quiet.profiles["n_events"].sum() == 0
        and quiet.profile_bins["rate_ratio"].null_count() == 6 * 224
    )


def test_weights_are_events_exactly() -> None:
    frame = pl.DataFrame({"w": [333_333_333_334, WEIGHT_UNIT, 0, 987_654 * WEIGHT_UNIT + 1]})
    assert frame.select(as_events(pl.col("w"))).to_series().to_list() == [
        Decimal("0.333333333334"), Decimal(1), Decimal(0), Decimal("987654.000000000001"),
    ]  # fmt: skip


def test_a_missing_column_is_named(rows: pl.DataFrame, ordinary: pl.DataFrame) -> None:
    with pytest.raises(ValueError, match="no column cat_group"):
        hot_times(rows.drop("cat_group"), ordinary, HOTSPOTS)


def test_vehicle_thefts_of_new_york_end_to_end(shared_data: Path) -> None:
    """Real from and to in New York's own time; places are squares of two hundredths of a degree."""
    from hotspot_pipeline.validated.committed import time_known
    from hotspot_pipeline.validated.timestamps import clock_column

    new_york = PoliceTime("America/New_York")
    path = shared_data / "incidents" / "nyc_vehicle_thefts_2014_from_to.csv.gz"
    delivered = pl.read_csv(
        path, columns=["uid", "date_start", "date_end", "longitude", "latitude"]
    )
    square = pl.concat_str(
        (pl.col("longitude", "latitude") * 50).floor().cast(pl.Int64), separator=":"
    )
    start, end = (
        pl.col(c).str.to_datetime("%Y-%m-%d %H:%M", time_unit="us")
        for c in ("date_start", "date_end")
    )
    table = (
        delivered.with_columns(
            square=square, committed_from_local=start, committed_to_local=end,
            **{clock_column(f"committed_{side}_local"): pl.lit(True) for side in ("from", "to")},
        )
        .with_columns(
            event_id=pl.col("uid"), cat_group=pl.lit("OTHER"), time_known=time_known(),
            from_utc=new_york.to_utc(pl.col("committed_from_local")),
            to_utc=new_york.to_utc(pl.col("committed_to_local")),
        )
    )  # fmt: skip
    busiest = (
        table["square"]
        .value_counts(sort=True)
        .sort("count", "square", descending=True)
        .head(6)["square"]
    )
    table = table.with_columns(
        hotspot_id=pl.when(pl.col("square").is_in(busiest.to_list())).then("square")
    )
    rows = event_hours(table, new_york, keys=("event_id", "hotspot_id", "cat_group"))
    hours = hours_of(new_york, new_york.window(date(2013, 12, 30), date(2014, 12, 29)))
    hotspots = pl.DataFrame({"hotspot_id": busiest, "cluster": ["residential_other"] * 6})
    made = hot_times(rows, hours, hotspots, HotTimeRules(WindowRules(), bootstrap_draws=50))
    n_good = 2_835 + 510 + 24_584
    force = made.profiles.filter(level="force").row(0, named=True)
    assert force["n_events"] + Decimal(made.left_out_weight) / WEIGHT_UNIT == n_good
    assert force["n_effective"] < 0.75 * float(force["n_events"])  # most are spread over a night
    # cars are stolen at night: every place's first window begins in the evening or the night
    first = made.windows.filter(window_no=1)
    assert all(hour >= 18 or hour <= 3 for hour in first["start_hour"])
    assert (made.window_sets["share_captured"] > 28 / 168).all()
