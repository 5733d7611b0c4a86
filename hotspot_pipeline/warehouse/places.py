"""The place of a row in its table, DuckDB's `rowid`, as a key: for what is read once to be written again where it lies.

A plain join on `rowid` is not safe. In DuckDB 2.0.0, where rows of a table were deleted and the transaction has added others, the filter
that a join hands down to the scan of `rowid` reads outside its segment: rows go missing without a word, or the process ends. So a join names the place by `place`, which
nothing is handed down to, and a scan is narrowed by `between`, whose bounds stand in the statement.

Places hold within a transaction, and from a read to the write that follows it in the same step.
"""

from __future__ import annotations

import duckdb


def place(alias: str, column: str = "rowid") -> str:
    """SQL: the place of a row, to be compared with another place. `column`: the name of a view's column that is the `rowid` of its table."""
    return f"case when {alias}.{column} is null then -1 else {alias}.{column} end"


def between(connection: duckdb.DuckDBPyConnection, rows: str, column: str = "rowid") -> str:
    """SQL: a condition on `column`, a `rowid`, that holds for the rows that `rows`, a SELECT of one column of places, gives, and for those that lie between."""
    ((first, last),) = connection.execute(f"select min(p), max(p) from ({rows}) r(p)").fetchall()
    return f"{column} < 0" if first is None else f"{column} between {first} and {last}"
