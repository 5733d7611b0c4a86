"""Recomputes exactly the weeks and days that changed, in one step, and reports each as its partition.

A nightly job has no partitions, the counts per week and day have: so this step computes every window, replaces those
whose rows differ, and tells Dagster partition by partition. Scattered windows cost one step, not one process each.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg
import polars as pl

from hotspot_pipeline.feeds.of_force import contracts_of
from hotspot_pipeline.orchestration.partitions import key_date
from hotspot_pipeline.orchestration.tables import Results, Workshop
from hotspot_pipeline.sql_models.assets import refresh_model
from hotspot_pipeline.sql_models.model import SqlModel
from hotspot_pipeline.warehouse.session import AuditsFailed, Session, Write

TABLE = "hexes.refreshed_windows"
_STEP = {"daily": 1, "weekly": 7}


def build_refresh(shop: Workshop, models: Sequence[SqlModel]) -> dg.AssetsDefinition:
    """The asset of `hexes.refreshed_windows`; `models` are the partitioned ones it keeps right."""

    @dg.multi_asset(
        name=f"{shop.force.force_id}__hexes__refreshed_windows",
        specs=[shop.spec(TABLE, deps=("hexes.events",), kinds=("sql",))],
        check_specs=shop.checks(TABLE),
        required_resource_keys={shop.resource},
        pool=shop.pool,
    )
    def refreshed_windows(context: dg.AssetExecutionContext) -> Results:
        with shop.warehouse(context).session() as session:
            contract = shop.catalog[TABLE]
            session.ensure(contract)
            before = session.standing(contract)
            extracts = _extracts_of_run(session, context.run_id)
            facts: dict[str, Any] = {}
            for model in models:
                write = _refresh(shop, session, model, context.run_id, extracts)
                reported = _report(shop, session, context, model, write, extracts)
                facts[f"{model.contract.table}: windows recomputed"] = len(write.windows)
                facts[f"{model.contract.table}: partitions reported"] = reported
            if month_only(shop):
                facts["days and weeks"] = (
                    "refused: every feed of this force carries months only, so they stay empty"
                )
            yield shop.result(session.stand(contract, before), facts)

    return refreshed_windows


_LEDGER: dict[str, pl.DataType | type[pl.DataType]] = {
    "run_id": pl.String,
    "table_name": pl.String,
    "window_start": pl.Date,
    "reason": pl.String,
    "extract_ids": pl.String,
    "refreshed_at_utc": pl.Datetime("us"),
}


def month_only(shop: Workshop) -> bool:
    """True when no feed of the force says when in the month an event happened."""
    precision = {c.time_precision for c in contracts_of(shop.force).values()} - {"none"}
    return precision == {"month"}


def _refresh(
    shop: Workshop, session: Session, model: SqlModel, run_id: str, extracts: list[str]
) -> Write:
    """The windows and their lines in the ledger change in one transaction: a kill cannot part them."""

    def note(windows: tuple[date, ...]) -> None:
        mine = {"run": run_id, "table": model.name}
        session.execute(f"delete from {TABLE} where run_id = $run and table_name = $table", mine)
        rows = _ledger_rows(run_id, model, windows, extracts)
        session.insert(shop.catalog[TABLE], pl.DataFrame(rows, schema=_LEDGER))

    try:
        return refresh_model(session, model, {}, note)
    except AuditsFailed as error:
        raise dg.Failure(description=str(error), allow_retries=False) from error


def _extracts_of_run(session: Session, run_id: str) -> list[str]:
    return (
        session.frame(
            "select extract_id from raw.extracts where run_id = $run and status = 'loaded' order by 1",
            {"run": run_id},
        )
        .get_column("extract_id")
        .to_list()
    )


def _ledger_rows(
    run_id: str, model: SqlModel, windows: tuple[date, ...], extracts: list[str]
) -> list[dict[str, Any]]:
    now = datetime.now(UTC).replace(tzinfo=None)
    reason = (
        f"{len(extracts)} new extracts"
        if extracts
        else "an earlier stage gives other rows (rules, lookups or a withdrawal)"
    )
    return [
        {
            "run_id": run_id,
            "table_name": model.name,
            "window_start": window,
            "reason": reason,
            "extract_ids": ", ".join(extracts[:50]) or None,
            "refreshed_at_utc": now,
        }
        for window in windows
    ]


def _report(
    shop: Workshop,
    session: Session,
    context: dg.AssetExecutionContext,
    model: SqlModel,
    write: Write,
    extracts: list[str],
) -> int:
    """One materialisation a partition: those that changed, and those in between that never showed, even if empty."""
    contract = model.contract
    partitions = shop.partitions(contract)
    assert partitions is not None
    key = shop.key(model.name)
    clock = shop.police_time
    now = datetime.now(UTC)
    closed = (
        clock.last_closed_week(now)
        if contract.partition == "weekly"
        else clock.last_closed_day(now)
    )
    rows = dict(
        session.frame(
            f'select "{contract.time_column}" as w, count(*) as n from {contract.name} group by 1'
        ).iter_rows()
    )
    done = {key_date(k) for k in context.instance.get_materialized_partitions(key)}
    span = _span(rows, _STEP[contract.partition], closed)
    changed = set(write.windows)
    names = {key_date(k): k for k in partitions.get_partition_keys(current_time=now)}
    due = [w for w in span if w in names and (w in changed or w not in done)]
    for window in due:
        context.log_event(
            dg.AssetMaterialization(
                key,
                partition=names[window],
                metadata={
                    "dagster/partition_row_count": rows.get(window, 0),
                    "dagster/row_count": write.n_rows,
                    "reason": f"{len(extracts)} new extracts"
                    if window in changed
                    else "first seen, nothing to count",
                },
            )
        )
    for result in shop.check_results(model.name, write.audits):
        context.instance.report_runless_asset_event(
            dg.AssetCheckEvaluation(
                asset_key=key,
                check_name=str(result.check_name),
                passed=result.passed,
                metadata=result.metadata,
                severity=result.severity,
                description=result.description,
                blocking=result.severity == dg.AssetCheckSeverity.ERROR,
            )
        )
    return len(due)


def _span(rows: Mapping[date, int], step_days: int, closed: date) -> list[date]:
    """Every window from the first with rows to the last closed one."""
    if not rows:
        return []
    first = min(rows)
    last = min(max(max(rows), first), closed)
    return [first + timedelta(days=d) for d in range(0, (last - first).days + 1, step_days)]
