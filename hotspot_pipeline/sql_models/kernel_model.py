"""A windowed table that a Python kernel computes from the events, in the shape of a SQL model where windows are refreshed.

Here: which columns of the events it reads, so that a window is computed again exactly when one of them changed, and its rows for the windows
asked for. Not here: which windows those are (`hexes/refresh.py`), the kernels (their stages).
"""

from __future__ import annotations

import ast
import hashlib
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import ModuleType

import polars as pl

from hotspot_pipeline.sql_models.lineage import Lineage
from hotspot_pipeline.sql_models.model import SqlModel
from hotspot_pipeline.warehouse.contract import TableContract
from hotspot_pipeline.warehouse.session import ASKED, Session

EVENTS = "hexes.events"


@dataclass(frozen=True)
class KernelModel:
    """`compute` takes the counted events of some windows (`reads`, and the time column) and returns the rows of `contract` for
    them. `code` are the modules whose change makes every window stale, `basis` is whatever else the rows follow from."""

    contract: TableContract
    reads: tuple[str, ...]
    compute: Callable[[pl.DataFrame], pl.DataFrame]
    code: Sequence[ModuleType] = field(repr=False)
    basis: str = ""

    @property
    def name(self) -> str:
        return self.contract.name

    @property
    def tables(self) -> tuple[str, ...]:
        return (EVENTS,)

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self.reads)

    @property
    def code_version(self) -> str:
        """Of the parsed modules, so that a comment or a line break makes nothing stale."""
        trees = [ast.dump(ast.parse(inspect.getsource(module))) for module in self.code]
        return hashlib.sha256("\n".join([*trees, self.basis]).encode()).hexdigest()[:16]

    @property
    def column_lineage(self) -> Lineage:
        """Of a kernel it is known which columns it reads, not which of them makes which."""
        sources = tuple((EVENTS, name) for name in sorted(self.reads))
        return {column.name: sources for column in self.contract.columns}

    def rows(self, session: Session) -> pl.DataFrame:
        """The rows of the windows in the table of asked windows."""
        window = self.contract.time_column
        columns = ", ".join(dict.fromkeys([*self.reads, str(window)]))
        events = session.frame(
            f"select {columns} from {EVENTS} where is_counted and {window} in (select w from {ASKED}) order by all"
        )
        return self.compute(events)


WindowedModel = SqlModel | KernelModel
