"""A model's query over other tables than its own: the same statement for a part of the rows, or for what was known on another day.

Here: the change of names in a query. Not here: what the other tables hold (who asks makes them), windows (`windows.py`).
"""

from __future__ import annotations

from collections.abc import Mapping

import sqlglot
from sqlglot import exp

from hotspot_pipeline.sql_models.positions import DIALECT


def over(sql: str, tables: Mapping[str, str]) -> str:
    """`sql` reading `tables[name]` wherever it reads the table `name` (stage.table); other tables stay.

    An alias stays, and a table without one keeps its bare name as alias, so that its columns are found as before. Raises ValueError
    where a name of `tables` is not read: a part left over would be read whole.
    """
    tree = sqlglot.parse_one(sql, dialect=DIALECT)
    unread = set(tables)
    for table in list(tree.find_all(exp.Table)):
        name = f"{table.db}.{table.name}" if table.db else table.name
        if name in tables:
            unread.discard(name)
            other = exp.to_table(tables[name], dialect=DIALECT)
            table.replace(exp.alias_(other, table.alias or table.name, table=True))
    if unread:
        raise ValueError(f"the query does not read {', '.join(sorted(unread))}")
    return tree.sql(dialect=DIALECT)
