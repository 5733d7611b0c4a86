"""Audits: queries that return the bad rows of a table, and those that follow from its contract alone.

The first columns of a bad row are shown in checks and errors, so what follows from the contract gives the grain and
the columns in question, never a whole row: a delivered row holds names of people's cases.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from hotspot_pipeline.warehouse.contract import TableColumn

Severity = Literal["error", "warn"]


@dataclass(frozen=True)
class Audit:
    """A query that returns the bad rows. `error` keeps yesterday's rows and blocks; `warn` reports. `by_group`: it looks at the rows of
    one group of its table's `audited_by` at a time, so it can be asked of some groups."""

    name: str
    sql: str
    severity: Severity
    description: str
    by_group: bool = False


def derived_audits(
    table: str, grain: Sequence[str], columns: Sequence[TableColumn]
) -> Iterator[Audit]:
    """Grain, required columns, allowed values, and finite numbers."""

    def rows(of: Iterable[str]) -> str:
        shown = dict.fromkeys((*grain, *of))
        return f"select {', '.join(map(_quoted, shown))} from {table}"

    if grain:
        keys = ", ".join(map(_quoted, grain))
        yield Audit(
            "grain_is_unique",
            f"select {keys}, count(*) as n_rows from {table} group by {keys} having count(*) > 1",
            "error",
            f"One row per {', '.join(grain)}.",
        )
    required = [c.name for c in columns if c.required]
    if required:
        empty = " or ".join(f"{_quoted(c)} is null" for c in required)
        yield Audit(
            "required_columns_present",
            f"{rows(required)} where {empty}",
            "error",
            f"Never empty: {', '.join(required)}.",
        )
    for column in columns:
        if column.allowed:
            values = ", ".join("'" + v.replace("'", "''") + "'" for v in column.allowed)
            yield Audit(
                f"{column.name}_is_known",
                f"{rows([column.name])} where {_quoted(column.name)} not in ({values})",
                "error",
                f"{column.name} is one of {', '.join(column.allowed)}.",
            )
    doubles = [c.name for c in columns if c.type == "DOUBLE"]
    if doubles:
        # 1/0 is inf in DuckDB, not null: an unguarded ratio shows here
        broken = " or ".join(f"not isfinite({_quoted(c)})" for c in doubles)
        yield Audit(
            "numbers_are_finite",
            f"{rows(doubles)} where {broken}",
            "error",
            f"No infinity and no NaN in {', '.join(doubles)}.",
        )


def _quoted(name: str) -> str:
    return f'"{name}"'
