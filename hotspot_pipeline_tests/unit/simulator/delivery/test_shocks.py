"""Each scripted event is to be seen in the files, and leaves alone what it does not touch."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from hotspot_pipeline.feeds.contract import shipped_contracts
from hotspot_pipeline.raw.landing import extracts_of, landed_files
from hotspot_pipeline.simulator.crime import shocks
from hotspot_pipeline.simulator.crime.reclass import GROUPS
from hotspot_pipeline.simulator.delivery.extracts import ASB_COLUMNS, CRIME_COLUMNS
from hotspot_pipeline.simulator.delivery.plan import plan_of
from hotspot_pipeline.simulator.profiles import PROFILES
from hotspot_pipeline.simulator.streams import Streams
from hotspot_pipeline.timebase import PoliceTime
from hotspot_pipeline_tests.unit.simulator.delivery.conftest import Deliver
from hotspot_pipeline_tests.unit.simulator.delivery.delivered_records import (
    SHOCKS,
    START,
    Sent,
)
from hotspot_pipeline_tests.unit.simulator.delivery.test_records import tree
from hotspot_pipeline_tests.unit.simulator.made_records import made_force

HEADERS = {"crime_extract": CRIME_COLUMNS, "asb_extract": ASB_COLUMNS}


def stamp(day: int, time: str = "0200") -> str:
    """Of the night of a day: early on the next date."""
    return f"{START.date() + timedelta(days=day + 1):%Y%m%d}T{time}"


def changed_files(one: Sent, other: Sent) -> set[str]:
    first, second = tree(one.out), tree(other.out)
    return {name for name in first.keys() | second.keys() if first.get(name) != second.get(name)}


def without(shock: str) -> dict[str, int]:
    return {name: day for name, day in SHOCKS.items() if name != shock}


@pytest.mark.parametrize(
    "shock", ["partial_full", "missing_nights", "renamed_columns", "lookup_change"]
)
def test_shocks_of_files_leave_the_other_nights_bytes(deliver_small: Deliver, shock: str) -> None:
    day = SHOCKS[shock]
    touched = changed_files(deliver_small(), deliver_small(shocks=without(shock)))
    partial = next(d for d in range(day, 63) if d % 7 == 6)
    days = {
        "partial_full": [partial],
        "missing_nights": [day, day + 1],
        "renamed_columns": list(range(day, day + 7)),
        "lookup_change": [],
    }[shock]
    # what came late came on the morning of the night after
    stamps = {stamp(d) for d in days} | {stamp(day + 2, "0900"), stamp(day + 2, "0905")}
    assert touched and all(
        name.startswith("reference") or name.split(".")[0].rsplit("_", 1)[1] in stamps
        for name in touched
    )


@pytest.mark.parametrize("shock", ["batch_regeocode", "recording_rule"])
def test_shocks_of_records_leave_the_nights_before_them(deliver_small: Deliver, shock: str) -> None:
    touched = changed_files(deliver_small(), deliver_small(shocks=without(shock)))
    stamps = {
        name.split(".")[0].rsplit("_", 1)[1] for name in touched if name.startswith("landing/crime")
    }
    # records that come on the day may be the first of the rule
    assert min(stamps) >= stamp(SHOCKS[shock] - 1)
    assert stamp(SHOCKS[shock]) in stamps


def test_a_batch_moves_a_part_of_one_towns_history_in_one_night(small: Sent) -> None:
    moved = small.truth.crime_changes.filter(pl.col("event") == "batch_regeocoded")
    assert moved["changed_ts_local"].unique().len() == 1
    numbers = set(moved["crime_number"])
    crimes = small.truth.crimes.with_columns(
        town=pl.Series(small.force.county.town[small.truth.crimes["cell"].to_numpy()])
    )
    mine = crimes.filter(pl.col("crime_number").is_in(list(numbers)))
    assert mine["town"].unique().len() == 1
    at = moved["changed_ts_local"][0]
    known = crimes.filter(
        (pl.col("town") == mine["town"][0])
        & (pl.col("recorded_ts_local").dt.strftime("%Y-%m-%d %H:%M:%S") <= at)
    )
    listed = small.truth.shocks.filter(pl.col("shock") == "batch_regeocode")
    assert numbers <= set(listed["key"])  # a few had the true place already
    assert len(listed) == pytest.approx(0.06 * len(known), rel=0.05)
    night = small.rows("crime_extract", f"crime_delta_{stamp(SHOCKS['batch_regeocode'])}.csv.gz")
    assert numbers <= set(night)
    usual = np.median(
        [len(small.rows("crime_extract", n)) for n in small.names("crime_extract", "delta")]
    )
    assert len(night) > 1.2 * usual


def test_the_lookup_has_one_code_in_another_group_from_that_date(
    small: Sent, project: Path
) -> None:
    day = START.date() + timedelta(days=SHOCKS["lookup_change"])
    (path,) = (small.out / "reference").iterdir()
    assert path.name == f"ho_offence_lookup_{day}.csv"
    with (
        path.open(newline="") as new,
        (project / "data/reference/ho_offence_lookup.csv").open(newline="") as old,
    ):
        after, before = list(csv.DictReader(new)), list(csv.DictReader(old))
    codes = Counter(row["ho_offence_code"] for row in after) - Counter(
        row["ho_offence_code"] for row in before
    )
    ((code, n),) = codes.items()
    assert n == 1

    def groups(rows: list[dict[str, str]], on: date) -> dict[str, str]:
        valid = [
            r
            for r in rows
            if r["valid_from"] <= f"{on}" and (not r["valid_to"] or f"{on}" <= r["valid_to"])
        ]
        assert len({r["ho_offence_code"] for r in valid}) == len(valid)
        return {r["ho_offence_code"]: r["cat_group"] for r in valid}

    assert groups(after, day - timedelta(days=1)) == groups(before, day - timedelta(days=1))
    now, then = groups(after, day), groups(before, day)
    assert {c for c in now if now[c] != then[c]} == {code}


def test_an_audit_records_what_was_reported_long_before() -> None:
    crimes = made_force(4, START, 400, 8000, 60).crimes
    day = np.datetime64("2027-01-15", "D")
    keep = crimes["crime_number"][:2000]
    late = shocks.audit_adds(Streams(4)("audit"), crimes, day, 90, keep)
    assert late.drop("recorded_ts_local").equals(crimes.drop("recorded_ts_local"))
    added = late.filter(late["recorded_ts_local"] != crimes["recorded_ts_local"])
    assert len(added) == 90
    assert (added["recorded_ts_local"].dt.date() == day.item()).all()
    assert not added["crime_number"].is_in(keep.implode()).any()
    waited = (added["recorded_ts_local"] - added["reported_ts_local"]).dt.total_days()
    assert waited.min() >= 59  # reported at least two months before


def test_the_audits_records_come_that_night(small: Sent) -> None:
    day = SHOCKS["audit_adds"]
    added = small.truth.crimes.filter(pl.col("is_audit_add"))
    numbers = set(added["crime_number"])
    assert len(numbers) == round(180 * small.plan.volume)
    assert numbers == set(small.truth.shocks.filter(pl.col("shock") == "audit_adds")["key"])
    linked = small.force.asb["linked_crime_number"].drop_nulls()
    assert not numbers & set(linked)
    for name in small.names("crime_extract", "delta") + small.names("crime_extract", "full"):
        at = name.split(".")[0].rsplit("_", 1)[1]
        rows = small.rows("crime_extract", name)
        if at < stamp(day):
            assert not numbers & set(rows), name
        if at == stamp(day):
            assert numbers <= set(rows)
            for number in numbers:
                waited = date.fromisoformat(
                    rows[number]["recorded_ts_local"][:10]
                ) - date.fromisoformat(rows[number]["reported_ts_local"][:10])
                assert waited >= timedelta(days=day // 2 - 2)


def test_missing_nights_come_late_and_one_twice(small: Sent) -> None:
    first = SHOCKS["missing_nights"]
    sent = small.truth.deliveries
    for feed, prefix in (("crime_extract", "crime"), ("asb_extract", "asb")):
        mine = sent.filter(pl.col("feed") == feed)
        late = mine.filter(
            pl.col("extract_ts_local").is_in(
                [f"{START.date() + timedelta(days=first + k)} 02:00:00" for k in (1, 2)]
            )
        )
        arrived = dict(late.select("file", "arrived_ts_local").iter_rows())
        morning = f"{START.date() + timedelta(days=first + 3)}"
        assert arrived == {
            f"{prefix}_delta_{stamp(first)}.csv.gz": f"{morning} 09:00:00",
            f"{prefix}_delta_{stamp(first + 1)}.csv.gz": f"{morning} 09:00:00",
            f"{prefix}_delta_{stamp(first + 2, '0905')}.csv.gz": f"{morning} 09:05:00",
        }
        twice = late.group_by("sha256").len()["len"].sort().to_list()
        assert twice == [1, 2]
        # they come after a younger file, the older of them last
        order = mine["file"].to_list()
        places = [order.index(f"{prefix}_delta_{stamp(first + k)}.csv.gz") for k in (2, 1, 0)]
        assert places == sorted(places)
        assert not (small.out / "manifests" / feed / f"{feed}_manifest_{stamp(first)}.csv").exists()


def test_a_partial_full_has_sixty_percent_and_its_manifest_says_more(small: Sent) -> None:
    day = next(d for d in range(SHOCKS["partial_full"], 63) if d % 7 == 6)
    name = f"crime_full_{stamp(day)}.csv.gz"
    rows = small.rows("crime_extract", name)
    week_before = small.rows("crime_extract", f"crime_full_{stamp(day - 7)}.csv.gz")
    week_after = small.rows("crime_extract", f"crime_full_{stamp(day + 7)}.csv.gz")
    manifest = pl.read_csv(
        small.out / "manifests" / "crime_extract" / f"crime_extract_manifest_{stamp(day)}.csv"
    ).filter(pl.col("file") == name)
    stated = manifest["rows"].item()
    assert len(week_before) < stated < len(week_after)
    assert len(rows) == round(0.6 * stated)


def test_renamed_columns_are_known_to_the_contracts(small: Sent) -> None:
    contracts = shipped_contracts()
    first = SHOCKS["renamed_columns"]
    for feed, prefix in (("crime_extract", "crime"), ("asb_extract", "asb")):
        for name in small.names(feed, "delta") + small.names(feed, "full"):
            header = small.header(feed, name)
            is_in_week = stamp(first) <= name.split(".")[0].rsplit("_", 1)[1] <= stamp(first + 6)
            assert (header != list(HEADERS[feed])) == is_in_week, name
            match = contracts[feed].resolve_header(header)
            assert not match.missing and not match.extra, name
            assert match.found.keys() == set(HEADERS[feed])
        renamed = small.header(feed, f"{prefix}_delta_{stamp(first)}.csv.gz")
        assert sum(a != b for a, b in zip(renamed, HEADERS[feed], strict=True)) >= 3


def test_the_recording_rule_keeps_records_out_of_the_books(small: Sent) -> None:
    day = SHOCKS["recording_rule"]
    out = small.truth.crimes.filter(~pl.col("is_recorded"))
    assert out["recorded_ts_local"].min() >= (START + timedelta(days=day)).replace(hour=0)  # type: ignore[operator]
    delivered = set()
    for name in small.names("crime_extract", "delta") + small.names("crime_extract", "full"):
        delivered |= set(small.rows("crime_extract", name))
    assert not delivered & set(out["crime_number"])
    listed = small.truth.shocks.filter(pl.col("shock") == "recording_rule")
    assert set(listed["key"]) == set(out["crime_number"])
    for name in small.names("crime_extract", "full"):
        targets = {row["merged_into"] for row in small.rows("crime_extract", name).values()} - {""}
        assert not targets & set(out["crime_number"])
    for name in small.names("asb_extract", "full"):
        links = {row["linked_crime_number"] for row in small.rows("asb_extract", name).values()}
        assert not links & set(out["crime_number"])


def test_the_shares_of_the_recording_rule() -> None:
    day = np.datetime64("2026-06-01", "D")
    n_out, n_in = Counter[str](), Counter[str]()
    for seed in (1, 2, 3):
        crimes = made_force(seed, START, 300, 40_000, 60).crimes
        is_out = shocks.not_recorded(Streams(seed)("rule"), crimes, day)
        groups = {
            "conduct": shocks.CONDUCT_CRIMES, "public_order": GROUPS["PUBLIC_ORDER"],
            "violence": GROUPS["VAP"],
        }  # fmt: skip
        after = crimes["recorded_ts_local"].to_numpy() >= day
        assert not is_out[~after].any()
        for name, codes in groups.items():
            mine = crimes["ho_offence_code"].is_in(codes).to_numpy() & after
            n_out[name] += int(is_out[mine].sum())
            n_in[name] += int(mine.sum())
    assert n_out["conduct"] / n_in["conduct"] == pytest.approx(0.35, rel=0.10)
    assert n_out["public_order"] / n_in["public_order"] == pytest.approx(0.08, rel=0.10)
    assert n_out["violence"] == 0


def test_shocks_that_a_plan_lacks_do_not_happen(deliver_small: Deliver) -> None:
    calm = deliver_small(shocks={})
    assert calm.truth.shocks.is_empty() and calm.truth.crimes["is_recorded"].all()
    assert not (calm.out / "reference").exists()
    assert "batch_regeocoded" not in set(calm.truth.crime_changes["event"])
    assert "delivered_late" not in set(calm.truth.defects["kind"])


@pytest.mark.parametrize("feed", ["crime_extract", "asb_extract"])
def test_the_pipeline_takes_every_file_for_a_delivery_and_nothing_else(
    small: Sent, feed: str
) -> None:
    contract = shipped_contracts()[feed]
    folder = small.out / "landing" / feed
    for path in folder.iterdir():
        path.with_name(f"{path.name}.done").touch()  # else every file is given time to settle
    try:
        complete, growing = landed_files(folder, contract, settle_s=0)
    finally:
        for marker in folder.glob("*.done"):
            marker.unlink()
    assert not growing
    sent = small.truth.deliveries.filter(pl.col("feed") == feed)
    assert {file.name for file in complete} == set(sent["file"])
    kinds = dict(sent.select("file", "kind").iter_rows())
    for extract in extracts_of(complete, folder, contract, PoliceTime()):
        (file,) = extract.files
        assert extract.kind == ("delta" if kinds[file.name] == "unreadable" else kinds[file.name])
        assert extract.extract_ts_utc.minute in (0, 5)


@pytest.mark.parametrize("name", sorted(PROFILES))
def test_every_profile_has_a_calendar(name: str) -> None:
    profile = PROFILES[name]
    plan = plan_of(profile)
    nights = list(plan.nights())
    assert len(nights) == profile.n_days - profile.first_night == plan.n_nights
    assert nights[0].is_full and not nights[0].is_delta
    assert nights[-1].at.item() == profile.end_local.replace(hour=2)
    fulls = [n for n in nights if n.is_full]
    assert all(n.at.item().weekday() == 0 for n in fulls[1:])  # the night of Sunday
    n_weeks = (profile.n_days - profile.first_night) // 7
    assert n_weeks <= len(fulls) <= n_weeks + 2
    happened = profile.shocks
    assert sum(n.arrives > n.at for n in nights) == 2 * ("missing_nights" in happened)
    assert sum(n.is_partial for n in nights) == ("partial_full" in happened)
    assert sum(n.is_renamed for n in nights) == 7 * ("renamed_columns" in happened)
    assert not any(n.mishap and n.arrives > n.at for n in nights)
