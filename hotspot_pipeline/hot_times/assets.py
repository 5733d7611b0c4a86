"""The hot-times assets: the hours of the events, and how well their times are known.

Thin: which tables, what is read, which kernel is called. The weeks of `hot_times.event_hours` are kept right with those of the hexes
(`hexes/refresh.py`), each from its own events.
"""

from functools import partial

import dagster as dg
import polars as pl

from hotspot_pipeline.hot_times import aoristic, time_cases
from hotspot_pipeline.orchestration.tables import Results, Workshop
from hotspot_pipeline.sql_models.kernel_model import KernelModel
from hotspot_pipeline.timebase import PoliceTime, local_hours

EVENT_HOURS = "hot_times.event_hours"
CASES = "hot_times.time_cases"


def kernel_models(shop: Workshop) -> list[KernelModel]:
    """The windowed tables that kernels of this stage compute."""
    return [
        KernelModel(
            shop.catalog[EVENT_HOURS],
            ("event_id", "time_known", "from_utc", "to_utc"),
            partial(_event_hours, shop.police_time),
            (aoristic, time_cases, local_hours),
        )
    ]


def build_assets(shop: Workshop) -> list[dg.AssetsDefinition]:
    @dg.multi_asset(
        name=f"{shop.force.force_id}__hot_times__time_cases",
        specs=[shop.spec(CASES, deps=("hexes.events",), kinds=("polars",))],
        check_specs=shop.checks(CASES),
        required_resource_keys={shop.resource},
        pool=shop.pool,
    )
    def cases(context: dg.AssetExecutionContext) -> Results:
        with shop.warehouse(context).session() as session:
            events = session.frame(
                "select source, cat_group, is_counted, time_known, from_utc, to_utc from hexes.events"
            )
            rows = _cases(events)
            facts = {
                f"events: {case}": n
                for case, n in rows.filter("is_counted")
                .group_by("time_case")
                .agg(pl.col("n_events").sum())
                .sort("time_case")
                .iter_rows()
            }
            yield from shop.run_write(
                CASES, partial(session.replace_table, shop.catalog[CASES], rows), facts
            )

    return [cases]


def _event_hours(clock: PoliceTime, events: pl.DataFrame) -> pl.DataFrame:
    rows = aoristic.event_hours(events, clock, keys=("event_id", "week_start"))
    return rows.with_columns(
        pl.col("temporal_quality").cast(pl.String), pl.col("hour_of_week").cast(pl.Int16)
    )


def _cases(events: pl.DataFrame) -> pl.DataFrame:
    case = time_cases.time_case(pl.col("time_known"), pl.col("from_utc"), pl.col("to_utc"))
    keys = ("source", "cat_group", "is_counted", "time_case")
    return (
        events.with_columns(time_case=case.cast(pl.String))
        .group_by(keys)
        .agg(n_events=pl.len().cast(pl.Int64))
        .sort(keys)
    )
