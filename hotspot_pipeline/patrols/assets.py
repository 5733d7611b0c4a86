"""The patrol assets: police days computed from fixes, duties, plan and logs, and what follows from them by week and in all.

Thin: which tables, which days, what Dagster is told. The kernels stand in `day_tables`, `compliance` and `coverage`; what a day is computed from
in `day_inputs`; which days are computed in `day_prints`.

A night computes the days whose prints differ, in one step, and reports each as its partition; a day can be launched by name too.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

import dagster as dg
import polars as pl

from hotspot_pipeline.orchestration.partitions import key_date
from hotspot_pipeline.orchestration.tables import Results, Workshop
from hotspot_pipeline.orchestration.windows_shown import show_windows
from hotspot_pipeline.patrols import (
    cell_minutes,
    cleaning,
    day_inputs,
    day_prints,
    day_tables,
    dose,
    duty_spans,
    dwell,
    dwell_pass,
    intervals,
    log_matching,
    patrol_zones,
    plan_items,
    possible_steps,
    rules,
    slots,
    visit_kinds,
    visits,
    zones,
)
from hotspot_pipeline.patrols.day_inputs import READS, DayReader
from hotspot_pipeline.patrols.day_tables import (
    ACCOUNT,
    ANSWERS,
    CELLS,
    DOSE,
    DWELL,
    LOGS,
    TABLES,
    VISITS,
)
from hotspot_pipeline.patrols.summaries import SUMMARIES, summaries
from hotspot_pipeline.timebase.calendar import Calendar
from hotspot_pipeline.warehouse.session import AuditsFailed, Session, Write
from hotspot_pipeline.warehouse.standing import Standing

PARTITIONED = (VISITS, DOSE, ANSWERS)
BESIDE = (DWELL, CELLS, ACCOUNT, LOGS)
PRINTS = day_prints.TABLE
_DAYS_AT_ONCE = 14
_CODE = (
    cell_minutes, cleaning, day_inputs, day_tables, dose, duty_spans, dwell, dwell_pass, intervals, log_matching, patrol_zones,
    plan_items, possible_steps, rules, slots, visit_kinds, visits, zones,
)  # fmt: skip
_TIMES = {
    "start_ms": "start_utc", "end_ms": "end_utc", "patrol_from_ms": "patrol_from_utc", "patrol_to_ms": "patrol_to_utc",
    "last_effective_end_ms": "last_effective_end_utc",
}  # fmt: skip
_RENAMED = {
    ANSWERS: {"start_utc": "window_start_utc", "end_utc": "window_end_utc"},
    DWELL: {"officer": "officer_pid"},
    CELLS: {"cell": "cell_r9"},
}


def build_assets(shop: Workshop) -> list[dg.AssetsDefinition]:
    return [_by_name(shop), _nightly(shop), _summaries(shop)]


def _by_name(shop: Workshop) -> dg.AssetsDefinition:
    @shop.step(
        "patrols.days", [shop.spec(table, deps=READS, kinds=("polars",)) for table in PARTITIONED]
    )
    def days(context: dg.AssetExecutionContext) -> Results:
        asked = [key_date(k) for k in context.partition_keys]
        with shop.warehouse(context).session() as session:
            # a day of which nothing was delivered has no rows; one whose fixes were removed keeps what it has
            known = day_prints.days_with_anything(session, shop.police_time, datetime.now(UTC))
            why = {day: "launched by name" for day in asked if day in set(known)}
            written = _compute(shop, session, why, context.run_id)
            for table in PARTITIONED:
                yield shop.result(written[table])

    return days


def _nightly(shop: Workshop) -> dg.AssetsDefinition:
    tables = (PRINTS, *BESIDE)

    @shop.step(
        "patrols.day_prints", [shop.spec(table, deps=READS, kinds=("polars",)) for table in tables]
    )
    def day_prints_and_more(context: dg.AssetExecutionContext) -> Results:
        with shop.warehouse(context).session() as session:
            standing = Standing(session, (PRINTS,))
            why = _stale(shop, session)
            written = _compute(shop, session, why, context.run_id)
            facts: dict[str, Any] = {"police days computed": len(why)}
            for table in PARTITIONED:
                write = written[table]
                facts[f"{table.split('.')[1]}: days changed"] = len(write.windows)
                show_windows(
                    shop, session, context, shop.catalog[table], write, set(write.windows), why
                )
            lines = [f"- {day}: {text}" for day, text in list(why.items())[:40]]
            facts["why"] = dg.MetadataValue.md("\n".join(lines) or "no day's deliveries changed")
            for write in (*standing.writes(), *(written[table] for table in BESIDE)):
                yield shop.result(write, facts)

    return day_prints_and_more


def _summaries(shop: Workshop) -> dg.AssetsDefinition:
    reads = (*TABLES, PRINTS, day_inputs.PLAN)

    @shop.step(
        "patrols.compliance",
        [shop.spec(table, deps=reads, kinds=("polars",)) for table in SUMMARIES],
    )
    def compliance(context: dg.AssetExecutionContext) -> Results:
        with shop.warehouse(context).session() as session:
            found = summaries(session, shop.police_time)
            facts = _headline(found[SUMMARIES[0]])
            for table in SUMMARIES:
                contract = shop.catalog[table]
                rows = found[table].select(list(contract.column_types))
                yield from shop.run_write(
                    table, partial(session.replace_table, contract, rows), facts
                )

    return compliance


def _headline(compliance: pl.DataFrame) -> dict[str, Any]:
    """What people watch, as numbers that the UI plots."""
    everything = compliance.filter(pl.col("scope") == "everything")
    if everything.is_empty():
        return {}
    row = everything.row(0, named=True)
    return {
        "visits planned": row["n_asked"],
        "visits made": row["n_yes"],
        "visits unknown": row["n_unknown"],
        "minutes delivered": round(row["delivered_ms"] / 60_000),
        **({"compliance": row["compliance"]} if row["compliance"] is not None else {}),
    }


def _reader(shop: Workshop, session: Session) -> DayReader:
    calendar = Calendar.read(shop.police_time, shop.settings.reference, dict(shop.force.reference))
    return DayReader(session, shop.police_time, calendar, shop.grid, shop.force.pings)


def _basis(reader: DayReader) -> str:
    return f"{reader.basis()}-{day_prints.code_version(_CODE)}"


def _stale(shop: Workshop, session: Session) -> dict[date, str]:
    days = day_prints.days_with_anything(session, shop.police_time, datetime.now(UTC))
    now = day_prints.prints(session, shop.police_time, days, _basis(_reader(shop, session)))
    return day_prints.stale(session, now)


def _compute(
    shop: Workshop, session: Session, why: Mapping[date, str], run_id: str
) -> dict[str, Write]:
    """Computes the days and writes what differs, some at a time; the prints last, so that a killed run is made good by the next."""
    session.ensure(shop.catalog[PRINTS])
    reader = _reader(shop, session)
    prints = day_prints.prints(session, shop.police_time, list(why), _basis(reader))
    written: dict[str, Write] = {}
    for part in _parts(list(why)):
        rows = [day_tables.day_tables(reader.inputs(day), shop.police_time) for day in part]
        for table in TABLES:
            frame = pl.concat([r[table] for r in rows], how="vertical_relaxed")
            write = _replace(session, shop, table, frame, part)
            before = written.get(table)
            windows = (*(before.windows if before else ()), *write.windows)
            written[table] = _joined(write, windows)
        day_prints.note(session, prints, {d: why[d] for d in part}, run_id, _now())
    for table in TABLES:
        if table not in written:
            empty = pl.DataFrame(schema=dict.fromkeys(shop.catalog[table].column_types, pl.String))
            written[table] = session.replace_changed_windows(shop.catalog[table], empty, None, [])
    return written


def _replace(
    session: Session, shop: Workshop, table: str, frame: pl.DataFrame, days: Sequence[date]
) -> Write:
    contract = shop.catalog[table]
    moments = {n: pl.from_epoch(n, "ms").dt.cast_time_unit("us") for n in _TIMES if n in frame.columns}  # fmt: skip
    named = frame.with_columns(**moments).rename({n: _TIMES[n] for n in moments})
    named = named.rename({k: v for k, v in _RENAMED.get(table, {}).items() if k in named.columns})
    try:
        return session.replace_changed_windows(
            contract, named.select(list(contract.column_types)), None, list(days)
        )
    except AuditsFailed as error:
        raise dg.Failure(description=str(error), allow_retries=False) from error


def _joined(write: Write, windows: Sequence[date]) -> Write:
    return Write(
        write.table, write.n_rows, bool(windows), write.content, write.audits, tuple(windows)
    )


def _parts(days: Sequence[date]) -> Iterator[list[date]]:
    for first in range(0, len(days), _DAYS_AT_ONCE):
        yield list(days[first : first + _DAYS_AT_ONCE])


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
