"""The pictures of the evaluation as part of the published step: what they read, and what the UI shows of them."""

from collections.abc import Mapping, Sequence
from typing import Any

from hotspot_pipeline.orchestration.tables import Workshop
from hotspot_pipeline.published.at_once import AtOnce
from hotspot_pipeline.published.evaluation import areas, effect_rows, trial_facts, week_facts
from hotspot_pipeline.published.evaluation import rows as week_rows
from hotspot_pipeline.published.files import PublishedFile
from hotspot_pipeline.published.shown import large, small
from hotspot_pipeline.warehouse.session import Session, Write

AREAS = week_facts.AREAS
AREAS_READ = areas.TABLES
READS = tuple(dict.fromkeys((*week_facts.TABLES, *effect_rows.TABLES, *trial_facts.TABLES)))
_OF_A_HOTSPOT = "weeks_of_"
_WATCHED = f"""
    with newest as (select max(week_start) as week_start from {week_rows.LIMITS})
    select count(distinct l.hotspot_id) filter (l.signal is not null and l.cat_group = 'ALL') as hotspots_with_a_signal_in_four_weeks,
        count(distinct l.hotspot_id) as hotspots_with_limits
    from {week_rows.LIMITS} l join newest n on l.week_start > n.week_start - interval 28 day
"""


def write(
    shop: Workshop, session: Session, footer: Mapping[str, str], at_once: AtOnce
) -> list[PublishedFile]:
    from hotspot_pipeline.published.evaluation.files import write_evaluation

    rows = week_rows.read_weeks(session)
    return write_evaluation(
        shop.force.published / "evaluation",
        rows,
        week_facts.read_facts(session, rows.last_week) if rows else [],
        effect_rows.read_effects(session),
        title=shop.force.name,
        footer=footer,
        at_once=at_once,
    )


def write_areas(shop: Workshop, session: Session) -> Write:
    return session.replace_table(shop.catalog[AREAS], areas.read_areas(session))


def shown(session: Session, files: Sequence[PublishedFile], at_once: AtOnce) -> dict[str, Any]:
    """The figures that people watch, trials and overviews large, each hotspot small."""
    pictures = [f for f in files if f.kind == "png"]
    if not pictures:
        return {"evaluation": "none: no police week is closed and no trial is on file"}
    watched = session.frame(_WATCHED).row(0, named=True)
    of_hotspots = [f for f in pictures if f.name.startswith(_OF_A_HOTSPOT)]
    others = [f for f in pictures if f not in of_hotspots]
    return {
        **{name.replace("_", " "): n for name, n in watched.items()},
        **large(others, at_once),
        **({"each hotspot": small(of_hotspots, at_once)} if of_hotspots else {}),
    }
