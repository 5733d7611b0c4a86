"""Reading the small dated CSV files of the calendar strictly: columns, dates and words as they must be.

Here: what `calendar_days` and `night_time` share, and the error that names file, line, column, value
and rule. Not here: lookups of codes (`validated.lookups`), delivered files (`raw.reading`).
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path


class CalendarFileError(ValueError):
    """A calendar file that cannot be used."""


@dataclass(frozen=True)
class Row:
    """One row of a file, with where it stands."""

    path: Path
    line: int
    values: dict[str, str]

    def text(self, column: str) -> str:
        value = self.values[column]
        if not value:
            raise self.wrong(column, "is empty")
        return value

    def one_of(self, column: str, allowed: Sequence[str]) -> str:
        value = self.values[column]
        if value not in allowed:
            raise self.wrong(column, f"is not one of {', '.join(allowed)}")
        return value

    def yes_or_no(self, column: str) -> bool:
        return self.one_of(column, ("true", "false")) == "true"

    def day(self, column: str) -> date:
        try:
            return date.fromisoformat(self.values[column])
        except ValueError:
            raise self.wrong(column, "is not a date such as 2026-12-25") from None

    def day_or(self, column: str, otherwise: date) -> date:
        return self.day(column) if self.values[column] else otherwise

    def whole_hour(self, column: str) -> int:
        """`20:00` as 20; `24:00` as 24."""
        hour, _, minute = self.values[column].partition(":")
        if not (hour.isdigit() and len(hour) == 2 and minute == "00" and int(hour) <= 24):
            raise self.wrong(column, "is not a whole hour such as 20:00")
        return int(hour)

    def wrong(self, column: str, rule: str) -> CalendarFileError:
        value = self.values[column]
        return CalendarFileError(
            f"{self.path}, line {self.line}, column {column}: '{value}' {rule}; "
            "see data/reference/SOURCES.md"
        )


def read_rows(path: Path, columns: Sequence[str]) -> Iterator[Row]:
    """The rows of a UTF-8 file with at least these columns, blanks around values taken off."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise CalendarFileError(
            f"{path}: cannot be read ({error.strerror}); see data/reference/SOURCES.md"
        ) from error
    except UnicodeDecodeError as error:
        raise CalendarFileError(
            f"{path}: not UTF-8 (byte {error.start}); save it as UTF-8"
        ) from error
    reader = csv.DictReader(text.splitlines(), restval="")
    missing = [name for name in columns if name not in (reader.fieldnames or ())]
    if missing:
        raise CalendarFileError(
            f"{path}, line 1: no column {', '.join(missing)}; it must have {', '.join(columns)}"
        )
    for values in reader:
        yield Row(path, reader.line_num, {name: (values[name] or "").strip() for name in columns})
