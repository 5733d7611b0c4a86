"""Hazards, lags and where records change to, against the numbers of DOMAIN §8.3, over seeds."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from hotspot_pipeline.simulator.crime import hazards, recodes, shocks
from hotspot_pipeline.simulator.crime.hazards import HORIZON_DAYS, Lag
from hotspot_pipeline.simulator.crime.kinds import KINDS
from hotspot_pipeline.simulator.crime.reclass import ASSAULT_105A, GROUPS, INJURY_8N
from hotspot_pipeline.simulator.streams import Streams
from hotspot_pipeline_tests.unit.simulator.made_records import made_force

SEEDS, N = (1, 2, 3, 4), 60_000
START = datetime.fromisoformat("2023-06-26T06:00")
Made = tuple[pl.DataFrame, dict[str, pl.DataFrame]]


@lru_cache(maxsize=1)
def pooled() -> Made:
    """Crimes of all seeds with their changes; `idx` counts through."""
    crimes, changes = [], []
    for k, seed in enumerate(SEEDS):
        made = made_force(seed, START, 1000, N, 60).crimes
        mine = recodes.make_changes(Streams(seed), made)
        shift = pl.col("idx") + k * N
        crimes.append(made.with_columns(idx=shift, crime_number=pl.col("crime_number") + f"-{k}"))
        changes.append(
            {
                name: frame.with_columns(
                    idx=shift,
                    **(
                        {"merged_into": pl.col("merged_into") + f"-{k}"} if name == "status" else {}
                    ),
                )
                for name, frame in mine.items()
            }
        )
    families = {name: pl.concat([c[name] for c in changes]) for name in recodes.FAMILIES}
    return pl.concat(crimes), families


@lru_cache(maxsize=1)
def pooled_robberies() -> Made:
    made = made_force(7, START, 1000, N, 60).crimes.with_columns(
        ho_offence_code=pl.lit("034/01"), kind=pl.lit("robbery")
    )
    return made, recodes.make_changes(Streams(7), made)


def within(crimes: pl.DataFrame, changes: pl.DataFrame, *events: str) -> pl.DataFrame:
    """Those changes that come within 90 days of recording, with their lag in days and the first code."""
    first = crimes.select("idx", "recorded_ts_local", "kind", old="ho_offence_code")
    lagged = changes.filter(pl.col("event").is_in(events)).join(first, on="idx")
    days = (pl.col("changed_ts_local") - pl.col("recorded_ts_local")).dt.total_seconds() / 86_400
    return lagged.with_columns(lag=days).filter(pl.col("lag") <= HORIZON_DAYS)


def share(
    made: Made, family: str, event: str, codes: tuple[str, ...] | None = None
) -> tuple[float, float]:
    """(share of the crimes with such a change within 90 days, its standard error)."""
    crimes, changes = made
    if codes is not None:
        crimes = crimes.filter(pl.col("ho_offence_code").is_in(codes))
    p = within(crimes, changes[family], event)["idx"].n_unique() / len(crimes)
    return p, float(np.sqrt(p / len(crimes)))


Case = tuple[Callable[[], Made], str, str, tuple[str, ...] | None, float]
HAZARDS: dict[str, Case] = {
    "reclass violence": (pooled, "class", "reclassified", GROUPS["VAP"], 0.08),
    "reclass public order": (pooled, "class", "reclassified", GROUPS["PUBLIC_ORDER"], 0.05),
    "reclass damage": (pooled, "class", "reclassified", GROUPS["CRIM_DAMAGE"], 0.02),
    "reclass robbery": (pooled_robberies, "class", "reclassified", GROUPS["ROBBERY"], 0.04),
    "cancel robbery": (pooled_robberies, "status", "cancelled", None, 0.06),
    "cancel violence": (pooled, "status", "cancelled", GROUPS["VAP"], 0.03),
    "transfer": (pooled, "status", "transferred", None, 0.007),
    "merge": (pooled, "status", "merged", None, 0.008),
    "uncancel": (pooled, "status", "uncancelled", None, 0.002),
    "regeocode": (pooled, "geo", "regeocoded", None, 0.04),
    "redate": (pooled, "time", "redated", None, 0.04),
    "flags": (pooled, "flags", "flag_changed", None, 0.04),
}


@pytest.mark.parametrize("name", HAZARDS)
def test_hazards_by_90_days(name: str) -> None:
    make, family, event, codes, expected = HAZARDS[name]
    found, error = share(make(), family, event, codes)
    assert error < 0.05 * expected  # else the test could not see ten per cent
    assert found == pytest.approx(expected, rel=0.10)


def test_where_violence_is_reclassified_to() -> None:
    crimes, changes = pooled()
    moved = within(crimes, changes["class"], "reclassified").filter(
        pl.col("old").is_in(GROUPS["VAP"])
    )
    old, new = pl.col("old"), pl.col("ho_offence_code")
    a, n = list(ASSAULT_105A), list(INJURY_8N)
    shares = moved.select(
        swap=((old.is_in(a) & new.is_in(n)) | (old.is_in(n) & new.is_in(a))).mean(),
        worse=(old.is_in(n) & (new == "005/01")).mean(),
        public_order=new.is_in(GROUPS["PUBLIC_ORDER"]).mean(),
        same=(old == new).mean(),
    ).row(0, named=True)
    assert shares["swap"] == pytest.approx(0.70, rel=0.10)
    assert shares["worse"] == pytest.approx(0.06, rel=0.10)
    assert shares["public_order"] == pytest.approx(0.14, rel=0.10)
    other = 1 - shares["swap"] - shares["worse"] - shares["public_order"]
    assert other == pytest.approx(0.10, rel=0.10)
    assert shares["same"] == 0


def test_half_of_the_reclassified_robberies_leave_the_scope() -> None:
    crimes, changes = pooled_robberies()
    moved = within(crimes, changes["class"], "reclassified")
    assert (moved["ho_offence_code"] == "039/00").mean() == pytest.approx(0.5, abs=0.05)


def test_a_class_can_go_out_of_scope_and_back() -> None:
    crimes, changes = pooled()
    back = changes["class"].filter(pl.col("event") == "reclassified_back")
    first = crimes.select("idx", old="ho_offence_code")
    assert len(back) > 100
    assert (
        back.join(first, on="idx").select(pl.col("old") == pl.col("ho_offence_code"))["old"]
    ).all()


LAGS = {
    "class": ("reclassified", hazards.RECLASS_LAG),
    "status": ("transferred", hazards.TRANSFER_LAG),
    "geo": ("regeocoded", hazards.REGEOCODE_LAG),
    "time": ("redated", hazards.REDATE_LAG),
    "flags": ("flag_changed", hazards.FLAGS_LAG),
}


@pytest.mark.parametrize("family", LAGS)
def test_lags(family: str) -> None:
    crimes, changes = pooled()
    event, lag = LAGS[family]
    days = within(crimes, changes[family], event)["lag"]
    assert lag.median_days == 7
    # seen up to the horizon only
    assert days.median() == pytest.approx(
        _quantile(lag, 0.5 * lag.share_by(HORIZON_DAYS)), rel=0.10
    )
    for at in (3, 14, 28, 60):
        expected = lag.share_by(at) / lag.share_by(HORIZON_DAYS)
        assert (days <= at).mean() == pytest.approx(expected, rel=0.10, abs=0.02)


def _quantile(lag: Lag, share: float) -> float:
    grid = np.linspace(0.01, 90, 20_000)
    return float(grid[np.searchsorted([lag.share_by(float(x)) for x in grid], share)])


def test_reclassification_lags_are_those_of_the_specification() -> None:
    assert hazards.RECLASS_LAG.share_by(7) == pytest.approx(0.50)
    assert hazards.RECLASS_LAG.share_by(28) == pytest.approx(0.85)
    assert hazards.RECLASS_LAG.share_by(365) > 0.997  # the tail of twelve months


def test_merges_go_back_in_time_and_end_at_a_record_that_is_not_merged() -> None:
    crimes, changes = pooled()
    merged = changes["status"].filter(pl.col("event") == "merged")
    into = dict(
        zip(merged.join(crimes, on="idx")["crime_number"], merged["merged_into"], strict=True)
    )
    recorded = dict(zip(crimes["crime_number"], crimes["recorded_ts_local"], strict=True))
    status = dict(
        changes["status"]
        .sort("changed_ts_local", "idx")
        .join(crimes, on="idx")
        .select("crime_number", "record_status")
        .iter_rows()
    )
    longest, cancelled = 0, 0
    for number in into:
        chain = [number]
        while chain[-1] in into:
            assert recorded[into[chain[-1]]] <= recorded[chain[-1]]
            chain.append(into[chain[-1]])
            assert len(chain) < 20
        assert status.get(chain[-1], "live") in ("live", "cancelled")
        cancelled += status.get(chain[-1]) == "cancelled"
        longest = max(longest, len(chain))
    assert longest >= 3  # A into B into C
    assert cancelled > 0


def test_some_are_cancelled_taken_back_and_cancelled_again() -> None:
    _, changes = pooled()
    story = (
        changes["status"]
        .sort("idx", "changed_ts_local")
        .group_by("idx", maintain_order=True)
        .agg("event", "cancel_reason", "record_status")
    )
    paths = {tuple(events) for events in story["event"]}
    assert {("cancelled", "uncancelled"), ("cancelled", "uncancelled", "recancelled")} <= paths
    assert all(path[0] in ("cancelled", "transferred", "merged") for path in paths)
    for reasons, statuses in story.select("cancel_reason", "record_status").iter_rows():
        for reason, status in zip(reasons, statuses, strict=True):
            assert (reason is None) == (status == "live")


def test_domestic_abuse_is_found_late_for_some() -> None:
    crimes, changes = pooled()
    found = changes["flags"].join(crimes.select("idx", was="flag_da"), on="idx")
    late = found.filter(pl.col("flag_da").fill_null(False) & ~pl.col("was").fill_null(False))
    assert len(late) > 0.2 * len(found)
    assert found.filter(
        pl.col("was").fill_null(False) & ~pl.col("flag_da").fill_null(False)
    ).is_empty()


def test_better_dates_stay_before_the_report_and_out_of_the_missing_hour() -> None:
    crimes, changes = pooled()
    new = changes["time"].join(crimes.select("idx", "reported_ts_local"), on="idx")
    begin, end = pl.col("committed_from_local"), pl.col("committed_to_local")
    assert new.filter(begin > end).is_empty()
    assert new.filter(pl.coalesce(end, begin) > pl.col("reported_ts_local")).is_empty()
    for day in ("2024-03-31", "2025-03-30", "2026-03-29"):
        for column in ("committed_from_local", "committed_to_local"):
            assert not new[column].dt.strftime("%Y-%m-%d %H").is_in([f"{day} 01"]).any()


def test_delays_until_reported_and_recorded() -> None:
    crimes, _ = pooled()
    end = pl.coalesce("committed_to_local", "committed_from_local")
    hours = (pl.col("reported_ts_local") - end).dt.total_minutes() / 60
    late = crimes.group_by("kind").agg((hours > 24).mean().alias("late"))
    by_kind = dict(late.iter_rows())
    over_a_day = Lag(2.0, 1.4)  # of those not reported on the day
    for kind, same_day in {
        "violence": 0.68,
        "damage": 0.85,
        "robbery": 0.92,
        "public_order": 0.88,
    }.items():
        expected = (1 - same_day) * (1 - over_a_day.share_by(1))
        assert by_kind[kind] == pytest.approx(expected, rel=0.10)
    record_h = (pl.col("recorded_ts_local") - pl.col("reported_ts_local")).dt.total_minutes() / 60
    assert crimes.select((record_h > 24).mean()).item() == pytest.approx(0.08, rel=0.10)


def test_the_groups_are_those_of_the_lookup(project: Path) -> None:
    with (project / "data/reference/ho_offence_lookup.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if not row["valid_to"]]
    group = {row["ho_offence_code"]: row["cat_group"] for row in rows}
    hoclass = {row["ho_offence_code"]: row["ho_class_code"] for row in rows}
    subgroup = {row["ho_offence_code"]: row["prc_subgroup"] for row in rows}
    for name, codes in GROUPS.items():
        assert {group[code] for code in codes} == {name}
    assert {hoclass[c] for c in ASSAULT_105A} == {"105A"} and {hoclass[c] for c in INJURY_8N} == {
        "8N"
    }
    used = {code for kind in KINDS for code in kind.codes}
    for name, codes in GROUPS.items():
        assert {code for code in used if group[code] == name} <= set(codes)
    conduct = {code for code in used if subgroup[code] == "Stalking and harassment"}
    assert conduct == set(shocks.CONDUCT_CRIMES)


def test_one_crimes_changes_do_not_depend_on_the_others() -> None:
    made = made_force(5, START, 300, 3000, 60).crimes
    other = made.with_columns(
        recorded_ts_local=pl.when(pl.col("idx") == 1500)
        .then(pl.col("recorded_ts_local") + pl.duration(days=40))
        .otherwise(pl.col("recorded_ts_local"))
    )
    before, after = (recodes.make_changes(Streams(5), f) for f in (made, other))
    for family in recodes.FAMILIES:
        assert (
            before[family]
            .filter(pl.col("idx") != 1500)
            .equals(after[family].filter(pl.col("idx") != 1500))
        )
