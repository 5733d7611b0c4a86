"""Recomputes exactly the weeks and days whose events changed, in one step, and reports each as its partition.

A nightly job has no partitions, the counts per week and day have: so this step looks which windows were computed from other
events than stand now (`window_prints.py`), computes those and no others, replaces the ones that differ, and tells Dagster partition by
partition, with the reason. Scattered windows cost one step, not one process each. The weeks that a person names are computed with them.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import dagster as dg

from hotspot_pipeline.feeds.of_force import contracts_of
from hotspot_pipeline.hexes import backfill_ledger, window_prints
from hotspot_pipeline.hexes.backfill_ledger import Causes
from hotspot_pipeline.orchestration.jobs import REFRESHED_TAG
from hotspot_pipeline.orchestration.tables import Results, Workshop
from hotspot_pipeline.orchestration.windows_shown import show_windows
from hotspot_pipeline.sql_models.assets import refresh_model
from hotspot_pipeline.sql_models.kernel_model import WindowedModel
from hotspot_pipeline.warehouse.session import AuditsFailed, Session, Write
from hotspot_pipeline.warehouse.standing import Standing

TABLES = (backfill_ledger.TABLE, window_prints.TABLE)
_STEP = {"daily": 1, "weekly": 7}


def build_refresh(shop: Workshop, models: Sequence[WindowedModel]) -> dg.AssetsDefinition:
    """The assets of the ledger and the prints; `models` are the partitioned ones that they keep right."""

    @shop.step(
        "hexes.refreshed_windows",
        [
            shop.spec(
                table,
                deps=("hexes.events", "history.affected_weeks", "history.lookup_changes"),
                kinds=("sql",),
            )
            for table in TABLES
        ],
    )
    def refreshed_windows(context: dg.AssetExecutionContext) -> Results:
        named = backfill_ledger.named_weeks(context.run)
        with shop.warehouse(context).session() as session:
            # a warehouse of before the book of lookups may be asked for weeks before its next night
            session.ensure(shop.catalog["history.lookup_changes"])
            standing = Standing(session, TABLES)
            facts: dict[str, Any] = {}
            said: list[str] = []
            for model in models:
                table, days = model.contract.table, _STEP[model.contract.partition]
                causes = backfill_ledger.causes(session, model)
                by_name = {w + timedelta(days=d) for w in named for d in range(0, 7, days)}
                asked = sorted(by_name.union(window_prints.stale(session, model)))
                known = window_prints.known(session, model)
                why = {
                    w: backfill_ledger.reason(
                        causes.get(w), is_named=w in by_name, is_first=w not in known
                    )
                    for w in asked
                }
                write = _refresh(session, model, context.run, why, causes)
                # a week that a person named shows in the UI even if nothing in it changed
                shown = set(write.windows).union(named if days == 7 else ())
                facts[f"{table}: windows recomputed"] = len(asked)
                facts[f"{table}: windows changed"] = len(write.windows)
                extracts = {w: cause["extract_ids"] for w, cause in causes.items()}
                facts[f"{table}: partitions reported"] = show_windows(
                    shop, session, context, model.contract, write, shown, why, extracts
                )
                lines = [f"- {w}: {text}" for w, text in list(why.items())[:40]]
                if lines:
                    said.append(f"**{model.name}**, {len(why)} windows\n\n" + "\n".join(lines))
            _tag_run(context, facts, said)
            facts["why"] = dg.MetadataValue.md("\n\n".join(said) or "no window's events changed")
            if month_only(shop):
                facts["days and weeks"] = (
                    "refused: every feed of this force carries months only, so they stay empty"
                )
            for written in standing.writes():
                yield shop.result(written, facts)

    return refreshed_windows


def _tag_run(
    context: dg.AssetExecutionContext, facts: Mapping[str, Any], said: Sequence[str]
) -> None:
    """What was refreshed stands in the list of runs too."""
    if said:
        done = {k: v for k, v in facts.items() if k.endswith("recomputed") and v}
        words = ", ".join(f"{k.removesuffix(' recomputed')} {v}" for k, v in done.items())
        context.instance.add_run_tags(context.run_id, {REFRESHED_TAG: words})


def month_only(shop: Workshop) -> bool:
    """True when no feed of the force says when in the month an event happened."""
    precision = {c.time_precision for c in contracts_of(shop.force).values()} - {"none"}
    return precision == {"month"}


def note_asked(
    session: Session,
    model: WindowedModel,
    run: dg.DagsterRun,
    asked: Sequence[date],
    changed: Sequence[date],
) -> None:
    """The ledger and the prints of partitions that were launched by name, in the transaction of their rows."""
    for table in TABLES:
        session.ensure(session.catalog[table])
    why = dict.fromkeys(asked, backfill_ledger.partition_reason(run))
    backfill_ledger.write(session, model, run, why, changed, {})
    window_prints.note(session, model, asked)


def _refresh(
    session: Session,
    model: WindowedModel,
    run: dg.DagsterRun,
    why: Mapping[date, str],
    causes: Causes,
) -> Write:
    """The windows, their lines in the ledger and their prints change in one transaction: a kill cannot part them."""

    def note(changed: tuple[date, ...]) -> None:
        backfill_ledger.write(session, model, run, why, changed, causes)
        window_prints.note(session, model, list(why))

    try:
        return refresh_model(session, model, {}, note if why else None, list(why))
    except AuditsFailed as error:
        raise dg.Failure(description=str(error), allow_retries=False) from error
