"""What goes into a write and what comes out of it: queries, audit results, reports, and the ways a write can fail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from hotspot_pipeline.warehouse.audits import Audit


@dataclass(frozen=True)
class Query:
    """A SELECT and its named parameters."""

    sql: str
    params: Mapping[str, Any]


@dataclass(frozen=True)
class AuditResult:
    audit: Audit
    n_bad_rows: int
    sample: str = ""

    @property
    def passed(self) -> bool:
        return self.n_bad_rows == 0

    @property
    def blocks(self) -> bool:
        return not self.passed and self.audit.severity == "error"


@dataclass(frozen=True)
class Write:
    """What a write did. `windows` are the time-column values whose rows changed; `n_rows` is the table's height; `how` says which of
    its rows were computed, where that is a question."""

    table: str
    n_rows: int
    changed: bool
    content: str
    audits: tuple[AuditResult, ...] = ()
    windows: tuple[date, ...] = ()
    how: str = ""


class AuditsFailed(RuntimeError):
    """A blocking audit found bad rows; the write was rolled back and the earlier rows stand."""

    def __init__(self, table: str, audits: Sequence[AuditResult]) -> None:
        self.table = table
        self.audits = tuple(audits)
        what = "; ".join(
            f"{a.audit.name}: {a.n_bad_rows} bad rows, first {a.sample}" for a in audits if a.blocks
        )
        super().__init__(f"{table}: nothing was written, the earlier rows stand: {what}")


class SchemaChangeRefused(RuntimeError):
    """The table in the file differs from its contract in more than added columns."""
