"""Which records count as events of public space, and for every other one the reason."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from hotspot_pipeline_tests.sql.conftest import Desk, picked

# a fight in the street on a Friday night, with a code that counts
FIGHT: Mapping[str, Any] = {
    "extract_id": "e1", "feed": "crime_extract", "source_system": "niche", "crime_pid": "p1", "ho_offence_code": "008/06",
    "committed_time_known": "exact", "police_day": date(2026, 1, 9), "week_start": date(2026, 1, 5), "month": date(2026, 1, 1),
    "recorded_ts_local": datetime(2026, 1, 10, 9), "hour_of_week": 118, "is_day": False, "easting": 431912.0,
    "northing": 265734.0, "geocode_quality": "building", "cell_r8": 8, "cell_r9": 9, "cell_r10": 10, "is_inside_force": True,
    "location_type": "street", "record_status": "live",
}  # fmt: skip
CALL: Mapping[str, Any] = {
    "extract_id": "a1", "feed": "asb_extract", "source_system": "cad", "incident_pid": "i1", "cell_r8": 8, "cell_r9": 9,
    "cell_r10": 10, "geocode_quality": "street",
}  # fmt: skip
CODES = (
    {"ho_offence_code": "008/06", "ho_class_code": "8N", "cat_group": "VAP", "cchi_days": Decimal("10.00"), "valid_from": date(2000, 1, 1)},
    {"ho_offence_code": "104/25", "ho_class_code": "104", "cat_group": "VAP", "cchi_days": Decimal("2.00"), "valid_from": date(2000, 1, 1)},
    {"ho_offence_code": "008/55", "ho_class_code": "8S", "cat_group": "VAP", "cchi_days": Decimal("2.00"), "valid_from": date(2000, 1, 1)},
    {"ho_offence_code": "010/01", "ho_class_code": "10A", "cat_group": "WEAPONS", "police_generated": True, "valid_from": date(2000, 1, 1)},
    {"ho_offence_code": "053/33", "ho_class_code": "53", "cat_group": "OTHER", "valid_from": date(2000, 1, 1)},
)  # fmt: skip


def events(desk: Desk) -> list[dict[str, Any]]:
    desk.take_in_lookups()
    return desk.run("hexes.events")


@pytest.fixture
def codes(desk: Desk) -> None:
    desk.given("validated.offence_codes", *CODES)
    desk.given(
        "validated.policeuk_categories",
        {"policeuk_category": "Public order", "cat_group": "PUBLIC_ORDER"},
        {"policeuk_category": "Burglary", "cat_group": "OTHER"},
    )


def crime(desk: Desk, *changes: Mapping[str, Any]) -> None:
    desk.given("history.crimes_current", *({**FIGHT, "line_no": n, "crime_pid": f"p{n}", **c} for n, c in enumerate(changes, 1)))  # fmt: skip


def near(desk: Desk, reason: str, kind: str | None, *, line_no: int = 1, site: str = "s1", distance_m: float = 10.0) -> None:  # fmt: skip
    desk.given("hexes.site_matches", {"extract_id": "e1", "line_no": line_no, "match_reason": reason, "site_id": site,
                                      "site_kind": kind, "distance_m": distance_m})  # fmt: skip


def reason_of(desk: Desk) -> str | None:
    [event] = events(desk)
    assert event["is_counted"] is (event["exclusion_reason"] is None)
    return event["exclusion_reason"]


def test_a_fight_in_the_street_counts(codes: None, desk: Desk) -> None:
    at = {
        "committed_from_utc": datetime(2026, 1, 9, 22),
        "committed_to_utc": datetime(2026, 1, 9, 23),
    }
    crime(desk, at)
    [event] = events(desk)
    assert event | {"extract_id": "", "source_file": ""} == {
        "event_id": "crime:niche:p1", "source": "crime", "extract_id": "", "source_file": "", "line_no": 1, "feed": "crime_extract",
        "cat_group": "VAP", "is_police_generated": False, "harm_days": Decimal("10.00"), "time_known": "exact",
        "from_utc": datetime(2026, 1, 9, 22), "to_utc": datetime(2026, 1, 9, 23),
        "police_day": date(2026, 1, 9), "week_start": date(2026, 1, 5), "month": date(2026, 1, 1), "event_date": date(2026, 1, 9),
        "hour_of_week": 118, "is_day": False, "easting": 431912.0, "northing": 265734.0, "cell_r8": 8, "cell_r9": 9,
        "cell_r10": 10, "is_inside_force": True, "location_type": "street", "site_id": None, "is_counted": True, "exclusion_reason": None,
    }  # fmt: skip


EXCLUDED: dict[str, tuple[dict[str, Any], str | None]] = {
    "cancelled": ({"record_status": "cancelled"}, "not_live"),
    "transferred": ({"record_status": "transferred_out"}, "not_live"),
    "merged": ({"record_status": "merged"}, "not_live"),
    "no crime": ({"record_status": "non_crime"}, "not_live"),
    "another group": ({"ho_offence_code": "053/33"}, "out_of_scope_category"),
    "a code that is in no lookup": ({"ho_offence_code": "999/99"}, "out_of_scope_category"),
    "no code at all": ({"ho_offence_code": None}, "out_of_scope_category"),
    "domestic": ({"flag_da": True}, "domestic"),
    "not domestic": ({"flag_da": False}, None),
    "online by flag": ({"flag_online": True}, "online"),
    "online by place": ({"location_type": "online"}, "online"),
    "dwelling": ({"location_type": "dwelling"}, "not_public_place"),
    "hospital": ({"location_type": "hospital"}, "not_public_place"),
    "custody": ({"location_type": "police_custody"}, "not_public_place"),
    "prison": ({"location_type": "prison"}, "not_public_place"),
    "unknown place on a street": ({"location_type": "unknown", "geocode_quality": "street"}, None),
    "unknown place at a junction": ({"location_type": "unknown", "geocode_quality": "junction"}, None),
    "unknown place at a building": ({"location_type": "unknown", "geocode_quality": "building"}, "not_public_place"),
    "unknown place, unknown geocode": ({"location_type": "unknown", "geocode_quality": None}, "not_public_place"),
    "licensed premises": ({"location_type": "licensed_premises"}, None),
    "school": ({"location_type": "school"}, None),
    "map point at a police station": ({"location_type": None, "location_desc": "On or near Police Station"}, "not_public_place"),
    "map point at a hospital": ({"location_type": None, "location_desc": "On or near HOSPITAL"}, "not_public_place"),
    "map point at a prison": ({"location_type": None, "location_desc": "On or near Prison"}, "not_public_place"),
    "map point in a lane of that name": ({"location_type": None, "location_desc": "On or near Hospital Lane"}, None),
    "map point elsewhere": ({"location_type": None, "location_desc": "On or near Parade"}, None),
    "a type of place outweighs its name": ({"location_desc": "On or near Hospital"}, None),
    "no location": ({"cell_r8": None, "cell_r9": None, "cell_r10": None, "easting": None}, "no_location"),
    "centroid of an area": ({"geocode_quality": "area_centroid"}, "imprecise_location"),
    "default geocode by its own word": ({"geocode_quality": "default"}, "imprecise_location"),
    "no geocode": ({"geocode_quality": "none"}, "imprecise_location"),
    "geocode quality not delivered": ({"geocode_quality": None}, None),
}  # fmt: skip


@pytest.mark.parametrize(("change", "reason"), EXCLUDED.values(), ids=EXCLUDED.keys())
def test_a_crime_is_counted_or_the_reason_is_given(
    change: dict[str, Any], reason: str | None, codes: None, desk: Desk
) -> None:
    crime(desk, change)
    assert reason_of(desk) == reason


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, None),
        ({"linked_crime_pid": "c1"}, "linked_to_crime"),
        ({"duplicate_of_pid": "i0"}, "duplicate_call"),
        ({"linked_crime_pid": "c1", "duplicate_of_pid": "i0"}, "linked_to_crime"),
        ({"cell_r9": None}, "no_location"),
        ({"geocode_quality": "default"}, "imprecise_location"),
    ],
)
def test_an_incident_is_counted_or_the_reason_is_given(
    change: dict[str, Any], reason: str | None, desk: Desk
) -> None:
    desk.given("history.asb_current", {**CALL, **change})
    [event] = events(desk)
    assert event["exclusion_reason"] == reason
    assert (event["event_id"], event["cat_group"], event["harm_days"]) == ("asb:cad:i1", "ASB", None)  # fmt: skip


def test_the_first_reason_that_applies_is_the_one_given(codes: None, desk: Desk) -> None:
    """Each time the first is mended, the next shows."""
    wrong: dict[str, Any] = {"record_status": "cancelled", "ho_offence_code": "053/33", "flag_da": True, "flag_online": True,
                             "location_type": "dwelling", "cell_r9": None, "geocode_quality": "default"}  # fmt: skip
    right: list[tuple[str, Any]] = [
        ("not_live", {"record_status": "live"}), ("out_of_scope_category", {"ho_offence_code": "008/06"}),
        ("domestic", {"flag_da": None}), ("online", {"flag_online": None}), ("not_public_place", {"location_type": "street"}),
        ("no_location", {"cell_r9": 9}), ("imprecise_location", {"geocode_quality": "street"}), ("excluded_site", {}),
    ]  # fmt: skip
    for reason, mend in right:
        desk.clear()
        desk.given("validated.offence_codes", *CODES)
        near(desk, "excluded_site", "prison")
        crime(desk, wrong)
        assert reason_of(desk) == reason
        wrong |= mend


SITES: dict[str, tuple[str | None, dict[str, Any], str | None]] = {
    "hospital": ("hospital", {}, "excluded_site"),
    "prison": ("prison", {}, "excluded_site"),
    "court": ("court", {}, "excluded_site"),
    "school": ("school", {}, None),
    "a fight outside the custody suite": ("police_custody", {}, None),
    "a fight outside the police station": ("police_station", {}, None),
    "assault on a constable at the custody suite": ("police_custody", {"ho_offence_code": "104/25"}, "excluded_site"),
    "assault on an emergency worker at the station": ("police_station", {"ho_offence_code": "008/55"}, "excluded_site"),
    "in the custody suite": ("police_custody", {"location_type": "police_custody"}, "not_public_place"),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "change", "reason"), SITES.values(), ids=SITES.keys())
def test_26_a_site_takes_out_what_belongs_to_it(
    kind: str, change: dict[str, Any], reason: str | None, codes: None, desk: Desk
) -> None:
    """A custody suite stands next to a town centre: what happens in the street outside stays."""
    near(desk, "excluded_site", kind)
    crime(desk, change)
    assert reason_of(desk) == reason
    assert picked(desk.rows("hexes.events"), "site_id") == [("s1",)]


def test_a_default_geocode_takes_out_whatever_lies_there(codes: None, desk: Desk) -> None:
    near(desk, "default_geocode", "default_geocode")
    crime(desk, {})
    assert reason_of(desk) == "default_geocode"


def test_a_record_in_two_sites_is_one_event(codes: None, desk: Desk) -> None:
    near(desk, "excluded_site", "hospital", site="far", distance_m=40.0)
    near(desk, "excluded_site", "prison", site="close", distance_m=5.0)
    crime(desk, {}, {})
    rows = events(desk)
    assert picked(rows, "line_no", "site_id", "exclusion_reason") == [(1, "close", "excluded_site"), (2, None, None)]  # fmt: skip


def test_a_default_geocode_at_a_police_station_still_takes_out(codes: None, desk: Desk) -> None:
    """Headquarters are where a geocoder puts what it does not know, and a police station besides."""
    near(desk, "excluded_site", "police_station", site="hq", distance_m=1.0)
    near(desk, "default_geocode", "default_geocode", site="default", distance_m=2.0)
    crime(desk, {})
    assert reason_of(desk) == "default_geocode"
    assert picked(desk.rows("hexes.events"), "site_id") == [("default",)]


def test_a_site_that_takes_nothing_out_hides_no_other(codes: None, desk: Desk) -> None:
    near(desk, "excluded_site", "school", site="near", distance_m=0.0)
    near(desk, "excluded_site", "hospital", site="far", distance_m=40.0)
    crime(desk, {})
    assert reason_of(desk) == "excluded_site"
    assert picked(desk.rows("hexes.events"), "site_id") == [("far",)]


@pytest.mark.parametrize(
    ("recorded", "group", "days"),
    [
        (datetime(2019, 12, 31, 23), "VAP", "1.00"),
        (datetime(2020, 3, 31, 23, 59), "VAP", "1.00"),
        (datetime(2020, 4, 1), "ROBBERY", "2.00"),
        (datetime(2023, 3, 31), "ROBBERY", "2.00"),
        (datetime(2025, 1, 1), "WEAPONS", "3.00"),
        # before every validity and between two of them: the newest wording
        (datetime(1999, 1, 1), "WEAPONS", "3.00"),
        (datetime(2023, 6, 1), "WEAPONS", "3.00"),
        (None, "WEAPONS", "3.00"),
    ],
)
def test_a_code_means_what_it_meant_when_the_crime_was_recorded(
    recorded: datetime | None, group: str, days: str, desk: Desk
) -> None:
    spans = [("VAP", 1, date(2015, 4, 1), date(2020, 3, 31)), ("ROBBERY", 2, date(2020, 4, 1), date(2023, 3, 31)),
             ("WEAPONS", 3, date(2024, 4, 1), None)]  # fmt: skip
    desk.given("validated.offence_codes", *(
        {"ho_offence_code": "008/06", "cat_group": g, "cchi_days": Decimal(d), "valid_from": f, "valid_to": t} for g, d, f, t in spans
    ))  # fmt: skip
    crime(desk, {"recorded_ts_local": recorded})
    assert picked(events(desk), "cat_group", "harm_days") == [(group, Decimal(days))]


def test_a_feed_of_months_has_neither_day_nor_hour_and_its_own_ids(codes: None, desk: Desk) -> None:
    public: dict[str, Any] = {
        "feed": "police_uk_street", "crime_pid": None, "ho_offence_code": None, "policeuk_category": "Public order",
        "committed_time_known": "month", "police_day": None, "week_start": None, "hour_of_week": None, "is_day": None,
        "recorded_ts_local": None, "location_type": None, "geocode_quality": None, "source_file": "2026-01-street.csv",
    }  # fmt: skip
    crime(desk, public, public, public | {"policeuk_category": "Burglary"})
    rows = events(desk)
    assert picked(rows, "event_id", "cat_group", "exclusion_reason") == [
        ("police_uk_street:e1:2026-01-street.csv:1", "PUBLIC_ORDER", None),
        ("police_uk_street:e1:2026-01-street.csv:2", "PUBLIC_ORDER", None),
        ("police_uk_street:e1:2026-01-street.csv:3", "OTHER", "out_of_scope_category"),
    ]  # fmt: skip
    assert {(r["police_day"], r["event_date"], r["hour_of_week"]) for r in rows} == {(None, date(2026, 1, 1), None)}  # fmt: skip


def test_a_police_generated_offence_is_marked(codes: None, desk: Desk) -> None:
    crime(desk, {"ho_offence_code": "010/01"}, {})
    assert picked(events(desk), "cat_group", "is_police_generated") == [("WEAPONS", True), ("VAP", False)]  # fmt: skip


def test_crimes_and_incidents_stand_side_by_side(codes: None, desk: Desk) -> None:
    crime(desk, {}, {})
    desk.given("history.asb_current", CALL, {**CALL, "incident_pid": "i2"})
    rows = events(desk)
    assert picked(rows, "event_id") == [("asb:cad:i1",), ("asb:cad:i2",), ("crime:niche:p1",), ("crime:niche:p2",)]  # fmt: skip
