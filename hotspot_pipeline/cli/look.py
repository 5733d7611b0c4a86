"""Commands that only look: `status` and `sql`, and what `explain` shares with them."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import click
import dagster as dg
from dagster._core.definitions.assets.graph.base_asset_graph import BaseAssetGraph

from hotspot_pipeline.cli.common import (
    console,
    force_option,
    instance,
    json_option,
    published_copy,
    say,
    settings,
    table,
)
from hotspot_pipeline.definitions import build_defs, warehouse_of
from hotspot_pipeline.history.guard import BANNER
from hotspot_pipeline.orchestration.tables import Workshop
from hotspot_pipeline.orchestration.upstream import latest_evaluations
from hotspot_pipeline.settings import Force, Settings
from hotspot_pipeline.sql_models.model import load_models
from hotspot_pipeline.warehouse import lock
from hotspot_pipeline.warehouse.contract import Catalog, TableContract, read_catalog

STALE_HOURS = 26


@click.command()
@force_option
@json_option
def status(force_id: str | None, as_json: bool) -> int:
    """What is fresh, what is stale, what was rejected, which checks fail. Never touches the live warehouse."""
    found = settings()
    force = found.force(force_id)
    catalog = read_catalog(found.sql)
    shop = Workshop.of(found, force, catalog)
    with instance(found) as dagster_instance:
        tables = [state(shop, contract, dagster_instance) for contract in catalog.values()]
        failing = _failing(graph_of(found, force), dagster_instance)
    copy = published_copy(found, force)
    quality: list[dict[str, Any]] = []
    deliveries: list[dict[str, Any]] = []
    if copy is not None:
        with copy.session(read_only=True) as session:
            quality = session.frame(
                "select part, measure, n, data_to from published.data_quality order by 1, 2"
            ).to_dicts()
            deliveries = session.frame(
                "select extract_id, state, reason, n_rejected, n_unreadable, received_at_utc from published.deliveries "
                "where state <> 'accepted' or n_rejected > 0 or n_unreadable > 0 order by received_at_utc desc limit 20"
            ).to_dicts()
    writer = (
        lock.holder(force.lock_file).get("purpose") if not lock.is_free(force.lock_file) else None
    )
    banner = force.published / BANNER
    held = banner.read_text(encoding="utf-8").strip() if banner.exists() else None
    document = {"force": force.force_id, "running": writer, "held": held, "tables": tables, "failing_checks": failing,
                "data_quality": quality, "deliveries_with_faults": deliveries}  # fmt: skip
    if as_json:
        say(True, document)
        return 0
    if held:
        console.print(held, style="bold red", markup=False, soft_wrap=True)
    if writer:
        console.print(f"[yellow]a run holds the warehouse: {writer}[/yellow]")
    table(
        f"{force.name}: tables",
        ["table", "state", "built", "rows"],
        [[t["table"], t["state"], t["built"], t["rows"]] for t in tables],
    )
    if failing:
        table(
            "checks that fail",
            ["check", "severity", "why"],
            [[f["check"], f["severity"], f["why"]] for f in failing],
        )
    if deliveries:
        table("deliveries with faults (newest 20)", ["extract", "state", "rejected", "unreadable", "reason"],
              [[d["extract_id"], d["state"], d["n_rejected"], d["n_unreadable"], d["reason"]] for d in deliveries])  # fmt: skip
    if quality:
        table(
            "every record accounted for",
            ["of", "measure", "n"],
            [[q["part"], q["measure"], q["n"]] for q in quality],
        )
        console.print(f"data to {quality[0]['data_to']}")
    if copy is None:
        console.print("nothing published yet: hotspots run")
    return 0


def state(
    shop: Workshop, contract: TableContract, dagster_instance: dg.DagsterInstance
) -> dict[str, Any]:
    event = dagster_instance.get_latest_materialization_event(shop.key(contract.name))
    if event is None or event.asset_materialization is None:
        return {"table": contract.name, "state": "never built", "built": None, "rows": None}
    built = datetime.fromtimestamp(event.timestamp, UTC)
    metadata = event.asset_materialization.metadata
    rows = metadata.get("dagster/row_count")
    limit = STALE_HOURS if contract.partition != "weekly" else 8 * 24
    is_stale = time.time() - event.timestamp > limit * 3600
    return {
        "table": contract.name,
        "state": "stale" if is_stale else "fresh",
        "built": built.isoformat(sep=" ", timespec="seconds"),
        "rows": rows.value if rows else None,
    }


def _failing(
    graph: BaseAssetGraph[Any], dagster_instance: dg.DagsterInstance
) -> list[dict[str, Any]]:
    found = []
    keys = sorted(graph.asset_check_keys, key=str)
    for key, evaluation in latest_evaluations(dagster_instance, keys).items():
        if not evaluation.passed:
            found.append(
                {
                    "check": f"{'.'.join(key.asset_key.path[1:])}: {key.name}",
                    "severity": evaluation.severity.value,
                    "why": "; ".join(f"{k}: {v.value}" for k, v in evaluation.metadata.items()),
                }
            )
    return sorted(found, key=lambda f: (f["severity"], f["check"]))


def graph_of(found: Settings, force: Force) -> BaseAssetGraph[Any]:
    return build_defs(replace(found, forces=(force,))).resolve_asset_graph()


def named(catalog: Catalog, name: str) -> TableContract:
    if name not in catalog:
        close = [n for n in catalog if name.split(".")[-1] in n]
        raise ValueError(
            f"no table '{name}'; "
            + (f"did you mean {', '.join(close)}?" if close else f"known: {', '.join(catalog)}")
        )
    return catalog[name]


@click.command()
@click.argument("model_name", metavar="STAGE.TABLE")
@click.option("--from", "window_start", metavar="YYYY-MM-DD", help="$window_start")
@click.option("--to", "window_end", metavar="YYYY-MM-DD", help="$window_end")
@click.option("--known-at", metavar="YYYY-MM-DD", help="$known_at; now when not given")
@click.option("--limit", default=20, show_default=True)
@force_option
@json_option
def sql(
    model_name: str,
    window_start: str | None,
    window_end: str | None,
    known_at: str | None,
    limit: int,
    force_id: str | None,
    as_json: bool,
) -> int:
    """Run one SQL model with its parameters bound and show its rows; writes nothing."""
    found = settings()
    catalog = read_catalog(found.sql)
    contract = named(catalog, model_name)
    models = load_models(catalog)
    if contract.name not in models:
        raise ValueError(
            f"{contract.name} has no SQL: a Python kernel writes it; hotspots explain {contract.name}"
        )
    given = {
        "window_start": window_start,
        "window_end": window_end,
        "known_at": known_at or datetime.now(UTC).replace(tzinfo=None),
    }
    model = models[contract.name]
    values = model.bound({k: v for k, v in given.items() if v is not None})
    force = found.force(force_id)
    if not force.warehouse_file.exists():
        raise ValueError(f"{force.warehouse_file}: not there yet; hotspots run makes it")
    with (
        lock.hold(
            force.lock_file, f"hotspots sql {contract.name}", timeout_s=30.0, waiting=console.print
        ),
        warehouse_of(found, force).session(read_only=True) as session,
    ):
        rows = session.frame(f"select * from ({_bare(model.sql)}) limit {int(limit)}", values)
    if as_json:
        say(True, rows.to_dicts())
    else:
        console.print(model.sql, style="dim", markup=False)
        table(f"{contract.name}: first {rows.height} rows", rows.columns, rows.iter_rows())
    return 0


def _bare(text: str) -> str:
    return text.rstrip().rstrip(";")
