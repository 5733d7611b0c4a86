"""Police days by the calendar: holidays, eves, nights with a name, paydays, terms, local events."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from hotspot_pipeline.timebase.calendar_days import (
    BankHolidays,
    LocalPeriod,
    calendar_days,
    read_bank_holidays,
    read_local_periods,
)
from hotspot_pipeline.timebase.reference_csv import CalendarFileError


@pytest.fixture(scope="module")
def holidays(project_root: Path) -> BankHolidays:
    return read_bank_holidays(project_root / "data" / "reference" / "bank_holidays.csv")


def of_day(day: date, holidays: BankHolidays, *local: LocalPeriod) -> dict[str, object]:
    end = date.fromordinal(day.toordinal() + 1)
    return calendar_days(day, end, holidays, local).row(0, named=True)


def test_christmas_day_is_a_holiday_and_an_eve(holidays: BankHolidays) -> None:
    christmas = of_day(date(2025, 12, 25), holidays)
    assert christmas["is_bank_holiday"] and christmas["is_bank_holiday_eve"]
    assert christmas["stratum"] == "bank_holiday"
    assert of_day(date(2025, 12, 24), holidays)["stratum"] == "bank_holiday_eve"
    assert of_day(date(2025, 12, 27), holidays)["stratum"] == "ordinary"


def test_new_years_eve_comes_first_and_may_be_no_eve_of_a_holiday(holidays: BankHolidays) -> None:
    """1 January 2022 was a Saturday: the holiday was Monday the 3rd."""
    eve = of_day(date(2021, 12, 31), holidays)
    assert eve["is_new_years_eve"] and not eve["is_bank_holiday_eve"]
    assert eve["stratum"] == "new_years_eve"
    assert of_day(date(2022, 1, 2), holidays)["is_bank_holiday_eve"]


def test_nights_with_a_name(holidays: BankHolidays) -> None:
    year = calendar_days(date(2024, 1, 1), date(2025, 1, 1), holidays)
    named = year.drop_nulls("named_night").select("named_night", "police_day").rows()
    assert named == [
        ("halloween", date(2024, 10, 31)),
        ("bonfire_night", date(2024, 11, 5)),
        ("black_eye_friday", date(2024, 12, 20)),
    ]
    # a Christmas Day that is a Friday does not name itself
    year = calendar_days(date(2026, 12, 1), date(2026, 12, 31), holidays)
    assert year.drop_nulls("named_night")["police_day"].to_list() == [date(2026, 12, 18)]


def test_payday_weekends_begin_with_the_last_friday_of_the_month(holidays: BankHolidays) -> None:
    year = calendar_days(date(2024, 1, 1), date(2024, 7, 1), holidays)
    days = year.filter("is_payday_weekend")["police_day"].to_list()
    assert len(days) == 18
    # March and May end within a weekend: it is one weekend, of the Friday's month
    assert days[6:9] == [date(2024, 3, 29), date(2024, 3, 30), date(2024, 3, 31)]
    assert days[12:15] == [date(2024, 5, 31), date(2024, 6, 1), date(2024, 6, 2)]


def test_terms_are_unknown_unless_the_force_names_them(
    holidays: BankHolidays, tmp_path: Path
) -> None:
    day = date(2024, 5, 15)
    assert of_day(day, holidays)["is_school_term"] is None
    path = tmp_path / "calendar.csv"
    path.write_text(
        "kind,name,first_day,last_day\n"
        "school_term,summer,2024-04-15,2024-05-24\n"
        "local_event,county show,2024-05-15,2024-05-16\n"
        "local_event,a match,2024-05-15,2024-05-15\n",
        encoding="utf-8",
    )
    local = read_local_periods(path)
    found = of_day(day, holidays, *local)
    assert found["is_school_term"] is True and found["is_student_term"] is None
    assert found["local_event"] == "a match; county show" and found["stratum"] == "local_event"
    assert of_day(date(2024, 5, 17), holidays, *local)["stratum"] == "ordinary"
    assert of_day(date(2024, 5, 27), holidays, *local)["is_school_term"] is False


def test_days_of_years_that_the_table_does_not_know_are_refused(holidays: BankHolidays) -> None:
    assert calendar_days(date(2012, 1, 1), date(2028, 12, 31), holidays).height == 6209
    for first, end in (
        (date(2028, 12, 31), date(2029, 1, 1)),
        (date(2011, 12, 31), date(2012, 1, 2)),
    ):
        with pytest.raises(ValueError, match="2012 to 2028.*add the missing years"):
            calendar_days(first, end, holidays)


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("2024-13-01,x,usual,s", "line 2, column day: '2024-13-01' is not a date"),
        ("2024-05-06,x,usual,s\n2024-05-06,y,usual,s", "line 3, column day.*twice"),
        ("", "holds no bank holiday"),
    ],
)
def test_wrong_holidays_are_refused_with_their_place(
    tmp_path: Path, row: str, complaint: str
) -> None:
    path = tmp_path / "bank_holidays.csv"
    path.write_text(f"day,name,kind,source\n{row}\n", encoding="utf-8")
    with pytest.raises(CalendarFileError, match=complaint):
        read_bank_holidays(path)


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("term,x,2024-01-01,2024-01-02", "line 2, column kind: 'term' is not one of school_term"),
        ("local_event,,2024-01-01,2024-01-02", "column name: '' is empty"),
        ("local_event,x,2024-01-02,2024-01-01", "column last_day.*before first_day 2024-01-02"),
        ("local_event,x,2024-01-02", "column last_day: '' is not a date"),
    ],
)
def test_wrong_periods_are_refused_with_their_place(
    tmp_path: Path, row: str, complaint: str
) -> None:
    path = tmp_path / "calendar.csv"
    path.write_text(f"kind,name,first_day,last_day\n{row}\n", encoding="utf-8")
    with pytest.raises(CalendarFileError, match=complaint):
        read_local_periods(path)


def test_a_missing_file_or_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(CalendarFileError, match="cannot be read"):
        read_bank_holidays(tmp_path / "none.csv")
    path = tmp_path / "x.csv"
    path.write_text("day,name\n", encoding="utf-8")
    with pytest.raises(CalendarFileError, match="line 1: no column kind, source"):
        read_bank_holidays(path)


def test_no_days_are_no_rows(holidays: BankHolidays) -> None:
    empty = calendar_days(date(2024, 1, 1), date(2024, 1, 1), holidays)
    assert empty.is_empty() and empty.schema["police_day"] == pl.Date
