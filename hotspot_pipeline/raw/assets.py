"""The raw assets: one step takes every waiting extract of every feed, in order, one transaction an extract.

A killed run leaves whole extracts or none of them, and the next run goes on where it stopped. Not here: the taking (`taking.py`),
what the rows mean (`validated/`).
"""

from typing import Any

import dagster as dg
import polars as pl

from hotspot_pipeline.feeds.of_force import contracts_of
from hotspot_pipeline.orchestration.tables import Results, Workshop
from hotspot_pipeline.raw import full_runs
from hotspot_pipeline.raw.taking import BOOKS, Taken, purge_withdrawn, take_all
from hotspot_pipeline.warehouse.session import Session
from hotspot_pipeline.warehouse.standing import Standing

EDITED = ("raw.full_runs",)
_READABLE = "every_file_is_readable"
_KEYS = "keys_are_those_in_use"


def build_assets(shop: Workshop) -> list[dg.AssetsDefinition]:
    tables = [c.name for c in shop.catalog.values() if c.stage == "raw"]
    readable = dg.AssetCheckSpec(
        _READABLE,
        asset=shop.key("raw.extract_files"),
        blocking=False,
        description="No delivered file was refused. A refused file does not stop the others; its reason is in the table.",
    )
    keys_stand = dg.AssetCheckSpec(
        _KEYS,
        asset=shop.key("raw.pseudonym_keys"),
        blocking=False,
        description="Every yearly key that a delivery needed is there and is the one in use; otherwise the delivery waits in its folder.",
    )

    @shop.step(
        "raw.take_deliveries",
        [shop.spec(t, kinds=("python",)) for t in tables],
        checks=[readable, keys_stand],
    )
    def take_deliveries(context: dg.AssetExecutionContext) -> Results:
        with shop.warehouse(context).session() as session:
            standing = Standing(session, tables, edited=EDITED)
            full_runs.adopt_earlier(session, contracts_of(shop.force).values())
            purge_withdrawn(session, tables)
            taken = take_all(shop, session, context.run_id, context.log)
            _say(context, taken)
            checks = [_readable_result(shop, session), _keys_result(shop, taken)]
            ids = [account.extract["extract_id"] for account in taken.intakes]
            session.stage("taken_extracts", pl.DataFrame({"extract_id": ids}, schema={"extract_id": pl.String}))  # fmt: skip
            touched = {t: "select extract_id from taken_extracts" for t in tables if shop.catalog[t].audited_by}  # fmt: skip
            for write in standing.writes(touched):
                yield shop.result(write, _facts(write.table, taken))
            yield from checks

    return [take_deliveries]


def _readable_result(shop: Workshop, session: Session) -> dg.AssetCheckResult:
    refused = session.frame(
        "select source_file, rule, line_no, reason from raw.extract_files where status = 'refused' order by source_file"
    )
    return dg.AssetCheckResult(
        passed=refused.is_empty(),
        check_name=_READABLE,
        asset_key=shop.key("raw.extract_files"),
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "refused files": refused.height,
            "reasons": dg.MetadataValue.md(
                "\n".join(
                    f"- `{f}` line {n or '-'}: **{r}**: {why}"
                    for f, r, n, why in refused.iter_rows()
                )
                or "none"
            ),
        },
    )


def _keys_result(shop: Workshop, taken: Taken) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        passed=not taken.key_faults,
        check_name=_KEYS,
        asset_key=shop.key("raw.pseudonym_keys"),
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={
            "deliveries that wait for a key": len(taken.key_faults),
            "which": dg.MetadataValue.md("\n".join(f"- {f}" for f in taken.key_faults) or "none"),
        },
    )


def _facts(table: str, taken: Taken) -> dict[str, Any]:
    rows = [i for i in taken.intakes if table in BOOKS or f"raw.{i.extract['table_name']}" == table]
    return {
        "extracts taken": len(rows),
        "rows taken": sum(int(i.extract["n_rows"]) for i in rows),
        "rows repeated": sum(int(i.extract["n_repeated"]) for i in rows),
        "lines unreadable": sum(int(i.extract["n_unreadable"]) for i in rows),
    }


def _say(context: dg.AssetExecutionContext, taken: Taken) -> None:
    for text in taken.missing_folders:
        context.log.warning(f"landing folder missing: {text}")
    for name in taken.growing:
        context.log.info(f"still being written, left for the next run: {name}")
    if taken.duplicates:
        context.log.info(
            f"{taken.duplicates} files hold bytes that came before; nothing was taken twice"
        )
    if not taken.intakes:
        context.log.info("no new delivery: nothing changes")
