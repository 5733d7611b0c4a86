"""One read table as the contract's columns: which header name feeds which of them, and where each row came from.

Here: the steps that every way of taking a file in shares. Not here: reading (`reading/`), the account (`intake.py`), pseudonyms
(`sealing.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from hotspot_pipeline.feeds.contract import FeedContract
from hotspot_pipeline.raw.reading import SourceTable


def source_name(file: str, source: str) -> str:
    """The file below the landing folder, and `!member` where the source is inside an archive."""
    _, bang, member = source.partition("!")
    return file + bang + member


def missing_columns(contract: FeedContract, missing: Sequence[str]) -> tuple[str, str]:
    """(rule, reason) of a file whose header lacks columns."""
    wanted = contract.column(missing[0])
    names = ", ".join((wanted.name, *wanted.aliases))
    return (
        "missing_column",
        f"no column {', '.join(missing)}; header names known for {wanted.name}: {names}. "
        f"Map your own name in force.yml under feeds.{contract.feed}.columns",
    )


def conformed_rows(
    item: SourceTable, found: Mapping[str, str], contract: FeedContract, source_file: str
) -> pl.DataFrame:
    """The contract's columns as delivered, with `line_no` and `source_file`; constants fill what is empty."""
    columns = [
        pl.col(found[c.name]).alias(c.name)
        if c.name in found
        else pl.lit(contract.constants.get(c.name), dtype=pl.String).alias(c.name)
        for c in contract.columns
    ]
    frame = item.frame.select(
        *columns, pl.col("_line").alias("line_no"), pl.lit(source_file).alias("source_file")
    )
    # a constant also fills what a column leaves empty
    filled = [pl.col(n).fill_null(v) for n, v in contract.constants.items() if n in found]
    return frame.with_columns(filled) if filled else frame
