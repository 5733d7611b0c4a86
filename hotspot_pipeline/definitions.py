"""The Dagster entry. `build_defs` is the one place where definitions are put together; tests and the CLI call it too.

Here: which stage gives which assets, and one warehouse, lock, pool and set of jobs per force. Not here: what any
of them does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dagster as dg

from hotspot_pipeline.evaluation import assets as evaluation
from hotspot_pipeline.feeds.contract import FILE_TABLES
from hotspot_pipeline.feeds.of_force import contracts_of
from hotspot_pipeline.hexes import assets as hexes
from hotspot_pipeline.hexes import cut_assets, refresh
from hotspot_pipeline.history import assets as history
from hotspot_pipeline.hot_times import assets as hot_times
from hotspot_pipeline.orchestration.jobs import Jobs, build_jobs, build_schedules
from hotspot_pipeline.orchestration.sensors import build_sensors
from hotspot_pipeline.orchestration.tables import Workshop
from hotspot_pipeline.orchestration.upstream import require_sound
from hotspot_pipeline.patrols import assets as patrols
from hotspot_pipeline.published import assets as published
from hotspot_pipeline.raw import assets as raw
from hotspot_pipeline.settings import Force, Settings
from hotspot_pipeline.sql_models.assets import build_sql_asset
from hotspot_pipeline.sql_models.kernel_model import WindowedModel
from hotspot_pipeline.sql_models.model import SqlModel, load_models
from hotspot_pipeline.validated import assets as validated
from hotspot_pipeline.validated.tables import PATROL_TABLES
from hotspot_pipeline.warehouse.contract import Catalog, read_catalog
from hotspot_pipeline.warehouse.resource import WarehouseResource

# the tables that days and weeks are computed from
_UPSTREAM = ["validated.crimes", "validated.asb_incidents", "hexes.events"]


@dg.definitions
def defs() -> dg.Definitions:
    """What `workspace.yaml` names: the installation as the environment describes it."""
    return build_defs(Settings.from_env())


def build_defs(settings: Settings, overrides: Mapping[str, Any] | None = None) -> dg.Definitions:
    """Everything of every force. `overrides` replaces resources by name."""
    catalog = read_catalog(settings.sql)
    models = load_models(catalog)
    parts = [_of_force(settings, force, catalog, models) for force in settings.forces]
    return dg.Definitions(
        assets=[a for p in parts for a in p["assets"]],
        jobs=[j for p in parts for j in p["jobs"].all],
        schedules=[s for p in parts for s in p["schedules"]],
        sensors=[s for p in parts for s in p["sensors"]],
        resources={
            **{name: r for p in parts for name, r in p["resources"].items()},
            **(overrides or {}),
        },
        executor=dg.in_process_executor,
    )


def _of_force(
    settings: Settings, force: Force, catalog: Catalog, models: Mapping[str, SqlModel]
) -> dict[str, Any]:
    shop = Workshop.of(settings, force, catalog, _not_built(force, catalog, models))
    models = {name: m for name, m in models.items() if name not in shop.not_built}
    partitioned: list[WindowedModel] = [
        *[m for m in models.values() if m.contract.partition != "none"],
        *hot_times.kernel_models(shop),
    ]

    def sound(context: dg.AssetExecutionContext) -> None:
        require_sound(context.instance, [(shop.key(t), shop.checks(t)) for t in _UPSTREAM])

    assets = [
        *raw.build_assets(shop),
        *validated.build_assets(shop),
        *history.build_assets(shop),
        *[
            build_sql_asset(shop, model)
            for model in models.values()
            if model.contract.partition == "none"
        ],
        *[build_sql_asset(shop, m, before=sound, along=refresh.note_asked) for m in partitioned],
        *hexes.build_assets(shop),
        refresh.build_refresh(shop, partitioned),
        cut_assets.build_cuts(shop, models),
        *hot_times.build_assets(shop),
        *([] if shop.not_built else patrols.build_assets(shop)),
        *evaluation.build_assets(shop),
        *published.build_assets(shop),
    ]
    tables = [f"{key.path[1]}.{key.path[2]}" for a in assets for key in a.keys]
    jobs: Jobs = build_jobs(shop, tables)
    return {
        "assets": assets,
        "jobs": jobs,
        "schedules": build_schedules(shop, jobs),
        "sensors": build_sensors(shop, jobs, _UPSTREAM),
        "resources": {shop.resource: warehouse_of(settings, force)},
    }


def _not_built(force: Force, catalog: Catalog, models: Mapping[str, SqlModel]) -> set[str]:
    """The tables of patrols, where the force delivers nothing of them: empty steps would cost every run seconds."""
    if any(c.table in (*PATROL_TABLES, *FILE_TABLES) for c in contracts_of(force).values()):
        return set()
    delivered = {f"validated.{table}" for table in PATROL_TABLES}
    of_deliveries = {name for name, model in models.items() if delivered & set(model.tables)}
    return of_deliveries | {table for table in catalog if table.startswith("patrols.")}


def warehouse_of(settings: Settings, force: Force) -> WarehouseResource:
    config: dict[str, str | int] = {
        "memory_limit": settings.memory_limit,
        "threads": settings.threads,
    }
    if settings.temp_directory:
        config["temp_directory"] = str(settings.temp_directory)
    return WarehouseResource(
        database=str(force.warehouse_file),
        connection_config=config,
        sql_folder=str(settings.sql),
        lock_timeout_s=settings.lock_timeout_s,
    )
