"""The two kinds of records that have a history, crimes and incidents: their tables, their names and what counts as which change.

Here: facts about columns. Not here: how versions follow from deliveries (`versions.py`, `digest.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# in the order in which a change mask names them
GROUPS = ("class", "status", "geo", "time", "flags", "outcome")
# what moves no count: nothing is recomputed for it
QUIET_GROUPS = ("outcome", "admin")
MISSING, WITHDRAWN = "missing_from_source", "withdrawn"
_GEO = ("easting", "northing", "geocode_quality", "is_inside_force")


@dataclass(frozen=True)
class Versioned:
    """`groups`: the columns of each kind of change; what is in none of them is `admin`. `status`: SQL over a row `v`."""

    table: str
    versions: str
    pid: str
    status: str
    groups: Mapping[str, tuple[str, ...]]

    @property
    def validated(self) -> str:
        return f"validated.{self.table}"

    @property
    def compared(self) -> tuple[str, ...]:
        """The columns by which two contents differ in more than `admin`."""
        return tuple(column for columns in self.groups.values() for column in columns)

    def steady(self, alias: str) -> str:
        """SQL: a number for everything of the row but what changes without moving a count."""
        columns = [c for g in GROUPS if g not in QUIET_GROUPS for c in self.groups[g]]
        return f"hash({', '.join(f'{alias}.{c}' for c in columns)})"

    def group_hashes(self, alias: str) -> str:
        """SQL columns `h_<group>`: equal values of the group's columns, equal number."""
        return ", ".join(
            f"cast(hash({', '.join(f'{alias}.{c}' for c in self.groups[g])}) >> 1 as bigint) as h_{g}"
            for g in GROUPS
        )


CRIMES = Versioned(
    table="crimes",
    versions="history.crime_versions",
    pid="crime_pid",
    status="v.record_status",
    groups={
        "class": ("ho_offence_code", "policeuk_category", "attempt_flag"),
        "status": ("record_status", "cancel_reason", "merged_into_pid"),
        "geo": (*_GEO, "location_type", "location_desc"),
        "time": ("committed_from_local", "committed_to_local", "committed_time_known", "month"),
        "flags": (
            "flag_knife", "flag_firearm", "flag_alcohol", "flag_drugs", "flag_da", "flag_hate", "flag_csa",
            "flag_online", "flag_business",
        ),
        "outcome": ("outcome_code", "outcome_desc", "outcome_ts_local"),
    },
)  # fmt: skip
ASB = Versioned(
    table="asb_incidents",
    versions="history.asb_versions",
    pid="incident_pid",
    status="'live'",
    groups={
        "class": ("nsir_category",),
        # an incident that became a crime, or repeats another call, is not counted
        "status": ("linked_crime_pid", "duplicate_of_pid"),
        "geo": _GEO,
        "time": ("opened_ts_local",),
        "flags": ("partner_source",),
        # an incident is counted as one whatever it was closed as
        "outcome": (
            "opening_code", "closing_codes", "count_code", "nsir_qualifier", "asb_type", "closed_ts_local",
            "first_arrival_ts_local", "grade",
        ),
    },
)  # fmt: skip
VERSIONED = (CRIMES, ASB)
