"""Accepted rows: columns, days and hours across clock changes, pseudonyms, coordinates, cells."""

from __future__ import annotations

import hmac
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import h3.api.basic_int as h3
import polars as pl
import pytest

from hotspot_pipeline.feeds.contract import FILE_TABLES, ContractError, shipped_contracts
from hotspot_pipeline.timebase import PoliceTime
from hotspot_pipeline.validated.extract import ValidatedExtract
from hotspot_pipeline.validated.tables import accepted_schema

from .conftest import KEY, Row, Validate

CRIME, ASB, UK = "crime_extract", "asb_extract", "police_uk_street"
CRIME_COLUMNS = ["extract_id", "source_file", "line_no", "accepted_with", "source_system", "crime_pid", "occurrence_pid", "incident_pid", "ho_offence_code", "policeuk_category", "attempt_flag", "committed_from_local", "committed_to_local", "committed_from_utc", "committed_to_utc", "tz_flag", "committed_time_known", "police_day", "week_start", "month", "hour_of_week", "is_day", "reported_ts_local", "reported_ts_utc", "recorded_ts_local", "recorded_ts_utc", "easting", "northing", "lon", "lat", "coordinate_status", "geocode_quality", "cell_r8", "cell_r9", "cell_r10", "is_inside_force", "distance_outside_m", "location_type", "location_desc", "beat_code", "lsoa21cd", "flag_knife", "flag_firearm", "flag_alcohol", "flag_drugs", "flag_da", "flag_hate", "flag_csa", "flag_online", "flag_business", "outcome_code", "outcome_desc", "outcome_ts_local", "record_status", "cancel_reason", "merged_into_pid", "source_last_modified", "row_hash"]  # fmt: skip


def only(found: ValidatedExtract) -> dict[str, Any]:
    assert found.rejects.is_empty(), found.rejects
    rows = found.accepted.to_dicts()
    assert len(rows) == 1
    return rows[0]


def committed(start: str, end: str | None = None) -> Row:
    """A crime at that time, reported and recorded long after, so that no order is broken."""
    return {
        "committed_from_local": start,
        "committed_to_local": end,
        "reported_ts_local": "2024-12-30 09:00",
        "recorded_ts_local": "2024-12-30 10:00",
    }


LATE = {"extract_ts_utc": datetime(2025, 1, 1), "received_at_utc": datetime(2025, 1, 1)}


@pytest.mark.parametrize(
    "feed", sorted(f for f, c in shipped_contracts().items() if c.table not in FILE_TABLES)
)
def test_accepted_rows_have_the_columns_of_their_table(feed: str, validate: Validate) -> None:
    contract = shipped_contracts()[feed]
    schema = accepted_schema(contract, (8, 9, 10))
    assert dict(validate(feed, {}).accepted.schema) == schema
    assert dict(validate(feed).accepted.schema) == schema
    if contract.table == "crimes":
        assert list(schema) == CRIME_COLUMNS
    assert not any(isinstance(t, pl.Datetime) and t.time_zone for t in schema.values())


@pytest.mark.parametrize(
    ("start", "end", "known", "police_day", "week", "month", "hour", "is_day"),
    [
        # edge case 1: Friday 23:30 to Saturday 00:30 over a month and a year
        ("2021-12-31 23:30", "2022-01-01 00:30", "window", date(2021, 12, 31), date(2021, 12, 27), date(2021, 12, 1), 4 * 24 + 23, False),
        # Saturday 02:00 is Friday's, and February's in the police day but March's in the month
        ("2024-03-02 02:00", None, "exact", date(2024, 3, 1), date(2024, 2, 26), date(2024, 3, 1), 5 * 24 + 2, False),
        ("2024-03-01 02:00", None, "exact", date(2024, 2, 29), date(2024, 2, 26), date(2024, 3, 1), 4 * 24 + 2, False),
        # edge case 3: the night of a bank-holiday Monday belongs to Monday
        ("2024-05-07 05:59:59", None, "exact", date(2024, 5, 6), date(2024, 5, 6), date(2024, 5, 1), 24 + 5, False),
        ("2024-05-07 06:00:00", None, "exact", date(2024, 5, 7), date(2024, 5, 6), date(2024, 5, 1), 24 + 6, True),
        # Monday before 06:00 is the week before
        ("2024-05-06 05:59", None, "exact", date(2024, 5, 5), date(2024, 4, 29), date(2024, 5, 1), 5, False),
        # only the date is known: that date, no hour, and never the police day before
        ("2024-05-06", None, "date_only", date(2024, 5, 6), date(2024, 5, 6), date(2024, 5, 1), None, None),
        ("2024-05-06 00:00", "2024-05-06 23:59", "date_only", date(2024, 5, 6), date(2024, 5, 6), date(2024, 5, 1), None, None),
        ("01/05/2024", None, "date_only", date(2024, 5, 1), date(2024, 4, 29), date(2024, 5, 1), None, None),
        # a window over both halves of a day has an hour it starts in and no half
        ("2024-05-06 17:00", "2024-05-06 19:00", "window", date(2024, 5, 6), date(2024, 5, 6), date(2024, 5, 1), 17, None),
        ("2024-05-06 17:00", "2024-05-06 18:00", "window", date(2024, 5, 6), date(2024, 5, 6), date(2024, 5, 1), 17, True),
        # inverted by less than a day: a warning, and no hour
        ("2024-05-06 17:00", "2024-05-06 16:00", "unknown", date(2024, 5, 6), date(2024, 5, 6), date(2024, 5, 1), None, None),
    ],
)  # fmt: skip
def test_days_weeks_months_and_hours(
    validate: Validate, start: str, end: str | None, known: str, police_day: date, week: date,
    month: date, hour: int | None, is_day: bool | None,
) -> None:  # fmt: skip
    row = only(validate(CRIME, committed(start, end), **LATE))
    names = ("committed_time_known", "police_day", "week_start", "month", "hour_of_week", "is_day")
    assert tuple(row[name] for name in names) == (known, police_day, week, month, hour, is_day)


@pytest.mark.parametrize(
    ("start", "utc", "flag"),
    [
        ("2024-01-05 22:00", datetime(2024, 1, 5, 22), "ok"),
        ("2024-07-05 22:00", datetime(2024, 7, 5, 21), "ok"),
        ("2024-10-27 01:30", datetime(2024, 10, 27, 0, 30), "ambiguous_autumn"),
        ("2024-03-31 01:30", datetime(2024, 3, 31, 1, 30), "nonexistent_spring"),
    ],
)
def test_utc_and_flag(validate: Validate, start: str, utc: datetime, flag: str) -> None:
    row = only(validate(CRIME, committed(start), **LATE))
    assert (row["committed_from_utc"], row["tz_flag"]) == (utc, flag)
    assert row["committed_from_local"] == datetime.fromisoformat(start)


def test_a_window_between_bare_dates_does_not_begin_at_midnight(validate: Validate) -> None:
    row = only(validate(CRIME, committed("2024-05-11", "2024-05-12"), **LATE))
    assert row["committed_time_known"] == "window"
    assert row["police_day"] == date(2024, 5, 11)
    assert row["hour_of_week"] is None
    assert row["is_day"] is None


def test_the_flag_of_a_window_is_that_of_either_end_and_a_day_has_none(validate: Validate) -> None:
    row = only(validate(CRIME, committed("2024-10-26 23:00", "2024-10-27 01:30"), **LATE))
    assert row["tz_flag"] == "ambiguous_autumn"
    row = only(validate(CRIME, committed("2024-10-27", None), **LATE))
    assert row["tz_flag"] == "ok"


def test_a_feed_in_another_zone_becomes_the_force_s_time(validate: Validate) -> None:
    contract = replace(shipped_contracts()[CRIME], time_zone="UTC")
    row = only(validate(CRIME, committed("2024-07-05 23:30"), contract=contract, **LATE))
    assert row["committed_from_utc"] == datetime(2024, 7, 5, 23, 30)
    assert row["committed_from_local"] == datetime(2024, 7, 6, 0, 30)
    assert (row["police_day"], row["hour_of_week"]) == (date(2024, 7, 5), 5 * 24)


def test_the_force_s_own_day_start_is_used(validate: Validate) -> None:
    row = only(
        validate(
            CRIME, committed("2024-05-06 06:30"), police_time=PoliceTime(day_starts_hour=7), **LATE
        )
    )
    assert row["police_day"] == date(2024, 5, 5)


def test_identifiers_become_pseudonyms_that_meet_across_columns(validate: Validate) -> None:
    crime = only(
        validate(
            CRIME,
            {
                "crime_number": " 23/1/24 ",
                "incident_ref": "0001-050124",
                "occurrence_id": "77",
                "record_status": "merged",
                "merged_into": "23/2/24",
            },
        )
    )
    asb = only(
        validate(
            ASB,
            {"incident_ref": "0001-050124", "linked_crime_number": "23/1/24", "duplicate_of": "x"},
        )
    )

    def pseudonym(text: str) -> str:
        return hmac.new(KEY, text.encode(), "sha256").hexdigest()[:16]

    assert crime["crime_pid"] == asb["linked_crime_pid"] == pseudonym("23/1/24")
    assert crime["incident_pid"] == asb["incident_pid"] == pseudonym("0001-050124")
    assert crime["occurrence_pid"] == pseudonym("77")
    assert crime["merged_into_pid"] == pseudonym("23/2/24")
    assert asb["duplicate_of_pid"] == pseudonym("x")


def test_a_number_that_is_no_identifier_stays_as_delivered(validate: Validate) -> None:
    assert only(validate(UK, {"crime_number": "f" * 64}))["crime_pid"] == "f" * 64


def test_a_month_only_feed_has_months_and_nothing_finer(validate: Validate) -> None:
    row = only(validate(UK, {}))
    assert row["month"] == date(2024, 1, 1)
    assert row["committed_time_known"] == "month"
    assert row["record_status"] == "live"
    assert row["source_system"] == "police_uk"
    finer = ("committed_from_local", "committed_from_utc", "police_day", "week_start", "hour_of_week",
             "is_day", "tz_flag", "location_type", "ho_offence_code")  # fmt: skip
    assert all(row[name] is None for name in finer)


def test_each_cell_is_indexed_from_the_coordinates(validate: Validate) -> None:
    for place in (
        {"easting": "431912", "northing": "265734"},
        {"easting": None, "northing": None, "lon": "-1.533559", "lat": "52.28883558"},
    ):
        row = only(validate(CRIME, place))
        for resolution in (8, 9, 10):
            assert row[f"cell_r{resolution}"] == h3.latlng_to_cell(
                row["lat"], row["lon"], resolution
            )
        assert row["easting"] == pytest.approx(431_912, abs=0.01)
        assert row["northing"] == pytest.approx(265_734, abs=0.01)
        assert row["lon"] == pytest.approx(-1.533559, abs=1e-7)
        assert row["lat"] == pytest.approx(52.28883558, abs=1e-7)
        assert (row["is_inside_force"], row["distance_outside_m"]) == (True, 0.0)


def test_other_resolutions_make_other_columns(validate: Validate) -> None:
    found = validate(CRIME, {}, resolutions=(7,))
    assert [name for name in found.accepted.columns if name.startswith("cell_")] == ["cell_r7"]


def test_a_row_without_a_location_is_accepted_and_has_no_cell(validate: Validate) -> None:
    found = validate(CRIME, {"easting": None, "northing": None})
    row = only(found)
    nothing = (
        "easting",
        "lon",
        "cell_r8",
        "cell_r9",
        "cell_r10",
        "is_inside_force",
        "distance_outside_m",
    )
    assert all(row[name] is None for name in nothing)
    assert row["coordinate_status"] == "missing"
    assert found.counts["n_without_location"] == 1


@pytest.mark.parametrize(
    ("place", "quality"),
    [
        ({"easting": "431900", "northing": "265700"}, "area_centroid"),
        ({"easting": "431900", "northing": "265701"}, "uprn"),
        ({"easting": "SP 319 657", "northing": None}, "area_centroid"),
        ({"easting": "SP 31912 65734", "northing": None}, "uprn"),
    ],
)
def test_coordinates_of_a_square_are_an_area(validate: Validate, place: Row, quality: str) -> None:
    row = only(validate(CRIME, {**place, "geocode_quality": "uprn"}))
    assert row["geocode_quality"] == quality


@pytest.mark.parametrize(
    ("row", "code", "basis"),
    [
        ({"opening_code": "O1"}, "O1", "opening"),
        ({"opening_code": "O1", "closing_codes": "C1"}, "O1", "opening"),
        ({"opening_code": "O1", "closed_ts_local": "2024-01-06 10:00"}, "O1", "opening"),
        ({"opening_code": "O1", "closed_ts_local": "2024-01-06 10:00", "closing_codes": "C1;C2"}, "C1", "closing"),
    ],
)  # fmt: skip
def test_an_asb_incident_counts_under_its_closing_code_once_closed(
    validate: Validate, row: Row, code: str, basis: str
) -> None:
    found = only(validate(ASB, row))
    assert (found["count_code"], found["code_basis"]) == (code, basis)


def test_an_asb_call_at_midnight_is_a_call_at_midnight(validate: Validate) -> None:
    row = only(validate(ASB, {"opened_ts_local": "2024-01-06 00:00:00"}))
    assert (row["hour_of_week"], row["is_day"], row["police_day"]) == (120, False, date(2024, 1, 5))


def test_places_keep_their_own_columns(validate: Validate) -> None:
    row = only(
        validate(
            "venues", {"licence_end_time": "02:30", "late_licence": "yes", "source": "register"}
        )
    )
    assert (row["licence_end_time"], row["late_licence"], row["source"]) == (
        "02:30",
        True,
        "register",
    )
    assert row["source_file"] == "delivered.csv"
    assert row["venue_id"] == "v1-1"


def test_a_table_that_the_gate_does_not_know_is_refused(validate: Validate) -> None:
    contract = replace(shipped_contracts()["venues"], table="pets")
    with pytest.raises(ContractError, match="'pets'"):
        validate("venues", {}, contract=contract)
