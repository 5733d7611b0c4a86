"""What was decided before anyone looked: a file, its hash, and the refusal to go on without.

Here: reading and hashing a pre-registration, and checking what is about to be estimated against it. Not here: estimates,
where the file lies (the force's folder).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

from hotspot_pipeline.evaluation.guards import POLICE_GENERATED
from hotspot_pipeline.strict_yaml import read_mapping

FIELDS = ("outcome_groups", "primary_measure", "before_from", "before_to", "after_from", "after_to", "rings_m", "model",
          "known_at", "smallest_worthwhile_percent")  # fmt: skip
MODELS = ("rate_ratio", "wdd", "panel", "itt_day")


class NotRegistered(ValueError):
    """The pre-registration is missing, incomplete or does not fit."""


@dataclass(frozen=True)
class Registered:
    """A pre-registration. Days are police days, inclusive; `rings_m` outer radii in metres, rising; `known_at` the cut of
    knowledge; `sha256` is of the file's decisions in a fixed order, so that spaces and comments do not change it."""

    outcome_groups: tuple[str, ...]
    primary_measure: str
    before_from: date
    before_to: date
    after_from: date
    after_to: date
    rings_m: tuple[int, ...]
    model: str
    known_at: date
    smallest_worthwhile_percent: int
    sha256: str

    def check(self, **asked: object) -> None:
        """Raises NotRegistered where one of the things asked for differs from what was registered."""
        for name, value in asked.items():
            registered = getattr(self, name)
            if value != registered:
                raise NotRegistered(
                    f"{name} is {value}, but {registered} was registered ({self.sha256[:12]}): "
                    "keep to it, or register anew and report the result as exploratory"
                )


def read_registration(path: Path) -> Registered:
    """Reads and hashes the file. To be called before any outcome is read; outputs show `sha256`."""
    if not path.is_file():
        raise NotRegistered(
            f"{path.name}: no such file; write outcome, windows, rings, model and cut down before outcomes are read"
        )
    return parse_registration(read_mapping(path, NotRegistered), path.name)


def parse_registration(entries: Mapping[str, object], name: str) -> Registered:
    """The registration from its entries; raises NotRegistered naming file, field, value and rule."""
    for field in FIELDS:
        if field not in entries:
            raise NotRegistered(
                f"{name}: {field} is missing; a registration holds {', '.join(FIELDS)}"
            )
    for field in entries:
        if field not in FIELDS:
            raise NotRegistered(
                f"{name}: {field} is not a field of a registration ({', '.join(FIELDS)})"
            )
    days = {
        f: _day(entries[f], f, name)
        for f in ("before_from", "before_to", "after_from", "after_to", "known_at")
    }
    if not days["before_from"] <= days["before_to"] < days["after_from"] <= days["after_to"]:
        raise NotRegistered(
            f"{name}: before_from <= before_to < after_from <= after_to does not hold"
        )
    groups, rings = entries["outcome_groups"], entries["rings_m"]
    if not isinstance(groups, list) or not groups or not all(isinstance(g, str) for g in groups):
        raise NotRegistered(f"{name}: outcome_groups is {groups!r}; give a list of groups")
    if found := sorted(g for g in groups if g.lower() in POLICE_GENERATED):
        raise NotRegistered(
            f"{name}: outcome_groups has {found[0]}, which patrols find themselves; take it out"
        )
    if (
        not isinstance(rings, list)
        or not all(type(r) is int and r > 0 for r in rings)
        or sorted(set(rings)) != rings
    ):
        raise NotRegistered(
            f"{name}: rings_m is {rings!r}; give outer radii in whole metres, rising"
        )
    model, measure = entries["model"], entries["primary_measure"]
    if model not in MODELS:
        raise NotRegistered(f"{name}: model {model!r} is none of {', '.join(MODELS)}")
    if not isinstance(measure, str) or not measure:
        raise NotRegistered(f"{name}: primary_measure is {measure!r}; name the one primary measure")
    percent = entries["smallest_worthwhile_percent"]
    if type(percent) is not int or not 0 < percent < 100:
        raise NotRegistered(
            f"{name}: smallest_worthwhile_percent is {percent!r}; give a whole number from 1 to 99"
        )
    made = Registered(
        tuple(groups), measure, days["before_from"], days["before_to"], days["after_from"], days["after_to"],
        tuple(rings), str(model), days["known_at"], percent, "",
    )  # fmt: skip
    decisions = {k: v for k, v in asdict(made).items() if k != "sha256"}
    text = json.dumps(decisions, sort_keys=True, default=str, separators=(",", ":"))
    return Registered(**{**decisions, "sha256": hashlib.sha256(text.encode()).hexdigest()})


def _day(value: object, field: str, name: str) -> date:
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise NotRegistered(f"{name}: {field} is {value!r}; give a day as 2026-06-28") from None
