"""Every row rule of every contract: a row that breaks it, and a near miss that does not."""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl
import pytest

from hotspot_pipeline.feeds.contract import shipped_contracts
from hotspot_pipeline.validated.extract import ValidatedExtract

from .conftest import Row, Validate

CRIME, ASB, UK, SITE = "crime_extract", "asb_extract", "police_uk_street", "excluded_sites"
SQUARE = "POLYGON((431000 265000,431100 265000,431100 265100,431000 265100,431000 265000))"


@dataclass(frozen=True)
class Case:
    """Laid over a good row of `feed`: `broken` breaks `rule`, `near` does not."""

    feed: str
    rule: str
    action: str
    broken: Row
    near: Row
    says: str = ""
    source_file: str = field(default="delivered.csv")


def place(**texts: str | None) -> Row:
    return {"easting": None, "northing": None, "lon": None, "lat": None, **texts}


CASES = [
    # duties, logs and planned windows
    Case("duties", "span_order", "reject",
         {"end_local": "2024-01-05 14:00:00"}, {"end_local": "2024-01-05 14:00:01"}),
    Case("patrol_logs", "span_order", "reject", {"end_local": "2024-01-05 18:00:00"}, {"end_local": None}),
    Case("duties", "long_span", "warn",
         {"end_local": "2024-01-06 14:00:01"}, {"end_local": "2024-01-06 14:00:00"}),
    Case("patrol_logs", "long_span", "warn",
         {"end_local": "2024-01-06 06:05:01"}, {"end_local": "2024-01-06 06:05:00"}),
    Case("patrol_plan", "window_order", "reject",
         {"window_end_local": "2024-01-05 18:00:00"}, {"window_end_local": "2024-01-05 18:00:01"}),
    Case("patrol_plan", "window_order", "reject",
         {"window_end_local": None}, {"window_start_local": None, "window_end_local": None}, "one end only"),
    Case("patrol_places", "polygon_readable", "reject", {"polygon_wkt": "POINT (431000 265000)"}, {"polygon_wkt": SQUARE}),
    # C5: an inversion is a reject beyond a day and a warning below
    Case(CRIME, "committed_order", "reject",
         {"committed_to_local": "2024-01-04 21:59:59"}, {"committed_to_local": "2024-01-04 22:00:00"}),
    Case(CRIME, "committed_order", "reject",
         {"committed_from_local": "2024-01-07 10:00:01"}, {"committed_from_local": "2024-01-07 10:00:00"},
         "reported_ts_local"),
    Case(CRIME, "committed_order_small", "warn",
         {"committed_to_local": "2024-01-05 21:59:59"}, {"committed_to_local": "2024-01-05 22:00:00"}),
    Case(CRIME, "committed_order_small", "warn",
         {"committed_from_local": "2024-01-06 10:00:01"}, {"committed_from_local": "2024-01-06 10:00:00"}),
    Case(CRIME, "committed_order_small", "warn",
         {"committed_to_local": "2024-01-04"}, {"committed_to_local": "2024-01-05"}),
    Case(CRIME, "committed_order_small", "warn",
         {"committed_from_local": "2024-01-07", "recorded_ts_local": "2024-01-08 00:00"},
         {"committed_from_local": "2024-01-06"}),
    Case(CRIME, "reported_before_recorded", "reject",
         {"recorded_ts_local": "2024-01-05 08:59:59"}, {"recorded_ts_local": "2024-01-05 09:00:00"}),
    Case(CRIME, "reported_before_recorded", "warn",
         {"recorded_ts_local": "2024-01-06 08:59:59"}, {"recorded_ts_local": "2024-01-06"}),
    # C6: taken 1 February 02:30, received then, clocks up to an hour apart
    Case(CRIME, "future_date", "reject",
         {"recorded_ts_local": "2024-02-01 03:30:01"}, {"recorded_ts_local": "2024-02-01 03:30:00"}),
    Case(CRIME, "future_date", "reject",
         {"recorded_ts_local": "2024-02-02"}, {"outcome_ts_local": "2025-02-02", "source_last_modified": "2025-02-02"}),
    Case(ASB, "future_date", "reject",
         {"first_arrival_ts_local": "2024-02-01 03:31"}, {"first_arrival_ts_local": "2024-02-01 03:30"}),
    Case(UK, "future_date", "reject", {"month": "2024-03"}, {"month": "2024-02"}),
    Case(CRIME, "before_1950", "reject",
         {"committed_from_local": "1949-12-31 23:59:59"}, {"committed_from_local": "1950-01-01 00:00:00"}),
    Case(ASB, "before_1950", "reject",
         {"opened_ts_local": "1900-01-01 00:00"}, {"opened_ts_local": "1950-01-01 00:00"}),
    # C7
    Case(CRIME, "long_window", "warn",
         {"committed_from_local": "2023-01-01 00:00", "committed_to_local": "2024-01-01 00:00:01"},
         {"committed_from_local": "2023-01-01 00:00", "committed_to_local": "2024-01-01 00:00:00"}),
    # C9, and a code that is valid only in its time (edge case 15)
    Case(CRIME, "known_offence_code", "reject", {"ho_offence_code": "8/06"}, {"ho_offence_code": "008/06"}),
    Case(CRIME, "offence_code_in_date", "warn",
         {"ho_offence_code": "001/01"},
         {"ho_offence_code": "001/01", "committed_from_local": "2023-12-31", "reported_ts_local": "2023-12-31",
          "recorded_ts_local": "2023-12-31 23:59:59"}),
    Case(CRIME, "offence_code_in_date", "warn",
         {"ho_offence_code": "034/02", "committed_from_local": "2023-12-31", "reported_ts_local": "2023-12-31",
          "recorded_ts_local": "2023-12-31"},
         {"ho_offence_code": "034/02", "committed_from_local": "2023-12-31", "reported_ts_local": "2023-12-31",
          "recorded_ts_local": "2024-01-01"}),
    Case(UK, "known_policeuk_category", "reject",
         {"policeuk_category": "Piracy"}, {"policeuk_category": "Anti-social behaviour", "crime_number": None}),
    # C12, edge case 18
    Case(CRIME, "coordinates", "reject", place(easting="265734", northing="431912"), place(), "exchanged"),
    Case(CRIME, "coordinates", "reject", place(easting="0", northing="0"), place(easting="SP 319 657"), "both coordinates are 0"),
    Case(CRIME, "coordinates", "reject", place(easting="431912"), place(easting="431912", northing="265734"), "half"),
    Case(CRIME, "coordinates", "reject", place(easting="52.289", northing="-1.534"), place(lon="-1.534", lat="52.289"), "degrees"),
    Case(CRIME, "coordinates", "reject", place(lon="431912", lat="265734"), place(lon="-1.534", lat="52.289"), "metres"),
    Case(CRIME, "coordinates", "reject", place(lon="52.289", lat="-1.534"), place(lon="-1.534", lat="52.289"), "exchanged"),
    Case(CRIME, "coordinates", "reject", place(easting="the park", northing="265734"), place(easting="431,912", northing="265,734"), "neither"),
    Case(UK, "coordinates", "reject", {"lon": "0", "lat": "0"}, {"lon": None, "lat": None}),
    Case(CRIME, "coordinates_in_doubt", "warn",
         place(easting="431900", northing="265700"), place(easting="431900", northing="265701"), "100 m"),
    Case(CRIME, "coordinates_in_doubt", "warn",
         {"lon": "-1.53314852", "lat": "52.28883396"}, {"lon": "-1.53329512", "lat": "52.28883454"}, "25 m"),
    # C11, on straight edges of the force; edge case 17: on the line is inside
    Case(CRIME, "outside_force", "reject",
         place(easting="461001", northing="265734"), place(easting="461000", northing="265734")),
    Case(UK, "outside_force", "warn", {"lon": "-0.9", "lat": "52.289"}, {"lon": "-1.2", "lat": "52.289"}),
    Case(CRIME, "near_force", "warn",
         place(easting="460000.5", northing="265734"), place(easting="460000", northing="265734")),
    Case("venues", "has_coordinates", "reject", place(), place(easting="431912", northing="265734")),
    # C15
    Case(CRIME, "status_coherence", "reject",
         {"record_status": "cancelled"}, {"record_status": "cancelled", "cancel_reason": "c2"}, "cancel_reason"),
    Case(CRIME, "status_coherence", "reject",
         {"record_status": "merged"}, {"record_status": "merged", "merged_into": "23/9/24"}, "merged_into"),
    Case(CRIME, "status_coherence", "reject",
         {"record_status": "merged", "crime_number": "A", "merged_into": "A"},
         {"record_status": "live", "crime_number": "A", "merged_into": "A"}, "leads back"),
    # A1 to A3
    Case(ASB, "opened_before_closed", "reject",
         {"closed_ts_local": "2024-01-05 21:59"}, {"closed_ts_local": "2024-01-05 22:00", "closing_codes": "X"}),
    Case(ASB, "open_over_30_days", "warn",
         {"opened_ts_local": "2024-01-02 02:29:59"}, {"opened_ts_local": "2024-01-02 02:30:00"}),
    Case(ASB, "closing_code_when_closed", "warn",
         {"closed_ts_local": "2024-01-05 23:00"},
         {"closed_ts_local": "2024-01-05 23:00", "closing_codes": "X"}),
    # C1
    Case(UK, "month_of_file", "warn", {"month": "2023-12"}, {"month": "2024-01"},
         source_file="2026-07.zip!2024-01/2024-01-warwickshire-street.csv"),
    Case(SITE, "polygon_readable", "reject", {"polygon_wkt": "POINT(431000 265000)"}, {"polygon_wkt": SQUARE}, "WKT"),
    Case(SITE, "polygon_readable", "reject",
         {"polygon_wkt": "POLYGON((-1.5 52.2,-1.4 52.2,-1.4 52.3,-1.5 52.2))"}, {"polygon_wkt": None}, "metres"),
    Case(SITE, "polygon_readable", "reject",
         {"polygon_wkt": "POLYGON((431000 265000,431100 265100,431100 265000,431000 265100,431000 265000))"},
         {"polygon_wkt": "MULTI" + SQUARE.replace("((", "(((").replace("))", ")))")}, "crosses"),
    Case(SITE, "polygon_readable", "reject", {"polygon_wkt": "POLYGON((431000 2650"}, {"polygon_wkt": SQUARE}, "WKT"),
]  # fmt: skip


def rejected_for(found: ValidatedExtract) -> set[str]:
    names = found.rejects.select(pl.concat_str("rule", "also_broken", separator=",")).to_series()
    return {rule for text in names for rule in text.split(",") if rule}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.feed}-{case.rule}-{case.action}")
def test_a_rule_and_its_near_miss(case: Case, validate: Validate) -> None:
    broken = validate(case.feed, case.broken, source_file=case.source_file)
    near = validate(case.feed, case.near, source_file=case.source_file)
    if case.action == "reject":
        assert case.rule in rejected_for(broken)
        assert broken.accepted.is_empty()
        assert near.accepted.height == 1, near.rejects
        assert case.says in broken.rejects["message"][0]
    else:
        assert broken.warnings.filter(rule=case.rule)["n_rows"].to_list() == [1], broken.rejects
        assert case.rule not in near.warnings["rule"].to_list()
        assert near.accepted.height == 1, near.rejects
        assert case.says in broken.warnings.filter(rule=case.rule)["message"][0]


def test_every_rule_of_every_contract_has_a_case() -> None:
    listed = {(entry.rule, entry.action) for c in shipped_contracts().values() for entry in c.rules}
    elsewhere = {("unique_key", "reject")}  # test_unique_key.py
    assert listed == {(case.rule, case.action) for case in CASES} | elsewhere


def test_a_bare_date_is_a_whole_day_when_moments_are_put_in_order(validate: Validate) -> None:
    found = validate(
        CRIME,
        {"committed_to_local": "2024-01-05", "reported_ts_local": "2024-01-06", "recorded_ts_local": "2024-01-06"},
        {"committed_from_local": "2024-01-06 22:00:00", "reported_ts_local": "2024-01-06"},
    )  # fmt: skip
    assert found.rejects.is_empty()
    assert found.warnings.is_empty()


def test_without_a_boundary_no_place_is_outside(validate: Validate) -> None:
    found = validate(CRIME, place(easting="530000", northing="180000"), boundary=None)
    assert found.rejects.is_empty()
    assert found.accepted["is_inside_force"].to_list() == [None]


def test_merges_that_run_in_a_circle_are_rejected_and_chains_are_not(validate: Validate) -> None:
    def merged(number: str, into: str) -> Row:
        return {"crime_number": number, "record_status": "merged", "merged_into": into}

    found = validate(
        CRIME,
        merged("A", "B"),  # a chain to a live crime
        merged("B", "C"),
        {"crime_number": "C"},
        merged("D", "E"),  # a circle of three
        merged("E", "F"),
        merged("F", "D"),
        merged("G", "D"),  # leads into it, stands not on it
        merged("H", "not in this extract"),
        {**merged("D2", "D2"), "source_system": "athena"},
    )
    assert found.rejects["line"].to_list() == [5, 6, 7, 10]
    assert found.counts["n_accepted"] == 5
