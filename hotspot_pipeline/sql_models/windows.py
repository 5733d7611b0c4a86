"""A windowed model asked for some windows that lie apart.

A daily or weekly model takes the rows with `column >= $window_start and column < $window_end`. Here that pair of comparisons becomes a test
of membership, so that scattered weeks are one query over just their rows, and not one query each or one over everything between them.
Not here: which windows (`hexes/refresh.py`), the writing (`warehouse/session.py`).
"""

from __future__ import annotations

import sqlglot
from sqlglot import exp

from hotspot_pipeline.sql_models.positions import DIALECT
from hotspot_pipeline.warehouse.session import ASKED


def for_asked_windows(sql: str, time_column: str) -> str:
    """The query for the windows of the table `asked_windows` (one column, `w`).

    Raises ValueError where $window_start and $window_end stand otherwise than as one of several conditions of a WHERE, in
    `c >= $window_start and c < $window_end` with c the time column.
    """
    tree = sqlglot.parse_one(sql, dialect=DIALECT)
    asked = sqlglot.parse_one(f"select w from {ASKED}", dialect=DIALECT)
    n_left = sum(1 for p in tree.find_all(exp.Parameter, exp.Placeholder) if _names(p))
    for where in list(tree.find_all(exp.Where)):
        conditions = _conditions(where.this)
        starts = [c for c in conditions if isinstance(c, exp.GTE) and _bounds(c, "window_start")]
        ends = [c for c in conditions if isinstance(c, exp.LT) and _bounds(c, "window_end")]
        if not starts and not ends:
            continue
        columns = {c.this.sql(dialect=DIALECT) for c in (*starts, *ends)}
        named = {c.this.name for c in (*starts, *ends)}
        if len(starts) != 1 or len(ends) != 1 or len(columns) != 1 or named != {time_column}:
            break
        n_left -= 2
        (start,), (end,) = starts, ends
        start.replace(exp.In(this=start.this.copy(), query=exp.Subquery(this=asked.copy())))
        end.replace(exp.true())
    if n_left or not tree.find(exp.In):
        raise ValueError(
            f"$window_start and $window_end may stand only as `{time_column} >= $window_start and {time_column} < $window_end` "
            "in a where, with other conditions joined by and"
        )
    return tree.sql(dialect=DIALECT)


def _conditions(node: exp.Expr) -> list[exp.Expr]:
    """What has to hold together: the parts of nested `and`s."""
    node = node.unnest()
    return (
        [*_conditions(node.left), *_conditions(node.right)] if isinstance(node, exp.And) else [node]
    )


def _bounds(comparison: exp.GTE | exp.LT, parameter: str) -> bool:
    return isinstance(comparison.this, exp.Column) and _names(comparison.expression) == parameter


def _names(node: exp.Expr | None) -> str | None:
    """The window parameter that the node is, if it is one."""
    if not isinstance(node, exp.Parameter | exp.Placeholder):
        return None
    name = str(node.this.name if isinstance(node.this, exp.Expr) else node.this or "")
    return name if name in ("window_start", "window_end") else None
