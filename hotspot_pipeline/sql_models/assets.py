"""From a SQL model to a Dagster asset: one factory, one transaction, lineage from the query.

A model without partitions replaces its whole table; a daily or weekly one replaces the windows of its run in one
transaction, however many there are. `refresh` recomputes every window of partitioned models and replaces exactly
those that differ, or of some that are asked for.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

import dagster as dg
import polars as pl

from hotspot_pipeline.orchestration.partitions import key_date
from hotspot_pipeline.orchestration.tables import Results, Workshop
from hotspot_pipeline.sql_models.kernel_model import KernelModel, WindowedModel
from hotspot_pipeline.sql_models.model import SqlModel
from hotspot_pipeline.sql_models.rebinding import over
from hotspot_pipeline.warehouse.following import Rows, replace_followed
from hotspot_pipeline.warehouse.session import ASKED, Query, Session, Write

Footer = Callable[[Session], Mapping[str, Any]]
Along = Callable[[Session, WindowedModel, dg.DagsterRun, Sequence[date], Sequence[date]], None]
KNOWN_AT_TAG = "hotspots/known_at"


def build_sql_asset(
    shop: Workshop,
    model: WindowedModel,
    footer: Footer | None = None,
    before: Callable[[dg.AssetExecutionContext], None] | None = None,
    along: Along | None = None,
) -> dg.AssetsDefinition:
    """The asset of one model. `footer` adds metadata read in the same session; `before` may refuse the run; `along` is
    called in the transaction of a partitioned model's rows, with the windows asked for and those that changed."""
    contract = model.contract
    spec = shop.spec(
        model.name,
        deps=model.tables,
        kinds=("polars",) if isinstance(model, KernelModel) else ("sql",),
        code_version=model.code_version,
        metadata=column_lineage(shop, model),
    )

    @shop.step(contract.name, [spec])
    def build(context: dg.AssetExecutionContext) -> Results:
        if before:
            before(context)
        values = {"known_at": _known_at(context.run.tags)}
        with shop.warehouse(context).session() as session:
            facts = {**(footer(session) if footer else {}), **column_lineage(shop, model)}
            yield from shop.run_write(
                model.name,
                partial(_write, session, model, values, context, along),
                facts,
            )

    return build


def _write(
    session: Session,
    model: WindowedModel,
    values: Mapping[str, Any],
    context: dg.AssetExecutionContext,
    along: Along | None,
) -> Write:
    """The whole table, or the windows of the run, however many there are."""
    if isinstance(model, SqlModel) and model.contract.partition == "none":
        return write_model(session, model, values)
    if not context.has_partition_key and not context.has_partition_key_range:
        raise ValueError(
            f"{model.name}: a {model.contract.partition} table is written for a window"
        )
    asked = [key_date(k) for k in context.partition_keys]

    def note(changed: tuple[date, ...]) -> None:
        if along:
            along(session, model, context.run, asked, changed)

    return refresh_model(session, model, values, note, asked)


def write_model(session: Session, model: SqlModel, values: Mapping[str, Any]) -> Write:
    """Runs an unpartitioned model and writes its table; one that follows others for the rows that changed there, where it can."""
    bound = model.bound(values)
    if not model.contract.follows:
        return session.replace_table(model.contract, Query(model.sql, bound))

    def compute(parts: Mapping[str, str]) -> Query:
        return Query(over(model.sql, parts) if parts else model.sql, bound)

    rows = Rows(compute, model.tables, model.code_version, model.names, bound.get("known_at"))
    return replace_followed(session, model.contract, rows)


def refresh_model(
    session: Session,
    model: WindowedModel,
    values: Mapping[str, Any],
    along: Callable[[tuple[date, ...]], None] | None = None,
    asked: Sequence[date] | None = None,
) -> Write:
    """Computes the `asked` windows of a partitioned model, or every one, and replaces those whose rows differ; `along` as in the
    session."""
    if isinstance(model, KernelModel):
        if asked is None:
            raise ValueError(f"{model.name}: a kernel computes the windows that are asked for")
        session.stage(ASKED, pl.DataFrame({"w": asked}, schema={"w": pl.Date}))
        return session.replace_changed_windows(model.contract, model.rows(session), along, asked)
    if asked is not None:
        assert model.asked_sql is not None
        used = {name: values[name] for name in model.parameters if not name.startswith("window_")}
        return session.replace_changed_windows(
            model.contract, Query(model.asked_sql, used), along, asked
        )
    everything = {**values, "window_start": date(1900, 1, 1), "window_end": date(9999, 1, 1)}
    return session.replace_changed_windows(
        model.contract, Query(model.sql, model.bound(everything)), along
    )


def _known_at(tags: Mapping[str, str]) -> datetime:
    """UTC without a zone, as the tables have it: now, or the moment that the run's tag names."""
    given = tags.get(KNOWN_AT_TAG)
    if not given:
        return datetime.now(UTC).replace(tzinfo=None)
    try:
        moment = datetime.fromisoformat(given)
    except ValueError as error:
        raise dg.Failure(
            description=f"tag {KNOWN_AT_TAG} '{given}' is not a moment such as 2026-01-31 or 2026-01-31T06:00:00 (UTC)",
            allow_retries=False,
        ) from error
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def column_lineage(shop: Workshop, model: WindowedModel) -> dict[str, dg.TableColumnLineage]:
    """The metadata entry from which the UI draws where each column comes from."""
    deps = {
        column: [
            dg.TableColumnDep(asset_key=shop.key(table), column_name=name)
            for table, name in sources
        ]
        for column, sources in model.column_lineage.items()
    }
    return {"dagster/column_lineage": dg.TableColumnLineage(deps)}
