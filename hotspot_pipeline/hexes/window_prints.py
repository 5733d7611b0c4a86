"""Which windows of a model were computed from other events than stand now?

A window's print is the number of its events and the sum of their hashes over the columns that the model reads, so anything that
changes a count is noticed, whatever the cause: a recode, a late report, a mended lookup, a new excluded site, a withdrawal. What changes
nothing in a window (an outcome, another order of rows) leaves it alone. Not here: the computing (`refresh.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from hotspot_pipeline.sql_models.kernel_model import WindowedModel
from hotspot_pipeline.warehouse.session import ASKED, Session

EVENTS = "hexes.events"
TABLE = "hexes.window_prints"


def stale(session: Session, model: WindowedModel) -> list[date]:
    """The windows to compute: of other events, by another query, or with other rows in the table than were written."""
    if model.tables != (EVENTS,):
        raise ValueError(
            f"{model.name}: reads {', '.join(model.tables)}; a window is refreshed from {EVENTS} alone"
        )
    column = model.contract.time_column
    written = (
        f"select {column} as w, count(*) as n from {model.name} group by 1"
        if session.exists(model.name)
        else "select null::date as w, 0 as n where false"
    )
    rows = session.frame(
        f"""
        select coalesce(e.w, p.window_start, r.w) as w
        from ({_prints(session, model)}) e
        full join (select * from {TABLE} where table_name = $table) p on p.window_start = e.w
        full join ({written}) r on r.w = coalesce(e.w, p.window_start)
        where p.window_start is null or e.w is null or p.events_print <> e.events_print or p.code_version <> $code
            or p.n_rows <> coalesce(r.n, 0)
        order by 1
        """,
        {"table": model.name, "code": model.code_version},
    )
    return rows.get_column("w").to_list()


def known(session: Session, model: WindowedModel) -> set[date]:
    """The windows that were computed before."""
    rows = session.frame(
        f"select window_start from {TABLE} where table_name = $table", {"table": model.name}
    )
    return set(rows.get_column("window_start"))


def note(session: Session, model: WindowedModel, windows: Sequence[date]) -> None:
    """Writes the prints of windows that were just computed; inside the transaction of their rows, after `stage`d windows."""
    if not windows:
        return
    column = model.contract.time_column
    session.execute(
        f"delete from {TABLE} where table_name = $table and window_start in (select w from {ASKED})",
        {"table": model.name},
    )
    session.execute(
        f"""
        insert into {TABLE} by name
        select $table as table_name, e.w as window_start, $code as code_version, e.events_print,
            coalesce(r.n, 0) as n_rows
        from ({_prints(session, model)}) e
        left join (select {column} as w, count(*) as n from {model.name} group by 1) r on r.w = e.w
        where e.w in (select w from {ASKED})
        """,
        {"table": model.name, "code": model.code_version},
    )


def _prints(session: Session, model: WindowedModel) -> str:
    column = model.contract.time_column
    read = [c for c in session.catalog[EVENTS].column_types if c in model.names]
    return (
        f"select {column} as w, count(*) || ':' || sum(hash({', '.join(read)})) as events_print "
        f"from {EVENTS} where is_counted and {column} is not null group by 1"
    )
