"""Retention as an asset: what was removed, every night, in its log. Not here: what is past its time (`validated/retention.py`)."""

from datetime import UTC, datetime

import dagster as dg

from hotspot_pipeline.orchestration.tables import Results, Workshop
from hotspot_pipeline.validated.pings import ledger
from hotspot_pipeline.validated.retention import DELIVERED_FILE, LOG, PING_DAY, remove_expired
from hotspot_pipeline.warehouse.standing import Standing


def build_retention(shop: Workshop) -> dg.AssetsDefinition:
    @shop.step(
        "validated.retention",
        [shop.spec(LOG, deps=("raw.extracts", "raw.extract_files", ledger.DAYS))],
    )
    def retention(context: dg.AssetExecutionContext) -> Results:
        with shop.warehouse(context).session() as session:
            standing = Standing(session, [LOG])
            removed = remove_expired(
                session,
                ledger.Ledger(session, shop.force.pings, context.run_id),
                shop.force.archive,
                now_utc=datetime.now(UTC),
                pings_days=shop.force.retention.pings_days,
                run_id=context.run_id,
            )
            for one in removed:
                context.log.info(
                    f"past its time: {one.what} {one.name} of {one.day} (kept from {one.limit_day} on)"
                )
            facts = {
                "police days removed": sum(one.what == PING_DAY for one in removed),
                "delivered files removed": sum(one.what == DELIVERED_FILE for one in removed),
            }
            for write in standing.writes():
                yield shop.result(write, facts)

    return retention
