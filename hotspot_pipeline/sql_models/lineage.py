"""From which columns of which tables each column of a query is computed, read from the query itself.

What only filters, joins, groups or orders is not in it: it decides which rows there are, not what stands in them.
"""

from __future__ import annotations

from sqlglot import exp
from sqlglot.lineage import lineage
from sqlglot.optimizer.scope import build_scope
from sqlglot.schema import Schema

from hotspot_pipeline.sql_models.positions import DIALECT

Lineage = dict[str, tuple[tuple[str, str], ...]]


def columns_behind(qualified: exp.Expr, schema: Schema) -> Lineage:
    """For each column, the sorted (stage.table, column) pairs it is computed from; none for a count(*) or a literal.

    `qualified` is a tree that `sqlglot.optimizer.qualify` has been over.
    """
    # the scope is handed in and selects are not trimmed: both would be done again for every column
    roots = lineage(
        None,
        qualified,
        schema,  # type: ignore[arg-type]
        dialect=DIALECT,
        scope=build_scope(qualified),
        trim_selects=False,
        copy=False,
    )
    return {
        column: tuple(
            sorted(
                {
                    (f"{leaf.source.db}.{leaf.source.name}", _bare(leaf.name))
                    for leaf in root.walk()
                    if isinstance(leaf.source, exp.Table) and leaf.source.db
                }
            )
        )
        for column, root in roots.items()
    }


def _bare(name: str) -> str:
    return name.split(".")[-1].strip('"')
