"""What is known of a hotspot's week: counts, limits, completeness, corrections, patrols and trials, as the tables have them.

Here: SQL, the same on the warehouse and on its published copy. Not here: the words (`week_words`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import polars as pl

from hotspot_pipeline.published.evaluation import rows, trial_facts
from hotspot_pipeline.published.evaluation.week_known import AreaWeek, WeekFacts
from hotspot_pipeline.warehouse.session import Session

AREAS, BULLETIN = "published.hotspot_areas", "published.recode_bulletin"
COMPLIANCE, COVERAGE = "patrols.compliance", "patrols.coverage_weekly"
TABLES = (*rows.TABLES, AREAS, BULLETIN, COMPLIANCE, COVERAGE)
_SHARE = f"""
    select value::double from {rows.METRICS}
    where metric = 'completeness' and hotspot_id = 'FORCE' and cat_group = 'ALL' and week_start = $week
"""
_CORRECTIONS = f"""
    select place, issue, n_before, n_now, why from {BULLETIN}
    where figure = 'hotspot_week' and period_from = $week order by place, issue
"""
_PLANNED = f"select distinct hotspot_id from {COMPLIANCE} where hotspot_id is not null and n_asked > 0 order by 1"


def read_facts(session: Session, week: date, hotspots: Sequence[str] | None = None) -> list[WeekFacts]:  # fmt: skip
    """Of the hotspots (all by rank, if none are named) that have a row of this week."""
    at = {"week": week}
    weeks = rows.week_frame(session, week, week)
    share = session.value(_SHARE, at)
    corrections = session.frame(_CORRECTIONS, at)
    areas = session.frame(f"select * from {AREAS} order by all")
    plans, covers = (
        {r["hotspot_id"]: r for r in session.frame(f"select * from {table} where week_start = $week", at).to_dicts()}
        for table in (COMPLIANCE, COVERAGE)
    )  # fmt: skip
    has_patrols = bool(session.value(f"select count(*) > 0 from {COVERAGE}")) or bool(plans)
    planned = session.frame(_PLANNED).get_column("hotspot_id").to_list()
    trials = trial_facts.read_trials(
        session, week, [*areas.get_column("area_id"), *planned], planned
    )
    found = []
    for (hotspot,), mine in weeks.group_by("hotspot_id", maintain_order=True):
        if hotspots is not None and hotspot not in hotspots:
            continue
        around = areas.filter(pl.col("hotspot_id") == hotspot).to_dicts()
        by_group = {r["cat_group"]: r for r in mine.to_dicts()}
        found.append(
            WeekFacts(
                hotspot_id=str(hotspot), week_start=week, week=by_group.pop(rows.ALL), groups=list(by_group.values()), share_known=share,
                corrections=corrections.filter(pl.col("place") == hotspot).to_dicts(), has_patrols=has_patrols,
                areas=[_area(a, plans, covers) for a in around],
                trials=trial_facts.said_of(trials, [a["area_id"] for a in around]),
            )
        )  # fmt: skip
    return found


def _area(row: dict[str, Any], plans: dict[str, Any], covers: dict[str, Any]) -> AreaWeek:
    area = row["area_id"]
    return AreaWeek(area, row["name"], float(row["share_of_hotspot"]), plans.get(area), covers.get(area))  # fmt: skip
