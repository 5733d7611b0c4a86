"""What a feed contract is: columns, delivery, rules and expectations, and which delivered header name feeds what."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

ColumnType = Literal[
    "text", "code", "codes", "integer", "decimal", "boolean", "timestamp", "date", "time", "month"
]
COLUMN_TYPES: tuple[str, ...] = ColumnType.__args__  # type: ignore[attr-defined]
ExtractKind = Literal["full", "delta", "snapshot"]


# tables whose full extracts repeat hundreds of thousands of rows
RUN_TABLES = ("crimes", "asb_incidents")
# tables whose rows stand in files below the force's folder and never in the warehouse: millions a day
FILE_TABLES = ("pings",)


class ContractError(ValueError):
    """A feed contract or a force's mapping that cannot be used; names file, key, value and rule."""


@dataclass(frozen=True)
class FeedColumn:
    """One column as we want it; `aliases` are header names under which forces deliver it.

    `in_header` columns must exist in the delivered header; `has_value` columns must not be empty in a row.
    `identifier` values are pseudonymised on the way into `validated` and masked in rejects.
    """

    name: str
    type: ColumnType
    description: str = ""
    aliases: tuple[str, ...] = ()
    in_header: bool = False
    has_value: bool = False
    identifier: bool = False
    codes: Mapping[str, str] = field(default_factory=dict)
    allowed: tuple[str, ...] = ()

    @property
    def header_names(self) -> tuple[str, ...]:
        """Under which names it may stand in a header; the first found counts. A force's own names stand in `aliases`
        before ours, for they were written for exactly its files."""
        return self.aliases if self.name in self.aliases else (self.name, *self.aliases)


@dataclass(frozen=True)
class Delivery:
    """How files of the feed are named, grouped into extracts and dated.

    `name_pattern` is searched in the path below the landing folder; its groups `kind`, `timestamp` and
    `release` are used when present. `group` says what one extract is: a `file`, or all files of a `release`.
    """

    files: tuple[str, ...]
    kind: ExtractKind
    group: Literal["file", "release"] = "file"
    name_pattern: str = ""
    timestamp_formats: tuple[str, ...] = ("%Y%m%dT%H%M%S", "%Y%m%dT%H%M", "%Y%m%d")
    members: str = ""
    delimiter: str = ","
    encodings: tuple[str, ...] = ("utf-8", "windows-1252")
    sheet: str | None = None


@dataclass(frozen=True)
class RowRule:
    """A rule of `validated/rules`: `reject` sends the row to `validated.rejects`, `warn` only counts it."""

    rule: str
    action: Literal["reject", "warn"]
    check: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Expectation:
    """A great-expectations expectation on the extract's frame; `error` holds the extract, `warn` reports."""

    name: str
    expectation: str
    severity: Literal["error", "warn"]
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    check: str = ""


@dataclass(frozen=True)
class FeedContract:
    """`table` is what `raw` and `validated` call the feed's rows; it is empty where no stage takes the feed in yet.

    `pseudonym_time` names the column whose police day decides by which year's key the identifiers are pseudonymised while the row
    is read: nothing keeps such a feed's identifiers, and its delivered files are deleted once they are taken. Of a row that reaches
    into the next year by `pseudonym_until`, the column `<name>_next_year` gets the pseudonym under that year's key.
    """

    feed: str
    table: str
    description: str
    delivery: Delivery
    columns: tuple[FeedColumn, ...]
    key: tuple[str, ...] = ()
    time_zone: str = "force"
    time_precision: Literal["second", "month", "none"] = "second"
    retention_months: int = 13
    timestamp_formats: tuple[str, ...] = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S")
    date_formats: tuple[str, ...] = ("%Y-%m-%d",)
    true_values: tuple[str, ...] = ("1", "true", "t", "y", "yes")
    false_values: tuple[str, ...] = ("0", "false", "f", "n", "no")
    constants: Mapping[str, str] = field(default_factory=dict)
    rules: tuple[RowRule, ...] = ()
    expectations: tuple[Expectation, ...] = ()
    licence: str = ""
    pseudonym_time: str = ""
    pseudonym_until: str = ""

    @property
    def is_sealed(self) -> bool:
        """Are its identifiers pseudonymised while it is read?"""
        return bool(self.pseudonym_time)

    def column(self, name: str) -> FeedColumn:
        for column in self.columns:
            if column.name == name:
                return column
        raise ContractError(
            f"feed {self.feed}: no column '{name}'; known: {', '.join(self.column_names)}"
        )

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def fingerprint(self) -> str:
        """Changes when anything that decides how a file is read or typed changes (16 hex digits)."""
        # what a contract does not use leaves its fingerprint as it was before there was such a thing
        said = {k: v for k, v in asdict(self).items() if v or not k.startswith("pseudonym_")}
        text = json.dumps(said, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def stands_in_runs(self, kind: str) -> bool:
        """Is a row that an extract of this kind brings again unchanged kept once (`raw.full_runs`)?

        Lists of places are small and are kept extract by extract; rows without a key cannot be told apart.
        """
        return kind == "full" and self.table in RUN_TABLES and bool(self.key)

    def mapped(self, mapping: Mapping[str, Any], source: str = "force.yml") -> FeedContract:
        """The contract with a force's own names, codes, formats and constants laid over it (`feeds/mapping.py`)."""
        from hotspot_pipeline.feeds.mapping import lay_over

        return lay_over(self, mapping, source)

    def resolve_header(self, header: Sequence[str]) -> HeaderMatch:
        """Which delivered header name feeds which of our columns (case, spaces and punctuation do not matter)."""
        delivered: dict[str, str] = {}
        for name in header:
            delivered.setdefault(_fold(name), name)
        found: dict[str, str] = {}
        for column in self.columns:
            for candidate in column.header_names:
                if candidate in header or _fold(candidate) in delivered:
                    found[column.name] = (
                        candidate if candidate in header else delivered[_fold(candidate)]
                    )
                    break
        missing = tuple(
            c.name
            for c in self.columns
            if c.in_header and c.name not in found and c.name not in self.constants
        )
        extra = tuple(name for name in header if name not in set(found.values()))
        return HeaderMatch(found, missing, extra)

    def ambiguities(self) -> Iterator[str]:
        """Pairs of columns that one header name would feed."""
        owner: dict[str, str] = {}
        for column in self.columns:
            for name in column.header_names:
                first = owner.setdefault(_fold(name), column.name)
                if first != column.name:
                    yield f"header name '{name}' means {first} and {column.name}"


@dataclass(frozen=True)
class HeaderMatch:
    """`found`: our name -> delivered name; `missing`: required and absent; `extra`: delivered and not taken."""

    found: Mapping[str, str]
    missing: tuple[str, ...]
    extra: tuple[str, ...]


def _fold(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.casefold())
