"""`hotspots explain`: a table (`hexes.crime_weekly`), or the patrols of a hotspot in a week (`P002 --week 2026-06-08`)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import click

from hotspot_pipeline.cli.asking import read_monday
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
from hotspot_pipeline.cli.look import graph_of, named, state
from hotspot_pipeline.orchestration.tables import Workshop
from hotspot_pipeline.orchestration.upstream import latest_evaluations
from hotspot_pipeline.published.patrols.words import patrol_sentences
from hotspot_pipeline.sql_models.model import load_models
from hotspot_pipeline.warehouse.contract import read_catalog

_TABLES = ("patrols.compliance", "patrols.coverage_weekly")
_PLAN, _COVER = (
    f"select * from {table} where hotspot_id = $hotspot and week_start = $week" for table in _TABLES
)
# the copy does not say which windows an area has; patrol in them says that it has some
_HAS_WINDOWS = "select coalesce(sum(hot_window_ms), 0) > 0 from patrols.coverage_weekly where hotspot_id = $hotspot"
_KNOWN = "select distinct hotspot_id from {} where hotspot_id is not null"


@click.command()
@click.argument("name", metavar="STAGE.TABLE or HOTSPOT")
@click.option(
    "--week", metavar="MONDAY", help="Of a hotspot: the police week whose patrols are explained."
)
@force_option
@json_option
def explain(name: str, week: str | None, force_id: str | None, as_json: bool) -> int:
    """The contract of a table, where it comes from and goes to, and its last checks; or a hotspot's patrols in a week."""
    if week is not None:
        return _patrols(name, read_monday(week), force_id, as_json)
    found = settings()
    catalog = read_catalog(found.sql)
    contract = named(catalog, name)
    force = found.force(force_id)
    shop = Workshop.of(found, force, catalog)
    models = load_models(catalog)
    graph = graph_of(found, force)
    key = shop.key(contract.name)
    comes_from = sorted(".".join(k.path[1:]) for k in graph.get(key).parent_keys)
    goes_to = sorted(".".join(k.path[1:]) for k in graph.get(key).child_keys)
    lineage = models[contract.name].column_lineage if contract.name in models else {}
    with instance(found) as dagster_instance:
        built = state(shop, contract, dagster_instance)
        evaluations = latest_evaluations(dagster_instance, graph.get(key).check_keys)
    results = [
        {"check": k.name, "passed": e.passed}
        for k, e in sorted(evaluations.items(), key=lambda item: item[0].name)
    ]
    columns = [
        {"column": c.name, "type": c.type, "unit": c.unit, "required": c.required, "description": c.description,
         "from": ", ".join(f"{t}.{n}" for t, n in lineage.get(c.name, ()))}
        for c in contract.columns
    ]  # fmt: skip
    document = {"table": contract.name, "description": contract.description, "grain": list(contract.grain), "owner": contract.owner,
                "written_by": str(contract.sql_path or "a Python kernel"), "comes_from": comes_from, "goes_to": goes_to,
                "columns": columns, "last_checks": results, **built}  # fmt: skip
    if as_json:
        say(True, document)
        return 0
    console.print(f"[bold]{contract.name}[/bold]  {contract.description}")
    console.print(
        f"one row per: {', '.join(contract.grain)}   owner: {contract.owner}   {built['state']}, built {built['built']}"
    )
    console.print(
        f"written by: {contract.sql_path.name if contract.sql_path else 'a Python kernel'} ({contract.path.name} beside it)",
        markup=False,
    )
    console.print(
        f"comes from: {', '.join(comes_from) or 'delivered files'}\ngoes to: {', '.join(goes_to) or 'people'}"
    )
    table("columns", ["column", "type", "unit", "meaning", "computed from"],
          [[c["column"], c["type"], c["unit"], c["description"], c["from"]] for c in columns])  # fmt: skip
    if results:
        table("last checks", ["check", "passed"], [[r["check"], r["passed"]] for r in results])
    return 0


def _patrols(hotspot_id: str, week: date, force_id: str | None, as_json: bool) -> int:
    """Two sentences, from the published copy: the live warehouse is not opened. ValueError for a hotspot or a copy that is not there."""
    found = settings()
    force = found.force(force_id)
    copy = published_copy(found, force)
    if copy is None:
        raise ValueError(f"{force.force_id}: nothing published yet; hotspots run makes it")
    asked = {"hotspot": hotspot_id, "week": week}
    with copy.session(read_only=True) as session:
        if not all(session.exists(table) for table in _TABLES):
            raise ValueError(f"{force.force_id}: no patrols published yet; hotspots run makes them")
        known = session.frame(" union ".join(_KNOWN.format(table) for table in _TABLES) + " order by 1")  # fmt: skip
        names = known.get_column("hotspot_id").to_list()
        if hotspot_id not in names:
            raise ValueError(
                f"no patrols of '{hotspot_id}' are known; known: {', '.join(names[:20]) or 'none'}"
            )
        plan = next(session.frame(_PLAN, asked).iter_rows(named=True), None)
        cover = next(session.frame(_COVER, asked).iter_rows(named=True), None)
        has_windows = bool(session.value(_HAS_WINDOWS, {"hotspot": hotspot_id}))
    sentences = patrol_sentences(plan, cover, has_windows=has_windows)
    document: dict[str, Any] = {
        "hotspot_id": hotspot_id, "week_start": week, "said": list(sentences), "compliance": plan, "coverage": cover,
    }  # fmt: skip
    if as_json:
        say(True, document)
        return 0
    console.print(f"[bold]{hotspot_id}[/bold], {week} to {week + timedelta(days=6)}")
    for sentence in sentences:
        console.print(sentence, markup=False, soft_wrap=True)
    return 0
