"""What trials say of the places that cover a hotspot: their main estimate in its own two sentences.

Here: which trial a place takes part in, by its registered decisions. Not here: estimates and sentences (`evaluation`).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

from hotspot_pipeline.published.evaluation.week_known import TrialSaid
from hotspot_pipeline.warehouse.session import Session

TABLES = ("evaluation.designs", "evaluation.effects", "evaluation.registrations")
PATROLLED, COMPARED = "patrolled", "compared with"
# of both cuts the settled one, where it has an estimate
_MAIN = """
    select d.design_id, d.name, d.after_from, d.after_to, d.registration_sha256, d.is_before_outcomes, d.is_exploratory, r.decisions, e.sentence_counted,
        e.sentence_follows
    from evaluation.designs d
    join evaluation.registrations r on r.design_id = d.design_id and r.registration_sha256 = d.registration_sha256
    join evaluation.effects e on e.design_id = d.design_id and e.is_primary
    where $week between d.before_from - interval 6 day and d.after_to
    qualify row_number() over (partition by d.design_id order by e.cut = 'settled' desc) = 1
    order by d.design_id
"""


def read_trials(session: Session, week: date, areas: Collection[str], planned: Collection[str]) -> list[dict[str, Any]]:  # fmt: skip
    """The trials whose windows hold days of the week, each with its `roles`. `areas`: all that are known; `planned`: those with planned
    visits."""
    if not all(session.exists(table) for table in TABLES):
        return []
    found = session.frame(_MAIN, {"week": week}).to_dicts()
    return [{**row, "roles": roles(json.loads(row["decisions"]), areas, planned)} for row in found]


def roles(decisions: Mapping[str, Any], areas: Collection[str], planned: Collection[str]) -> dict[str, str]:  # fmt: skip
    """Area to role, as the decisions name them: by name, all that are planned, all others. Of matched controls nothing is said: the decisions
    do not name them."""
    treated = planned if decisions["treated"] == ["planned"] else decisions["treated"]
    controls = areas if decisions["controls"] == ["others"] else decisions["controls"]
    found = dict.fromkeys(treated, PATROLLED)
    return found | dict.fromkeys([c for c in controls if c not in found], COMPARED)


def said_of(trials: list[dict[str, Any]], areas: Collection[str]) -> list[TrialSaid]:
    """Those in which one of the areas takes part; an area that is patrolled decides the role."""
    found = []
    for trial in trials:
        mine = {trial["roles"][a] for a in areas if a in trial["roles"]}
        if mine:
            role = PATROLLED if PATROLLED in mine else COMPARED
            period = (trial["after_from"], trial["after_to"])
            found.append(
                TrialSaid(
                    trial["name"], role, period, trial["registration_sha256"], trial["is_before_outcomes"], trial["is_exploratory"], trial["sentence_counted"],
                    trial["sentence_follows"],
                )
            )  # fmt: skip
    return found
