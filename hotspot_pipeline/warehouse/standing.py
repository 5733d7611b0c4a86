"""Tables that a step adds to, and the report on each of them when it is done.

Here: what stood before the step, beside what stands after it. Not here: the writes between (who adds, adds).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from hotspot_pipeline.warehouse.results import Write
from hotspot_pipeline.warehouse.session import Session


class Standing:
    """`tables` as they stand now, each created where it is not there yet. `edited` are those whose rows are edited too, not
    only added and taken away; `appended` those from which none is taken away: of them the groups of the rows that were added
    are audited."""

    def __init__(
        self,
        session: Session,
        tables: Sequence[str],
        edited: Collection[str] = (),
        appended: Collection[str] = (),
    ) -> None:
        self._session = session
        self._edited = frozenset(edited)
        contracts = [session.catalog[table] for table in tables]
        for contract in contracts:
            session.ensure(contract)
        self._before = {
            c.name: session.standing(c, is_edited=c.name in self._edited) for c in contracts
        }
        self._added = {table: after for table in appended if (after := self._rows_after(table))}

    def _rows_after(self, table: str) -> str:
        """A SELECT of the rows that will have been added; empty where rows were once taken away, for then places may be given anew."""
        rows = self._session.frame(
            f"select count(*) as n, coalesce(max(rowid), -1) as last from {table}"
        )
        n, last = rows.row(0)
        return f"select * from {table} where rowid > {last}" if n == last + 1 else ""

    def writes(self, touched: Mapping[str, str] | None = None) -> Iterator[Write]:
        """What the step did to each table, with its audits, in the order of `tables`. `touched` gives for a table a SELECT of the groups of
        rows that were written to; of a table that neither it nor `appended` names every row is audited."""
        touched = {**self._added, **(touched or {})}
        for table, before in self._before.items():
            yield self._session.stand(
                self._session.catalog[table],
                before,
                is_edited=table in self._edited,
                touched=touched.get(table),
            )
