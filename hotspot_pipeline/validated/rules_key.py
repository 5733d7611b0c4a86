"""The row rule about keys: one row for each key in an extract (check C4).

Belongs here: which of several rows with one key is kept. Does not belong here: versions of a key
over extracts (the `history` stage).

Deliveries of changes hold a record several times when it changed several times, and a join in the
source repeats rows. Turning all of them away would lose a crime that is there; so one is kept: the
one its source modified last, and among equals the last line. The others are rejects:
`duplicate_row` where they say the same as the kept row, `unique_key` where they differ and someone
should look. Only rows that no other rule rejects compete, so that a broken row cannot displace a
good one.
"""

from __future__ import annotations

import polars as pl

from hotspot_pipeline.validated.broken import broken_rows, joined, no_broken_rows
from hotspot_pipeline.validated.rule import Rule, RuleInput

_MODIFIED = "source_last_modified"


def _unique_key(given: RuleInput) -> pl.DataFrame:
    key = list(given.contract.key)
    if not key:
        return no_broken_rows()
    has_key = pl.all_horizontal(pl.col(name).is_not_null() for name in key)
    is_repeated = given.frame.filter(has_key).select(
        "row", pl.struct(key).is_duplicated().alias("x")
    )
    rows = is_repeated.filter("x")["row"]
    if rows.is_empty():
        return no_broken_rows()
    repeated = given.frame.filter(pl.col("row").is_in(rows.implode()))
    order = [pl.col(_MODIFIED)] if _MODIFIED in repeated.columns else []
    # rows without a time of modification come first: they lose against rows that have one
    repeated = repeated.sort(*order, "row", nulls_last=False)
    kept = repeated.group_by(key).agg(
        pl.col("row").last().alias("kept_row"),
        pl.col("line_no").last().alias("kept_line"),
        *(pl.col(name).last().alias(f"kept_{name}") for name in given.contract.column_names),
    )
    losers = repeated.join(kept, on=key).filter(pl.col("row") != pl.col("kept_row")).sort("row")
    losers = losers.with_columns(
        is_same=pl.all_horizontal(
            pl.col(name).eq_missing(pl.col(f"kept_{name}")) for name in given.contract.column_names
        )
    )
    column = key[-1]
    line = pl.col("kept_line")
    return joined(
        [
            broken_rows(
                losers,
                pl.col("is_same"),
                column=column,
                rule="duplicate_row",
                message=pl.format(
                    "the same row is delivered again in line {}, which is kept", line
                ),
            ),
            broken_rows(
                losers,
                ~pl.col("is_same"),
                column=column,
                rule="unique_key",
                message=pl.format(
                    "another row has the same key and other content; line {} is newer and kept",
                    line,
                ),
            ),
        ]
    )


RULES = {"unique_key": Rule(_unique_key, among_survivors=True)}
