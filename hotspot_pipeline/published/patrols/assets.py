"""The pictures of patrols as part of the published step: what they read, and what the UI shows of them."""

from collections.abc import Mapping, Sequence
from typing import Any

from hotspot_pipeline.orchestration.tables import Workshop
from hotspot_pipeline.published.at_once import AtOnce
from hotspot_pipeline.published.files import PublishedFile
from hotspot_pipeline.published.patrols import rows as patrol_rows
from hotspot_pipeline.published.shown import large, small
from hotspot_pipeline.warehouse.session import Session

READS = patrol_rows.TABLES
_N_LARGE = 3
_NEWEST_WEEK = f"""
    with newest as (select cast(date_trunc('week', ({patrol_rows.LAST_DAY})) as date) as week_start)
    select c.n_asked as visits_planned_in_week, c.n_yes as visits_made_in_week, c.n_unknown as visits_unknown_in_week,
        c.compliance as compliance_in_week, v.patrol_minutes_in_week, v.share_within_72_hours_in_week
    from newest n
    left join patrols.compliance c on c.week_start = n.week_start and c.hotspot_id is null
    left join (
        select week_start, round(sum(patrol_ms) / 60000)::bigint as patrol_minutes_in_week,
            sum(reached_ms) / nullif(sum(length_ms), 0) as share_within_72_hours_in_week
        from patrols.coverage_weekly group by all
    ) v on v.week_start = n.week_start
"""


def write(
    shop: Workshop, session: Session, footer: Mapping[str, str], at_once: AtOnce
) -> list[PublishedFile]:
    from hotspot_pipeline.published.patrols.files import write_patrol_sheets

    for table in READS:  # a force without patrol feeds has none of them
        session.ensure(shop.catalog[table])
    boundary = shop.boundary
    return write_patrol_sheets(
        shop.force.published / "patrols",
        patrol_rows.read_rows(session, shop.grid, shop.police_time),
        title=shop.force.name,
        footer=footer,
        boundary=boundary.polygon_bng if boundary else None,
        day_starts_hour=shop.force.day_starts_hour,
        at_once=at_once,
    )


def shown(session: Session, files: Sequence[PublishedFile], at_once: AtOnce) -> dict[str, Any]:
    """The figures that people watch, the overviews and the map large, each hotspot small."""
    if not files:
        return {"patrols": "none: no plan, no fixes"}
    figures = session.frame(_NEWEST_WEEK).row(0, named=True)
    of_hotspots = files[_N_LARGE:]
    return {
        **{name.replace("_", " "): n for name, n in figures.items() if n is not None},
        **large(files[:_N_LARGE], at_once),
        **({"each hotspot": small(of_hotspots, at_once)} if of_hotspots else {}),
    }
