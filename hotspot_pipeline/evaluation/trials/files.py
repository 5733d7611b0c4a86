"""What a force asks of its patrols' effect: one file a trial in the folder `trials`, read strictly and hashed.

Here: the fields, their rules, the hash of all decisions. The fields of a pre-registration are checked in `preregistration`. Not
here: which version was used when (`records`), which places the names stand for (`places`).

    name: Town centres 2026
    outcome_groups: [ASB, VAP]            # the outcome ALL is their sum; each is a secondary outcome
    primary_measure: rate_ratio
    model: rate_ratio
    before_from: 2025-01-06               # police days, both ends included
    before_to: 2026-01-04
    after_from: 2026-01-05
    after_to: 2026-06-28
    rings_m: [300]
    known_at: 2026-07-27                  # before this day every look is an interim one
    smallest_worthwhile_percent: 10
    places: lot_in_pairs                  # lot, lot_in_pairs or chosen: how places came to be patrolled
    treated: [P001, P004]                 # a list, {place: its first day}, or planned (every area the plan sends patrols to)
    controls: [P002, P003]                # a list, others (every other area), matched, or none
    pairs: [[P001, P002], [P004, P003]]   # for lot_in_pairs: treated, control
    days: days                            # none, days or spells: whether the plan's days were drawn by lot
    selected_from: 2024-01-01             # may be left out: the window the places were picked on
    selected_to: 2024-12-29
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Literal

from hotspot_pipeline.evaluation.preregistration import (
    FIELDS,
    NotRegistered,
    Registered,
    parse_registration,
)
from hotspot_pipeline.force import CATEGORY_GROUPS
from hotspot_pipeline.strict_yaml import read_mapping

ArmScheme = Literal["lot_places", "lot_pairs", "chosen", "matched", "none"]
PLACES = {"lot": "lot_places", "lot_in_pairs": "lot_pairs", "chosen": "chosen"}
DAYS = ("none", "days", "spells")
PLANNED, OTHERS, MATCHED, NONE = "planned", "others", "matched", "none"
# what a lot of days answers, and what days answer at all; two of these answers are never an effect
BY_LOT_OF_DAYS = ("itt_day", "cace_15_minutes")
AS_TREATED_DAY, BEFORE_AFTER = "as_treated_day", "before_after"
OF_DAYS = (*BY_LOT_OF_DAYS, AS_TREATED_DAY)
NEVER_CAUSAL = (BEFORE_AFTER, AS_TREATED_DAY)
MEASURES = ("rate_ratio", "wdd", "panel", "staggered", *BY_LOT_OF_DAYS)
OWN_FIELDS = ("name", "places", "treated", "controls", "pairs", "days", "selected_from", "selected_to")  # fmt: skip
_MAY_BE_LEFT_OUT = ("pairs", "selected_from", "selected_to")
_FILE_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class Trial:
    """One file. `treated`: names, or (`planned`,); `controls`: names, or (`others`,), (`matched`,), (); `starts`: first day by
    place where places began at different times; `sha256`: of all decisions, whatever spaces, comments and order."""

    design_id: str
    name: str
    registered: Registered
    arm_scheme: ArmScheme
    treated: tuple[str, ...]
    controls: tuple[str, ...]
    day_scheme: Literal["none", "days", "spells"]
    starts: Mapping[str, date] = field(default_factory=dict)
    pairs: tuple[tuple[str, str], ...] = ()
    selected_from: date | None = None
    selected_to: date | None = None

    @property
    def decisions(self) -> str:
        """All of it as JSON in a fixed order, but for the name."""
        kept = {k: v for k, v in asdict(self).items() if k not in ("design_id", "name")}
        kept["registered"].pop("sha256")
        return json.dumps(kept, sort_keys=True, default=str, separators=(",", ":"))

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.decisions.encode()).hexdigest()

    @property
    def is_by_lot(self) -> bool:
        """Whether a lot decided which places were patrolled."""
        return self.arm_scheme in ("lot_places", "lot_pairs")


def read_trials(folder: Path) -> tuple[list[Trial], dict[str, str]]:
    """(trials in the order of their files' names, {file name: what is wrong with it}). No folder, no trials."""
    trials, wrong = [], {}
    for path in sorted(folder.glob("*.yml")):
        try:
            trials.append(read_trial(path))
        except NotRegistered as error:
            wrong[path.stem] = str(error)
    return trials, wrong


def read_trial(path: Path) -> Trial:
    """Raises NotRegistered naming file, field, value and rule."""
    if not _FILE_NAME.fullmatch(path.stem):
        raise NotRegistered(f"{path.name}: name the file in small letters, digits and underscores, a letter first")  # fmt: skip
    return parse_trial(read_mapping(path, NotRegistered), path.stem)


def parse_trial(entries: Mapping[str, object], design_id: str) -> Trial:
    """The trial from its entries; raises NotRegistered naming file, field, value and rule."""
    file = f"{design_id}.yml"
    for field_name in (*FIELDS, *OWN_FIELDS):
        if field_name not in entries and field_name not in _MAY_BE_LEFT_OUT:
            raise NotRegistered(f"{file}: {field_name} is missing; a trial needs {', '.join((*FIELDS, *OWN_FIELDS))}")  # fmt: skip
    if unknown := sorted(set(entries) - {*FIELDS, *OWN_FIELDS}):
        raise NotRegistered(f"{file}: {unknown[0]} is not a field of a trial ({', '.join((*FIELDS, *OWN_FIELDS))})")  # fmt: skip
    registered = parse_registration({k: entries[k] for k in FIELDS}, file)
    wrong = sorted(set(registered.outcome_groups) - set(CATEGORY_GROUPS))
    if wrong:
        raise NotRegistered(f"{file}: outcome_groups has {wrong[0]!r}, which is none of {', '.join(CATEGORY_GROUPS)}")  # fmt: skip
    if len(set(registered.outcome_groups)) < len(registered.outcome_groups):
        raise NotRegistered(f"{file}: outcome_groups names a group twice")
    name = entries["name"]
    if not isinstance(name, str) or not name.strip():
        raise NotRegistered(f"{file}: name is {name!r}; give the trial a name")
    places = _one_of(entries["places"], PLACES, file, "places")
    treated, starts = _treated(entries["treated"], registered, file)
    controls = _controls(entries["controls"], treated, file)
    scheme: ArmScheme = PLACES[places]  # type: ignore[assignment]
    if scheme == "chosen" and controls in ((), (MATCHED,)):
        scheme = "matched" if controls else "none"
    elif scheme != "chosen" and controls in ((), (MATCHED,)):
        raise NotRegistered(f"{file}: places is {places}, so controls is what the lot left out: a list, or others")  # fmt: skip
    trial = Trial(
        design_id, name.strip(), registered, scheme, treated, controls,
        _one_of(entries["days"], DAYS, file, "days"),  # type: ignore[arg-type]
        starts, _pairs(entries.get("pairs"), scheme, treated, controls, file),
        *_selected(entries, registered, file),
    )  # fmt: skip
    _check_measure(trial, file)
    return trial


def _check_measure(trial: Trial, file: str) -> None:
    measure = trial.registered.primary_measure
    if measure not in MEASURES:
        raise NotRegistered(f"{file}: primary_measure {measure!r} is none of {', '.join(MEASURES)}")
    if measure in BY_LOT_OF_DAYS and trial.day_scheme == NONE:
        raise NotRegistered(
            f"{file}: primary_measure {measure} needs days by lot, but days is none"
        )
    if measure not in BY_LOT_OF_DAYS and trial.arm_scheme == NONE:
        raise NotRegistered(
            f"{file}: primary_measure {measure} needs controls, but controls is none"
        )
    if (measure == "staggered") != bool(trial.starts) and measure not in BY_LOT_OF_DAYS:
        raise NotRegistered(f"{file}: primary_measure is {measure}: staggered goes with treated as {{place: its first day}}, the others with a list")  # fmt: skip


def _treated(
    given: object, registered: Registered, file: str
) -> tuple[tuple[str, ...], dict[str, date]]:
    if given == PLANNED:
        return (PLANNED,), {}
    if not isinstance(given, Mapping):
        return _names(given, file, "treated", f"a list of places, {{place: its first day}}, or {PLANNED}"), {}  # fmt: skip
    for place, day in given.items():
        if type(day) is not date or not registered.after_from <= day <= registered.after_to:
            raise NotRegistered(f"{file}: treated: {place} begins on {day!r}; give a day between after_from and after_to")  # fmt: skip
    names = _names(list(given), file, "treated", "{place: its first day}")
    starts = {str(place): day for place, day in given.items()}
    return names, starts if len(set(starts.values())) > 1 else {}


def _controls(given: object, treated: tuple[str, ...], file: str) -> tuple[str, ...]:
    if given in (OTHERS, MATCHED):
        return (str(given),)
    if given == NONE:
        return ()
    names = _names(given, file, "controls", f"a list of places, {OTHERS}, {MATCHED} or {NONE}")
    if both := sorted(set(names) & set(treated)):
        raise NotRegistered(f"{file}: {both[0]} is in treated and in controls; a place is one or the other")  # fmt: skip
    return names


def _names(given: object, file: str, field_name: str, rule: str) -> tuple[str, ...]:
    if not isinstance(given, list) or not given or not all(isinstance(g, str) for g in given):
        raise NotRegistered(f"{file}: {field_name} is {given!r}; give {rule}")
    if len(set(given)) < len(given):
        twice = next(g for g in given if given.count(g) > 1)
        raise NotRegistered(f"{file}: {field_name} names {twice} twice")
    return tuple(given)


def _pairs(
    given: object, scheme: str, treated: tuple[str, ...], controls: tuple[str, ...], file: str
) -> tuple[tuple[str, str], ...]:
    if scheme != "lot_pairs":
        if given is not None:
            raise NotRegistered(f"{file}: pairs go with places: lot_in_pairs")
        return ()
    rule = "give pairs [treated, control] that name every place once"
    if not isinstance(given, list) or not all(isinstance(p, list) and len(p) == 2 for p in given):
        raise NotRegistered(f"{file}: pairs is {given!r}; {rule}")
    found = tuple((str(a), str(b)) for a, b in given)
    if sorted(a for a, _ in found) != sorted(treated) or sorted(b for _, b in found) != sorted(controls):  # fmt: skip
        raise NotRegistered(f"{file}: pairs are of other places than treated and controls; {rule}")
    return found


def _selected(
    entries: Mapping[str, object], registered: Registered, file: str
) -> tuple[date | None, date | None]:
    first, last = entries.get("selected_from"), entries.get("selected_to")
    if first is None and last is None:
        return None, None
    if type(first) is not date or type(last) is not date or not first <= last < registered.after_from:  # fmt: skip
        raise NotRegistered(f"{file}: selected_from is {first!r}, selected_to {last!r}; give both as days, before after_from, or neither")  # fmt: skip
    return first, last


def _one_of(given: object, known: Mapping[str, str] | tuple[str, ...], file: str, name: str) -> str:
    if not isinstance(given, str) or given not in known:
        raise NotRegistered(f"{file}: {name} is {given!r}, which is none of {', '.join(known)}")
    return given
