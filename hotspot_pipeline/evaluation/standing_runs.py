"""Which run gave a week its rows: the run of before where the rows are the same, this one where they are not.

Here: weeks compared by their rows without the run. Not here: the writing, which then finds exactly the changed weeks (`warehouse`).
"""

from __future__ import annotations

import polars as pl

from hotspot_pipeline.warehouse.contract import TableContract
from hotspot_pipeline.warehouse.session import Session


def with_runs(
    session: Session, contract: TableContract, rows: pl.DataFrame, run_id: str
) -> pl.DataFrame:
    """`rows` (the contract's columns without run_id) with run_id: that of the standing week where nothing in it differs."""
    session.ensure(contract)
    types = {n: t for n, t in contract.column_types.items() if n != "run_id"}
    cast = ", ".join(f'cast("{n}" as {t}) as "{n}"' for n, t in types.items())
    hashed = ", ".join(f'"{n}"' for n in types)
    week = contract.time_column
    prints = f"select {week} as w, count(*) as n, sum(hash({hashed})) as h"
    with session.lent("rows_without_run", rows):
        same = session.frame(
            f"""
            select s.w as {week}, s.run_id as standing
            from ({prints}, min(run_id) as run_id from {contract.name} group by 1) s
            join ({prints} from (select {cast} from rows_without_run) group by 1) r on r.w = s.w and r.n = s.n and r.h = s.h
            """
        )
    return (
        rows.join(same, on=week, how="left")
        .with_columns(run_id=pl.col("standing").fill_null(run_id))
        .drop("standing")
    )
