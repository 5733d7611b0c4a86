"""A session on the warehouse: writes that are whole or not there at all, over a connection (`connected.py`).

A write is one transaction: ensure the table, delete what is replaced, insert by name, run the audits, commit. An
audit of severity `error` that finds rows rolls everything back, and yesterday's rows stand. A write that would
change nothing is rolled back too, leaves the file as it is, and says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

import polars as pl

from hotspot_pipeline.warehouse import fingerprints
from hotspot_pipeline.warehouse.auditing import AUDITED, limited, run_audits, stage_audited
from hotspot_pipeline.warehouse.connected import Connected
from hotspot_pipeline.warehouse.contract import TableContract
from hotspot_pipeline.warehouse.incoming import INCOMING, stage
from hotspot_pipeline.warehouse.results import (
    AuditResult,
    AuditsFailed,
    Query,
    SchemaChangeRefused,
    Write,
)

__all__ = [
    "AuditResult",
    "AuditsFailed",
    "Query",
    "SchemaChangeRefused",
    "Session",
    "Write",
]


# the temporary table of the windows that a query is asked for, one column `w`
ASKED = "asked_windows"


class Session(Connected):
    """What the steps write with; every write says what it did."""

    def standing(self, contract: TableContract, *, is_edited: bool = False) -> tuple[int, str]:
        """(rows, fingerprint) of a table that is added to and taken from: of its keys, or of whole rows where rows are
        edited too."""
        if is_edited:
            return fingerprints.content(self._con, contract, contract.name)
        return fingerprints.keys(self._con, contract)

    def audit(self, contract: TableContract) -> tuple[AuditResult, ...]:
        return run_audits(self._con, contract.all_audits)

    def audit_part(self, contract: TableContract, touched: str) -> tuple[AuditResult, ...]:
        """The audits of the groups of rows that `touched`, a SELECT, names, and of those whose turn it is."""
        stage_audited(self._con, contract, touched)
        found = run_audits(self._con, limited(contract))
        self._con.execute(f"drop table {AUDITED}")
        return found

    def stand(
        self,
        contract: TableContract,
        before: tuple[int, str],
        *,
        is_edited: bool = False,
        touched: str | None = None,
    ) -> Write:
        """The report on a table that this step added to: `before` is what `standing` gave at its start. `touched`: a SELECT of the groups
        that were written to; without it every row is audited."""
        after = self.standing(contract, is_edited=is_edited)
        audits = self.audit_part(contract, touched) if touched else self.audit(contract)
        return Write(contract.name, after[0], after != before, after[1], audits)

    def replace_table(self, contract: TableContract, source: Query | pl.DataFrame) -> Write:
        """The whole table, in one transaction."""

        def swap() -> tuple[date, ...]:
            if fingerprints.content(self._con, contract, contract.name) == fingerprints.content(
                self._con, contract, INCOMING
            ):
                return ()
            self._con.execute(f"delete from {contract.name}")
            self._con.execute(f"insert into {contract.name} by name from {INCOMING}")
            return (date.min,)

        return self._write(contract, source, swap, report_windows=False)

    def replace_window(
        self, contract: TableContract, source: Query | pl.DataFrame, start: date, end: date
    ) -> Write:
        """The rows with `start <= time_column < end`, in one transaction. Rows outside are refused, not dropped.

        The window is whole days, for a weekly table whole weeks from a Monday. It may lie anywhere, also before the
        first partition: late reports of old events belong to old windows.
        """
        _check_window(contract, start, end)
        inside = f"\"{contract.time_column}\" >= date '{start}' and \"{contract.time_column}\" < date '{end}'"

        def swap() -> tuple[date, ...]:
            stray = self.value(f"select count(*) from {INCOMING} where ({inside}) is not true")
            if stray:
                raise ValueError(
                    f"{contract.name}: {stray} incoming rows lie outside {start} to {end}"
                )
            windows = fingerprints.differing_windows(self._con, contract, INCOMING, inside)
            if windows:
                self._con.execute(f"delete from {contract.name} where {inside}")
                self._con.execute(f"insert into {contract.name} by name from {INCOMING}")
            return windows

        return self._write(contract, source, swap)

    def replace_changed_windows(
        self,
        contract: TableContract,
        source: Query | pl.DataFrame,
        along: Callable[[tuple[date, ...]], None] | None = None,
        asked: Sequence[date] | None = None,
    ) -> Write:
        """Replaces exactly those windows whose rows differ; `windows` names them.

        `source` gives the rows of every window, or of the `asked` ones: then no other is looked at. `along` writes what must
        stand or fall with them (a ledger), in the same transaction.
        """
        if contract.time_column is None:
            raise ValueError(f"{contract.name}: no time_column in {contract.path.name}: no windows")
        inside = f'"{contract.time_column}" in (select unnest($windows))'
        looked_at, touched = "true", None
        if asked is not None:
            self.stage(ASKED, pl.DataFrame({"w": asked}, schema={"w": pl.Date}))
            looked_at = f'"{contract.time_column}" in (select w from {ASKED})'
            if contract.audited_by == (contract.time_column,):
                touched = f'select w as "{contract.time_column}" from {ASKED}'

        def swap() -> tuple[date, ...]:
            undated = self.value(
                f'select count(*) from {INCOMING} where "{contract.time_column}" is null'
            )
            if undated:
                raise ValueError(
                    f"{contract.name}: {undated} incoming rows have no {contract.time_column}"
                )
            windows = fingerprints.differing_windows(self._con, contract, INCOMING, looked_at)
            if windows:
                changed = {"windows": list(windows)}
                self._con.execute(f"delete from {contract.name} where {inside}", changed)
                self._con.execute(
                    f"insert into {contract.name} by name from {INCOMING} where {inside}", changed
                )
            if along:
                along(windows)
            return windows

        return self._write(contract, source, swap, keep=along is not None, touched=touched)

    def _write(
        self,
        contract: TableContract,
        source: Query | pl.DataFrame,
        swap: Callable[[], tuple[date, ...]],
        report_windows: bool = True,
        keep: bool = False,
        touched: str | None = None,
    ) -> Write:
        """`keep`: commit even where the table's own rows are the same. `touched` as in `stand`."""
        with self.writing() as write:
            is_new_schema = self.ensure(contract)
            stage(self._con, contract, source)
            windows = swap()
            audits = self.audit_part(contract, touched) if touched else self.audit(contract)
            if any(a.blocks for a in audits):
                raise AuditsFailed(contract.name, audits)
            n_rows, content = fingerprints.content(self._con, contract, contract.name)
            self._con.execute(f"drop table {INCOMING}")
            write.keep = bool(windows) or is_new_schema or keep
        return Write(
            contract.name, n_rows, bool(windows), content, audits, windows if report_windows else ()
        )


def _check_window(contract: TableContract, start: date, end: date) -> None:
    if contract.time_column is None:
        raise ValueError(f"{contract.name}: no time_column in {contract.path.name}: no windows")
    if start >= end:
        raise ValueError(f"{contract.name}: the window {start} to {end} is empty")
    if contract.partition == "weekly" and (start.weekday() or end.weekday()):
        raise ValueError(
            f"{contract.name}: the window {start} to {end} is not made of whole weeks from Monday to Monday"
        )
