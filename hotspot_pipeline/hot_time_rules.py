"""How hot times are found for a force: the section `hot_times` of its `force.yml`, checked.

Here: budget and length of patrol windows, shifts, strength of shrinkage. Not here: what is made of them (the `hot_times` stage).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import Any

from hotspot_pipeline.strict_yaml import flag, mapping, refuse_unknown, text

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True)
class ShiftTimes:
    """A shift by the local clock; `weekdays` (0 Monday) are the calendar days on which it starts."""

    name: str
    starts: str
    ends: str
    weekdays: tuple[int, ...] = tuple(range(7))


@dataclass(frozen=True)
class HotTimeRules:
    """Hours: `hot_hours_budget` a week for each hotspot, in windows of `min_hours` to `max_hours` (DOMAIN §3.3). `only_hot` keeps windows
    to blocks that were tested and found hot. `prior_strength` in events; None: the one that foretells best. Without `shifts` a
    common pattern."""

    hot_hours_budget: int = 28
    min_hours: int = 2
    max_hours: int = 6
    only_hot: bool = False
    prior_strength: int | None = None
    bootstrap_draws: int = 1000
    seed: int = 1
    shifts: tuple[ShiftTimes, ...] = ()


def parse_hot_time_rules(given: Any, where: str, error: type[ValueError]) -> HotTimeRules:
    rules = mapping(given, where, error)
    refuse_unknown(rules, [f.name for f in fields(HotTimeRules)], where, error)
    least = {"hot_hours_budget": 1, "min_hours": 1, "max_hours": 1, "bootstrap_draws": 0, "seed": 0}
    for name, value in rules.items():
        at = f"{where}.{name}"
        if name == "shifts":
            rules[name] = _shifts(value, at, error)
        elif name == "only_hot":
            flag(value, at, error)
        elif name == "prior_strength" and value is None:
            continue
        elif isinstance(value, bool) or not isinstance(value, int) or value < least.get(name, 1):
            raise error(f"{at} '{value}' is not a whole number of {least.get(name, 1)} or more")
    found = HotTimeRules(**rules)
    if not found.min_hours <= found.max_hours <= 24:
        raise error(
            f"{where}: windows of {found.min_hours} to {found.max_hours} hours; min_hours is at most max_hours, and that at most 24"
        )
    if not found.min_hours <= found.hot_hours_budget <= 168:
        raise error(f"{where}.hot_hours_budget '{found.hot_hours_budget}' is not min_hours to 168")
    return found


def _shifts(given: Any, where: str, error: type[ValueError]) -> tuple[ShiftTimes, ...]:
    if not isinstance(given, list):
        raise error(
            f"{where} is not a list of shifts such as {{name: late, starts: '14:00', ends: '24:00'}}"
        )
    found = []
    for number, one in enumerate(given, 1):
        at = f"{where}[{number}]"
        section = mapping(one, at, error)
        refuse_unknown(section, ("name", "starts", "ends", "weekdays"), at, error)
        named = {
            key: text(section.get(key), f"{at}.{key}", error) for key in ("name", "starts", "ends")
        }
        for key in ("starts", "ends"):
            if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d|24:00", named[key]):
                raise error(f"{at}.{key} '{named[key]}' is not a time in quotes such as '07:00'")
        days = section.get("weekdays", list(WEEKDAYS))
        wrong = [d for d in days if d not in WEEKDAYS] if isinstance(days, list) else [days]
        if wrong or not days:
            raise error(
                f"{at}.weekdays '{wrong[0] if wrong else days}' is not one of {', '.join(WEEKDAYS)}"
            )
        found.append(ShiftTimes(**named, weekdays=tuple(WEEKDAYS.index(d) for d in days)))
    return tuple(found)
