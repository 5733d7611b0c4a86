"""The history assets: what the gate accepted goes into the versions, the ledgers and the books; before it, a changed lookup becomes known.

Thin: which tables, what is shown, the banner of a held publication. Not here: how history is derived (`digest.py`), the SQL models
over it (`dbt_like_sql/history`).
"""

from datetime import UTC, datetime
from typing import Any

import dagster as dg

from hotspot_pipeline.history.digest import changed_records, digest
from hotspot_pipeline.history.guard import BANNER, reason
from hotspot_pipeline.history.lookup_ledger import write_lookup_ledgers
from hotspot_pipeline.history.lookups import CHANGES, LOOKUPS, VERSIONS, Taken, take_in
from hotspot_pipeline.history.nights import BOOK
from hotspot_pipeline.history.versioned import VERSIONED
from hotspot_pipeline.orchestration.jobs import EXTRACTS_TAG
from hotspot_pipeline.orchestration.tables import Results, Workshop
from hotspot_pipeline.warehouse.session import Session
from hotspot_pipeline.warehouse.standing import Standing

LEDGERS = ("history.recodes", "history.affected_weeks")
TABLES = (BOOK, *(spec.versions for spec in VERSIONED), *LEDGERS, CHANGES)


def build_assets(shop: Workshop) -> list[dg.AssetsDefinition]:
    return [_lookups(shop), _versions(shop)]


def _lookups(shop: Workshop) -> dg.AssetsDefinition:
    @shop.step(
        "history.lookup_versions",
        [
            shop.spec(
                VERSIONS, deps=[f"validated.{name}" for name in LOOKUPS], kinds=("polars", "sql")
            )
        ],
    )
    def lookup_versions(context: dg.AssetExecutionContext) -> Results:
        with shop.warehouse(context).session() as session:
            # what history knows already decides from when a change is known
            for table in (BOOK, "raw.extracts"):
                session.ensure(shop.catalog[table])
            standing = Standing(session, (VERSIONS,), edited=[VERSIONS])
            facts = _lookup_facts(take_in(session, run_id=context.run_id))
            for write in standing.writes():
                yield shop.result(write, facts)

    return lookup_versions


def _versions(shop: Workshop) -> dg.AssetsDefinition:
    accepted = ("raw.extracts", "raw.decisions", "validated.extract_counts")
    versioned = tuple(spec.versions for spec in VERSIONED)
    deps = {
        BOOK: accepted,
        **{spec.versions: (spec.validated, "raw.full_runs", *accepted) for spec in VERSIONED},
        **dict.fromkeys(
            (*LEDGERS, CHANGES), (*versioned, "history.offence_span_versions", VERSIONS)
        ),
    }

    @shop.step(
        "history.versions",
        [shop.spec(table, deps=deps[table], kinds=("polars", "sql")) for table in TABLES],
    )
    def versions(context: dg.AssetExecutionContext) -> Results:
        with shop.warehouse(context).session() as session:
            standing = Standing(session, TABLES, edited=[BOOK], appended=LEDGERS)
            taken: list[str] = []
            for spec in VERSIONED:
                taken += digest(
                    session,
                    spec,
                    run_id=context.run_id,
                    now=_now(),
                    say=context.log.info,
                )
            recoded = write_lookup_ledgers(session, run_id=context.run_id, now=_now())
            _put_banner(shop, session)
            if taken:
                shown = ", ".join(taken[:20]) + (" …" if len(taken) > 20 else "")
                context.instance.add_run_tags(context.run_id, {EXTRACTS_TAG: shown})
            facts = _facts(session, taken) | _recoded_by_lookups(recoded)
            touched = {s.versions: f"select * from {changed_records(s)}" for s in VERSIONED}
            for write in standing.writes(touched):
                yield shop.result(write, facts)

    return versions


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


def _lookup_facts(taken: list[Taken]) -> dict[str, Any]:
    said = [
        f"{t.table} {t.version}: {t.n_added} rows added, {t.n_closed} closed, known from {t.known_from}"
        for t in taken
    ]
    return {
        "rows added": sum(t.n_added for t in taken),
        "rows closed": sum(t.n_closed for t in taken),
        "lookups taken in": "; ".join(said) or "none: their rows are those that are known",
    }


def _recoded_by_lookups(said: list[str]) -> dict[str, Any]:
    listed = "\n".join(f"- {text}" for text in said[:40])
    return {
        "codes recoded by lookups": len(said),
        **({"recoded by lookups": dg.MetadataValue.md(listed)} if said else {}),
    }


def _facts(session: Session, taken: list[str]) -> dict[str, Any]:
    """What this step took in, as numbers that the UI plots."""
    row = session.frame(
        f"""
        select count(*) as "extracts taken in", coalesce(sum(n_new), 0) as "records new",
            coalesce(sum(n_changed), 0) as "records recoded", coalesce(sum(n_moved), 0) as "records moved to another cell",
            coalesce(sum(n_missing), 0) as "records missing", count(*) filter (is_held) as "extracts held by the guard"
        from {BOOK} where extract_id in (select unnest($ids::varchar[])) and withdrawn_known_utc is null
        """,
        {"ids": taken},
    ).row(0, named=True)
    known = session.value(f"select min(known_from_utc) from {BOOK}")
    return {
        **{name: int(value) for name, value in row.items()},
        "extracts": ", ".join(taken[:50]) or "none",
        "history unknown before": f"{known:%Y-%m-%d %H:%M} UTC"
        if known
        else "nothing is known yet",
    }


def held(session: Session) -> list[dict[str, object]]:
    """The extracts that keep the publication back, with their numbers."""
    return list(
        session.frame(
            f"""
            select * from {BOOK} e
            where is_held and withdrawn_known_utc is null and not exists (
                select 1 from raw.decisions d
                where d.extract_id = e.extract_id and d.decision in ('released', 'withdrawn')
                    and d.decided_at_utc >= e.digested_at_utc)
            order by known_from_utc
            """
        ).iter_rows(named=True)
    )


def _put_banner(shop: Workshop, session: Session) -> None:
    """Beside yesterday's outputs, as long as newer ones are held."""
    banner = shop.force.published / BANNER
    waiting = held(session)
    if not waiting:
        banner.unlink(missing_ok=True)
        return
    banner.parent.mkdir(parents=True, exist_ok=True)
    lines = [
        "These outputs are older than the data: the newest was not published.",
        *map(reason, waiting),
    ]
    banner.write_text("\n\n".join(lines) + "\n", encoding="utf-8")
