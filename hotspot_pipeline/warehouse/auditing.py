"""Which rows a night's audits look at: what the night wrote, and a part of the rest in turn.

A rule that follows from a contract (unique, present, known, finite) says something of a row, or of the rows of one group. Where only some
groups were written, it can be broken only there; so those are audited every night, and of the others the part whose turn it is, so
that within `TURNS` nights every row has been looked at again, whatever happened to the file. A table that is written whole is
audited whole. Here as well: the running of audits. Not here: their queries (`audits.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime

import duckdb

from hotspot_pipeline.warehouse.audits import Audit, derived_audits
from hotspot_pipeline.warehouse.contract import TableContract
from hotspot_pipeline.warehouse.results import AuditResult

TURNS = 28
AUDITED = "audited_rows"


def stage_audited(
    connection: duckdb.DuckDBPyConnection,
    contract: TableContract,
    touched: str,
    today: date | None = None,
) -> None:
    """The temporary table `AUDITED`: rows of the groups that `touched` (a SELECT) gives, and those whose turn it is. Groups are those of
    the contract's `audited_by`, else of its grain."""
    names = contract.audited_by or contract.grain
    turn = (today or datetime.now(UTC).date()).toordinal() % TURNS
    same = " and ".join(f'a."{c}" = b."{c}"' for c in names)
    connection.execute(
        f"create or replace temp table touched_groups as select distinct {_listed(names)}, true as is_touched from ({touched})"
    )
    connection.execute(
        f"""
        create or replace temp table {AUDITED} as
        select {_listed(_columns_used(contract), "a.")} from {contract.name} a left join touched_groups b on {same}
        where b.is_touched or hash({_listed(names, "a.")}) % {TURNS} = {turn}
        """
    )


def _columns_used(contract: TableContract) -> list[str]:
    """The columns that an audit of a part mentions: a large table has many more, and reading them is what takes the time."""
    used = contract.mentioned_in(" ".join(audit.sql for audit in limited(contract)))
    return used or list(contract.column_types)


def _listed(columns: Sequence[str], alias: str = "") -> str:
    return ", ".join(f'{alias}"{c}"' for c in columns)


def limited(contract: TableContract) -> Sequence[Audit]:
    """The contract's audits, over `AUDITED` where they look at single rows or groups; the other named ones as they are."""
    derived = derived_audits(AUDITED, contract.grain, contract.columns)
    named = [
        Audit(a.name, a.sql.replace(contract.name, AUDITED), a.severity, a.description)
        if a.by_group
        else a
        for a in contract.audits
    ]
    return (*derived, *named)


def run_audits(
    connection: duckdb.DuckDBPyConnection, audits: Sequence[Audit]
) -> tuple[AuditResult, ...]:
    return tuple(_run(connection, audit) for audit in audits)


def _run(connection: duckdb.DuckDBPyConnection, audit: Audit) -> AuditResult:
    bad = f"from (\n{audit.sql}\n) bad"
    n_bad = int(connection.execute(f"select count(*) {bad}").fetchall()[0][0])
    sample = ""
    if n_bad:
        first = connection.sql(f"select * {bad} limit 1").pl().row(0, named=True)
        sample = ", ".join(f"{k}={str(v)[:80]}" for k, v in list(first.items())[:6])
    return AuditResult(audit, n_bad, sample)
