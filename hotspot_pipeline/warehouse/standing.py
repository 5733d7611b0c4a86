"""Tables that a step adds to, and the report on each of them when it is done.

Here: what stood before the step, beside what stands after it. Not here: the writes between (who adds, adds).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from hotspot_pipeline.warehouse.results import Write
from hotspot_pipeline.warehouse.session import Session


class Standing:
    """`tables` as they stand now, each created where it is not there yet. `edited` are those whose rows are edited too, not
    only added and taken away."""

    def __init__(
        self, session: Session, tables: Sequence[str], edited: Collection[str] = ()
    ) -> None:
        self._session = session
        self._edited = frozenset(edited)
        contracts = [session.catalog[table] for table in tables]
        for contract in contracts:
            session.ensure(contract)
        self._before = {
            c.name: session.standing(c, is_edited=c.name in self._edited) for c in contracts
        }

    def writes(self, touched: Mapping[str, str] | None = None) -> Iterator[Write]:
        """What the step did to each table, with its audits, in the order of `tables`. `touched` gives for a table a SELECT of the groups of
        rows that were written to; of a table that it does not name every row is audited."""
        for table, before in self._before.items():
            yield self._session.stand(
                self._session.catalog[table],
                before,
                is_edited=table in self._edited,
                touched=(touched or {}).get(table),
            )
