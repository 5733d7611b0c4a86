"""The main job on real public data: every row accounted for, counts equal to an independent count.

The data lies beside the project (`../shared/data`), never in it; without it these tests skip.
"""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from datetime import date
from pathlib import Path

import h3
import numpy as np
import polars as pl
import pytest

from hotspot_pipeline.cli.running import JobOutcome, run_force
from hotspot_pipeline.cli.summary import RunSummary
from hotspot_pipeline.definitions import warehouse_of
from hotspot_pipeline.settings import Force, Settings, parse_force

SIX_GROUPS = {
    "Anti-social behaviour",
    "Criminal damage and arson",
    "Possession of weapons",
    "Public order",
    "Robbery",
    "Violence and sexual offences",
}
NOT_PUBLIC = {"on or near police station", "on or near hospital", "on or near prison"}


def _force(home: Path, slug: str, landing: Path, boundary: Path | None = None) -> Force:
    document: dict[str, object] = {
        "name": slug,
        "feeds": {
            "police_uk_street": {
                "landing": str(landing),
                "files": [f"**/*-{slug}-street.csv.gz"],
            }
        },
    }
    if boundary:
        document["boundary"] = {"file": str(boundary), "where": {"force": slug.title()}}
    return parse_force(document, home / slug.replace("-", "_"))


def _settings(tmp: Path, force: Force) -> Settings:
    force.home.mkdir(parents=True, exist_ok=True)
    return Settings(data=tmp, forces=(force,), memory_limit="2GB", threads=2)


def _delivered(landing: Path, slug: str) -> list[dict[str, str]]:
    """The rows by Python's own csv module, not by our reader."""
    rows: list[dict[str, str]] = []
    for path in sorted(landing.rglob(f"*-{slug}-street.csv.gz")):
        with gzip.open(path, "rt", encoding="utf-8", newline="") as stream:
            rows += list(csv.DictReader(stream))
    return rows


@pytest.fixture(scope="module")
def warwickshire(
    tmp_path_factory: pytest.TempPathFactory, shared_data: Path
) -> tuple[Settings, Force, list[JobOutcome], RunSummary]:
    tmp = tmp_path_factory.mktemp("warwickshire")
    boundary = (
        shared_data / "boundaries" / "force_areas_warwickshire_leicestershire_derived.geojson"
    )
    force = _force(
        tmp, "warwickshire", shared_data / "police_uk" / "2025_release_2026-07", boundary
    )
    settings = _settings(tmp, force)
    outcomes, summary = run_force(settings, force, quiet=True)
    assert all(o.success for o in outcomes), [o.failure for o in outcomes]
    return settings, force, outcomes, summary


def test_every_row_is_accounted_for(
    warwickshire: tuple[Settings, Force, list[JobOutcome], RunSummary], shared_data: Path
) -> None:
    settings, force, _, summary = warwickshire
    measures = {q["measure"]: q["n"] for q in summary.quality}
    assert measures["records delivered"] == 51_198
    assert (
        measures["records accepted"]
        + measures["records rejected"]
        + measures["records held"]
        + measures["records unreadable"]
        == 51_198
    )
    assert measures["records rejected"] == 0
    assert measures["events"] == 51_198
    not_counted = sum(n for m, n in measures.items() if m.startswith("not counted: "))
    assert measures["events counted"] + not_counted == 51_198
    with warehouse_of(settings, force).session(read_only=True) as session:
        assert session.value("select count(*) from raw.crimes") == 51_198
        asb = "policeuk_category = 'Anti-social behaviour'"
        assert (
            session.value(
                f"select count(*) from validated.crimes where {asb} and crime_pid is null"
            )
            == 10_978
        )
        assert session.value("select count(*) from validated.crimes where cell_r9 is null") == 168
        # repeats at one point are separate incidents: 3,042 rows equal another in all that was delivered
        repeats = session.value(
            "select sum(n - 1) from (select row_hash, count(*) as n from validated.crimes group by row_hash)"
        )
        assert repeats == 3_042
        in_groups = session.frame(
            "select cat_group, count(*) as n from hexes.events where cat_group <> 'OTHER' group by 1"
        )
        by_group = dict(in_groups.iter_rows())
        assert sum(by_group.values()) == 36_039
        assert by_group["VAP"] == 17_170
        assert by_group["ASB"] == 10_978


@pytest.mark.parametrize("resolution", [8, 9, 10])
def test_cell_counts_equal_a_count_by_h3_over_the_rows(
    warwickshire: tuple[Settings, Force, list[JobOutcome], RunSummary],
    shared_data: Path,
    resolution: int,
) -> None:
    settings, force, _, _ = warwickshire
    rows = _delivered(shared_data / "police_uk" / "2025_release_2026-07", "warwickshire")
    expected = Counter(
        (
            h3.str_to_int(
                h3.latlng_to_cell(float(r["Latitude"]), float(r["Longitude"]), resolution)
            ),
            r["Month"] + "-01",
        )
        for r in rows
        if r["Crime type"] in SIX_GROUPS
        and r["Longitude"]
        and r["Location"].lower() not in NOT_PUBLIC
    )
    with warehouse_of(settings, force).session(read_only=True) as session:
        found = session.frame(
            "select cell, cast(month as varchar) as month, sum(n_events)::bigint as n from hexes.crime_monthly "
            "where resolution = $r group by 1, 2",
            {"r": resolution},
        )
    assert {(cell, month): n for cell, month, n in found.iter_rows()} == dict(expected)


def test_gistar_equals_esda(
    warwickshire: tuple[Settings, Force, list[JobOutcome], RunSummary],
) -> None:
    esda = pytest.importorskip("esda")
    libpysal = pytest.importorskip("libpysal")
    settings, force, _, _ = warwickshire
    with warehouse_of(settings, force).session(read_only=True) as session:
        scores = session.frame(
            "select cell, n_events, gistar_z from hexes.cell_scores order by cell"
        )
    cells = [h3.int_to_str(c) for c in scores.get_column("cell")]
    known = set(cells)
    neighbours = {c: [n for n in h3.grid_ring(c, 1) if n in known] for c in cells}
    weights = libpysal.weights.W(neighbours, id_order=cells, silence_warnings=True)
    y = scores.get_column("n_events").to_numpy().astype(float)
    expected = esda.G_Local(y, weights, transform="B", star=True, permutations=0, island_weight=0)
    difference = np.abs(np.asarray(expected.Zs) - scores.get_column("gistar_z").to_numpy())
    assert difference.max() < 1e-9


def test_the_second_run_changes_nothing_and_says_so(
    warwickshire: tuple[Settings, Force, list[JobOutcome], RunSummary],
) -> None:
    settings, force, _, _ = warwickshire
    before = (force.published / "layers" / "cells.geojson").read_bytes()
    outcomes, summary = run_force(settings, force, quiet=True)
    assert all(o.success for o in outcomes), [o.failure for o in outcomes]
    assert summary.deliveries == []
    assert [name for o in outcomes for name in o.changed] == []
    assert (force.published / "layers" / "cells.geojson").read_bytes() == before


def test_a_month_only_feed_has_months_and_no_weeks(
    warwickshire: tuple[Settings, Force, list[JobOutcome], RunSummary],
) -> None:
    settings, force, _, _ = warwickshire
    with warehouse_of(settings, force).session(read_only=True) as session:
        assert session.value("select count(distinct month) from hexes.crime_monthly") == 12
        assert session.value("select count(*) from hexes.crime_weekly") == 0
        assert session.value("select count(*) from hexes.crime_daily") == 0
        # nothing finer than the month is made up
        assert (
            session.value("select count(*) from hexes.cell_scores where share_wide_nte is not null")
            == 0
        )
        assert (
            session.value("select count(*) from hexes.events where hour_of_week is not null") == 0
        )


def test_its_evaluation_is_months_and_says_why_nothing_is_finer(
    warwickshire: tuple[Settings, Force, list[JobOutcome], RunSummary],
) -> None:
    settings, force, _, summary = warwickshire
    with warehouse_of(settings, force).session(read_only=True) as session:
        of_months = "select month, is_complete, sum(n_events) from evaluation.monthly_metrics where cat_group = 'ALL' group by all order by all"
        months = session.frame(of_months)
        assert months["month"].to_list() == [date(2025, n, 1) for n in range(1, 13)]
        assert months["is_complete"].all(), "a release holds whole months"
        of_hotspots = session.value("select sum(n_events) from hexes.hotspots")
        assert months[:, 2].sum() == of_hotspots
        for finer in ("weekly_metrics", "control_limits", "effects"):
            assert session.value(f"select count(*) from evaluation.{finer}") == 0
        refused = session.frame("select what, reason, needs from evaluation.refusals")
    of_week = refused.filter(reason="the source says of each event only the month")
    assert {"events a week", "harm a week", "control limits and signals", "completeness and nowcast"} <= set(of_week["what"])  # fmt: skip
    assert refused["needs"].str.len_chars().min() > 10
    tables = force.published / "tables"
    assert pl.read_csv(tables / "monthly_metrics.csv").height == months.height * 7 * pl.read_csv(tables / "hotspots.csv").height  # fmt: skip
    assert pl.read_csv(tables / "refusals.csv").height == refused.height
    assert str(summary.quality[0]["data_to"]) == "2025-12-31"


def test_the_published_files_hold_the_hotspots(
    warwickshire: tuple[Settings, Force, list[JobOutcome], RunSummary],
) -> None:
    _, force, _, _ = warwickshire
    hotspots = pl.read_csv(force.published / "tables" / "hotspots.csv")
    assert 5 <= hotspots.height <= 18
    assert hotspots.get_column("n_events").sum() > 3_000
    assert (force.published / "pictures" / "hotspot_map.png").stat().st_size > 20_000
    assert (force.published / "warehouse.json").exists()


@pytest.mark.slow
def test_two_releases_of_the_same_months_are_two_extracts(
    tmp_path: Path, shared_data: Path
) -> None:
    force = _force(tmp_path, "city-of-london", shared_data / "police_uk")
    settings = _settings(tmp_path, force)
    outcomes, summary = run_force(settings, force, quiet=True)
    assert all(o.success for o in outcomes), [o.failure for o in outcomes]
    assert len(summary.deliveries) == 2
    assert [d["n_accepted"] for d in summary.deliveries] == [8_875, 8_875]
    with warehouse_of(settings, force).session(read_only=True) as session:
        releases = session.frame(
            "select release, extract_ts_utc from raw.extracts order by extract_ts_utc"
        )
        assert releases.get_column("release").to_list() == ["2026-02", "2026-07"]
        # the newer release stands for every month: 1,681 crimes have another outcome in it, and 15 more of the rows that share an
        # id with others (127 rows, 62 ids); nothing else is new
        standing = session.frame(
            "select e.release, count(*) as n from history.crimes_current c join raw.extracts e using (extract_id) group by 1"
        )
        assert dict(standing.iter_rows()) == {"2026-02": 8_875 - 1_696, "2026-07": 1_696}
        recodes = session.frame(
            """
            select aspect, crime_pid in (
                select crime_pid from history.crime_versions where version_no = 1 and crime_pid is not null group by 1 having count(*) > 1
            ) as is_shared, count(*)::int as n
            from history.recodes r
            join (select distinct record_id, crime_pid from history.crime_versions) using (record_id)
            group by 1, 2 order by 2
            """
        )
        assert recodes.rows() == [("outcome", False, 1_681), ("outcome", True, 15)]
        assert session.value("select count(*) from history.affected_weeks") == 0
        night = "run_id in (select run_id from history.extracts)"
        assert session.value(f"select count(*) from hexes.refreshed_windows where {night}") == 0
        book = session.frame(
            "select n_new, n_changed, is_held from history.extracts order by order_ts_utc"
        )
        assert book.rows() == [(8_875, 0, False), (0, 0, False)]
        assert session.value("select count(*) from validated.crimes") == 17_750
        as_of_spring = session.value(
            "select count(*) from validated.crimes c join raw.extracts e using (extract_id) where e.release = '2026-02'"
        )
        assert as_of_spring == 8_875
