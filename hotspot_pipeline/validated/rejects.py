"""Rejects and warnings: what is kept of the rows that broke a rule.

Belongs here: one line for each rejected row, what of its value may be shown, and the summary of
warnings. Does not belong here: which rows break a rule (`rules`), the report (`report`).

A reject must lead an engineer to the row (extract, file, line, column, rule) without becoming a
copy of it. So the value of an identifier and of free text is never shown, only that there was one;
codes, numbers, times and coordinates are, shortened. `record_pid` is the pseudonym of the row's own
number, so that later stages can tell a rejected record from one that has left the source.
"""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from hotspot_pipeline.feeds.contract import FeedContract
from hotspot_pipeline.pseudonyms.hashing import mask, pseudonymise
from hotspot_pipeline.validated.rules import BrokenRule

REJECT_SCHEMA: dict[str, type[pl.DataType]] = {
    "source": pl.String,
    "line": pl.Int64,
    "column": pl.String,
    "value": pl.String,
    "rule": pl.String,
    "check": pl.String,
    "message": pl.String,
    "also_broken": pl.String,
    "record_pid": pl.String,
}
WARNING_SCHEMA: dict[str, type[pl.DataType]] = {
    "rule": pl.String,
    "check": pl.String,
    "n_rows": pl.Int64,
    "message": pl.String,
    "example_lines": pl.String,
}
MAX_VALUE_CHARACTERS = 80
N_EXAMPLES = 5
_TWO_WORDS = r"\p{L}{2,}[\s,]+\p{L}{2,}"

# text columns whose values are codes, not words about people
_CODES_HELD_AS_TEXT = frozenset(
    {"source_system", "ho_offence_code", "ho_outcome_code", "policeuk_category", "beat_code",
     "lsoa21cd", "opening_code", "asb_type", "polygon_wkt"}
)  # fmt: skip


def shown_columns(contract: FeedContract) -> list[str]:
    """The columns whose values a reject may show."""
    return [
        column.name
        for column in contract.columns
        if not column.identifier and (column.type != "text" or column.name in _CODES_HELD_AS_TEXT)
    ]


def make_rejects(
    frame: pl.DataFrame,
    rejecting: Iterable[BrokenRule],
    contract: FeedContract,
    pseudonym_key: bytes,
) -> pl.DataFrame:
    """One line for each rejected row of `frame` (all typed rows), in the extract's order.

    Columns: `row` and `REJECT_SCHEMA`. The first rule broken, in the contract's order, is the
    reject's own; the others are in `also_broken`, joined by commas.
    """
    parts = [
        broken.rows.with_columns(
            pl.lit(broken.entry.check).alias("check"), pl.lit(place, dtype=pl.UInt32).alias("place")
        )
        for place, broken in enumerate(rejecting)
    ]
    if not parts:
        return pl.DataFrame(schema={"row": pl.UInt32, **REJECT_SCHEMA})
    by_row = (
        pl.concat(parts)
        .sort("row", "place", maintain_order=True)
        .group_by("row", maintain_order=True)
        .agg(
            pl.col("column", "value", "rule", "check", "message").first(),
            pl.col("rule").unique(maintain_order=True).slice(1).str.join(",").alias("also_broken"),
        )
    )
    number = pl.col(contract.key[-1]) if contract.key else pl.lit(None, dtype=pl.String)
    lines = frame.select(
        "row",
        pl.col("source_file").alias("source"),
        pl.col("line_no").alias("line"),
        number.cast(pl.String).alias("record_pid"),
    )
    rejects = by_row.join(lines, on="row", how="left", maintain_order="left")
    if contract.key and contract.column(contract.key[-1]).identifier:
        rejects = rejects.with_columns(pseudonymise(rejects["record_pid"], pseudonym_key))
    return rejects.with_columns(_shown_value(contract)).select(
        "row", *(pl.col(name).cast(dtype) for name, dtype in REJECT_SCHEMA.items())
    )


def _shown_value(contract: FeedContract) -> pl.Expr:
    value, column = pl.col("value"), pl.col("column")
    is_shown = column.is_in(shown_columns(contract))
    # two words where a number or a time belongs are words of a neighbouring column
    worded = [c.name for c in contract.columns if c.type not in ("text", "code", "codes")]
    is_shown &= ~(column.is_in(worded) & value.str.contains(_TWO_WORDS))
    is_long = value.str.len_chars() > MAX_VALUE_CHARACTERS
    short = pl.when(is_long).then(value.str.head(MAX_VALUE_CHARACTERS - 1) + "…").otherwise(value)
    return pl.when(is_shown).then(short).otherwise(mask(value)).alias("value")


def make_warnings(frame: pl.DataFrame, warning: Iterable[BrokenRule]) -> pl.DataFrame:
    """One line for each rule that warned (`WARNING_SCHEMA`): rows, and the first lines without
    values.
    """
    lines = frame.select("row", "source_file", "line_no")
    found = []
    for broken in warning:
        rows = broken.rows.unique("row", maintain_order=True)
        first = rows.head(N_EXAMPLES).join(lines, on="row", how="left", maintain_order="left")
        by_file = first.group_by("source_file", maintain_order=True).agg(
            pl.col("line_no").cast(pl.String)
        )
        found.append(
            {
                "rule": broken.entry.rule,
                "check": broken.entry.check,
                "n_rows": rows.height,
                "message": str(broken.rows["message"][0]),
                "example_lines": "; ".join(
                    f"{source}: {', '.join(at)}" for source, at in by_file.iter_rows()
                ),
            }
        )
    return pl.DataFrame(found, schema=WARNING_SCHEMA)
