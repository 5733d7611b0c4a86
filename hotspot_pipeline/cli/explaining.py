"""`hotspots explain`: a table (`hexes.crime_weekly`), or a week of a hotspot or of a patrolled area (`P002 --week 2026-06-08`).

Here: what is asked of the published copy, and printing. Not here: the words (`published.evaluation.week_words`, `published.patrols.words`).
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import click

from hotspot_pipeline.cli.asking import read_monday
from hotspot_pipeline.cli.common import (
    console,
    copy_to_ask,
    force_option,
    instance,
    json_option,
    say,
    settings,
    table,
)
from hotspot_pipeline.cli.look import graph_of, named, state
from hotspot_pipeline.orchestration.tables import Workshop
from hotspot_pipeline.orchestration.upstream import latest_evaluations
from hotspot_pipeline.published.evaluation import week_facts
from hotspot_pipeline.published.evaluation.rows import METRICS
from hotspot_pipeline.published.evaluation.week_facts import AREAS
from hotspot_pipeline.published.evaluation.week_words import week_text
from hotspot_pipeline.published.patrols.words import patrol_sentences
from hotspot_pipeline.sql_models.model import load_models
from hotspot_pipeline.warehouse.contract import read_catalog
from hotspot_pipeline.warehouse.session import Session

_PATROLS = ("patrols.compliance", "patrols.coverage_weekly")
_PLAN, _COVER = (
    f"select * from {table} where hotspot_id = $hotspot and week_start = $week"
    for table in _PATROLS
)
# the copy does not say which windows an area has; patrol in them says that it has some
_HAS_WINDOWS = "select coalesce(sum(hot_window_ms), 0) > 0 from patrols.coverage_weekly where hotspot_id = $hotspot"
_AREAS = " union ".join(f"select hotspot_id from {t} where hotspot_id is not null" for t in _PATROLS)  # fmt: skip
_WEEKS = f"""
    select min(week_start) as first, max(week_start) as last from {METRICS}
    where hotspot_id = $hotspot and metric = 'events' and cut = 'latest'
"""
_HOTSPOTS = f"select distinct hotspot_id from {METRICS} where metric = 'events' order by 1"
_COVERED = f"select hotspot_id from {AREAS} where area_id = $hotspot order by 1"


@click.command()
@click.argument("name", metavar="STAGE.TABLE, HOTSPOT or AREA")
@click.option(
    "--week", metavar="MONDAY", help="Of a hotspot or patrolled area: the police week to explain."
)
@force_option
@json_option
def explain(name: str, week: str | None, force_id: str | None, as_json: bool) -> int:
    """The contract of a table, where it comes from and goes to, and its last checks; or a week of a hotspot, or of an area, in plain words."""
    if week is not None:
        return _week(name, read_monday(week), force_id, as_json)
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


def _week(name: str, week: date, force_id: str | None, as_json: bool) -> int:
    """From the published copy: the live warehouse is not opened. ValueError for a name, a week or a copy that is not there."""
    found = settings()
    force = found.force(force_id)
    with copy_to_ask(found, force).session(read_only=True) as session:
        has_weeks = all(session.exists(table) for table in week_facts.TABLES)
        hotspots = session.frame(_HOTSPOTS).get_column("hotspot_id").to_list() if has_weeks else []
        if name in hotspots:
            return _of_hotspot(session, name, week, as_json)
        if not all(session.exists(table) for table in _PATROLS):
            raise ValueError(f"{force.force_id}: no weeks published yet; hotspots run makes them")
        areas = sorted(session.frame(_AREAS).get_column("hotspot_id").to_list())
        if name not in areas:
            known = ", ".join([*hotspots[:20], *areas[:20]]) or "none"
            raise ValueError(f"no hotspot and no patrolled area '{name}' is known; known: {known}")
        covered = session.frame(_COVERED, {"hotspot": name}).get_column("hotspot_id").to_list() if has_weeks else []  # fmt: skip
        return _of_area(session, name, week, covered, as_json)


def _of_hotspot(session: Session, hotspot_id: str, week: date, as_json: bool) -> int:
    facts = week_facts.read_facts(session, week, [hotspot_id])
    if not facts:
        first, last = session.frame(_WEEKS, {"hotspot": hotspot_id}).row(0)
        raise ValueError(f"{hotspot_id}: no figures of the week of {week}; they go from the week of {first} to that of {last}")  # fmt: skip
    said = week_text(facts[0])
    if as_json:
        say(True, {"hotspot_id": hotspot_id, "week_start": week, "said": [{"about": about, "text": text} for about, text in said]})  # fmt: skip
        return 0
    console.print(f"[bold]{hotspot_id}[/bold], {week} to {week + timedelta(days=6)}")
    for about, text in said:
        console.print(f"\n[bold]{about}[/bold]")
        console.print(text, markup=False, soft_wrap=True)
    return 0


def _of_area(session: Session, area: str, week: date, covered: list[str], as_json: bool) -> int:
    asked: dict[str, Any] = {"hotspot": area, "week": week}
    plan = next(session.frame(_PLAN, asked).iter_rows(named=True), None)
    cover = next(session.frame(_COVER, asked).iter_rows(named=True), None)
    has_windows = bool(session.value(_HAS_WINDOWS, {"hotspot": area}))
    sentences = patrol_sentences(plan, cover, has_windows=has_windows)
    document: dict[str, Any] = {
        "hotspot_id": area, "week_start": week, "said": list(sentences), "compliance": plan, "coverage": cover, "covers": covered,
    }  # fmt: skip
    if as_json:
        say(True, document)
        return 0
    console.print(f"[bold]{area}[/bold], {week} to {week + timedelta(days=6)}")
    for sentence in sentences:
        console.print(sentence, markup=False, soft_wrap=True)
    for hotspot in covered:
        console.print(f"What was counted there: hotspots explain {hotspot} --week {week}")
    return 0
