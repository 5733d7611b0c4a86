"""The bulletin's assets: one step that writes a new issue where a figure differs, and says what it says.

Thin: which tables, what is shown in the UI. The page and the CSV are files like the others (`published.assets`): they are made from these
tables, so a run that is killed before them leaves nothing to mend by hand.
"""

from datetime import UTC, datetime
from typing import Any

import dagster as dg

from hotspot_pipeline.orchestration.tables import Results, Workshop
from hotspot_pipeline.published.bulletin.issuing import (
    ISSUES,
    REMEMBERED,
    TABLES,
    Circumstances,
    issue_figures,
)
from hotspot_pipeline.published.footer import footer_of
from hotspot_pipeline.warehouse.session import AuditsFailed, Session

_READ = (
    "hexes.events", "hexes.refreshed_windows", "hexes.hotspots", "hexes.hotspot_cells", "history.extracts", "history.recodes",
    "history.crime_versions", "history.asb_versions", "published.data_quality",
)  # fmt: skip


def build_issues(shop: Workshop) -> dg.AssetsDefinition:
    @shop.step(
        "published.issues",
        [shop.spec(table, deps=_READ, kinds=("polars", "sql")) for table in TABLES],
    )
    def issues(context: dg.AssetExecutionContext) -> Results:
        with shop.warehouse(context).session() as session:
            for table in TABLES:
                session.ensure(shop.catalog[table])
            before = {
                t: session.standing(shop.catalog[t], is_edited=t == REMEMBERED) for t in TABLES
            }
            made = Circumstances(
                shop.force.grid_resolution,
                shop.force.hotspots.groups,
                context.run_id,
                datetime.now(UTC).replace(tzinfo=None),
                footer_of(session, shop.force),
            )
            try:
                issue = issue_figures(session, made)
            except AuditsFailed as error:
                yield from shop.check_results(error.table, error.audits)
                raise dg.Failure(description=str(error), allow_retries=False) from error
            facts = _facts(session, is_new=issue is not None)
            for table in TABLES:
                write = session.stand(
                    shop.catalog[table], before[table], is_edited=table == REMEMBERED
                )
                yield shop.result(write, facts)

    return issues


def _facts(session: Session, *, is_new: bool) -> dict[str, Any]:
    """The newest issue in words; the numbers, which the UI plots, are of this run."""
    rows = session.frame(f"select * from {ISSUES} order by issue desc limit 1").to_dicts()
    if not rows:
        return {"issue": "nothing to issue: no event is counted"}
    newest = rows[0]
    names = {
        "n_first": "figures issued for the first time", "n_changed": "figures changed", "n_growing": "figures still filling",
        "n_new": "records new in the figures", "n_recoded": "records recoded in the figures", "n_other": "records counted otherwise, none changed",
    }  # fmt: skip
    same = "" if is_new else " (no figure has changed since: no new issue)"
    listed = "".join(f"\n- {line}" for line in newest["changes"].splitlines()[:40])
    return {
        "issue": f"{newest['issue']}{same}",
        "bulletin": dg.MetadataValue.md(f"{newest['summary']}\n{listed}"),
        **{name: int(newest[column]) if is_new else 0 for column, name in names.items()},
    }
