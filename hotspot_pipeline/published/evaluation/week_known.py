"""What may be known of a hotspot's week.

Here: the records. Not here: reading them (`week_facts`), what is said of them (`week_words`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

Row = Mapping[str, Any]


@dataclass(frozen=True)
class AreaWeek:
    """A patrolled area that covers `share` of the hotspot's ground: its row of `patrols.compliance` (None: nothing planned) and of
    `patrols.coverage_weekly` (None: no day computed)."""

    area_id: str
    name: str | None
    share: float
    plan: Row | None
    cover: Row | None


@dataclass(frozen=True)
class TrialSaid:
    """What a trial whose places cover the hotspot says of its main estimate. `role`: patrolled, compared with; `is_before_outcomes`: its
    decisions were on record before results were."""

    name: str
    role: str
    period: tuple[date, date]
    sha256: str
    is_before_outcomes: bool
    is_exploratory: bool
    counted: str
    follows: str


@dataclass(frozen=True, eq=False)
class WeekFacts:
    """`week`: the hotspot's row of all groups as `rows.WeekRows` has it; `groups`: those of each group; `share_known`: completeness of the
    force's records at the week's age, None where not known; `corrections`: rows of `published.recode_bulletin` on this week, oldest first;
    `has_patrols`: the force delivers patrols at all."""

    hotspot_id: str
    week_start: date
    week: Row
    groups: Sequence[Row] = ()
    share_known: float | None = None
    corrections: Sequence[Row] = ()
    has_patrols: bool = False
    areas: Sequence[AreaWeek] = ()
    trials: Sequence[TrialSaid] = ()
