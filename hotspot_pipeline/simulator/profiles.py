"""The knobs: how large a force, how long, which trial, which true effect (DOMAIN §8).

Belongs here: numbers that say what is simulated as a whole. Does not belong here: the numbers of one process (kinds of
crime, windows, recodes, pings), which stand beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Literal

ModeName = Literal["null", "base", "beds", "strong", "reversed"]
TrialName = Literal["ops", "spells"]
ControlsName = Literal["paired", "ranked"]
RingName = Literal["none", "diffusion", "displacement"]

END = date(2026, 6, 29)  # a Monday: the last week is closed


@dataclass(frozen=True, slots=True)
class Mode:
    """What a visit really does to deterrable events at its place (DOMAIN §8.5).

    `delta` is the share prevented by a full dose. With `half_life_h` it is reached at departure and halves from there,
    nothing after `cut_h`; without, it holds from the visit's start to the end of the police day.
    """

    delta: float
    half_life_h: float | None
    cut_h: float = 72.0


MODES: Mapping[ModeName, Mode] = {
    "null": Mode(0.0, 18.0),
    "base": Mode(0.20, 18.0),
    "beds": Mode(0.40, None),
    "strong": Mode(0.30, 24.0),
    "reversed": Mode(-0.10, 18.0),
}


@dataclass(frozen=True, slots=True)
class Profile:
    """One size of force. Days count from 0, the police day that begins on `start` at 06:00.

    `volume` scales the yearly numbers of DOMAIN §8.2; `n_pairs` places are treated and as many are controls;
    places are chosen on what was recorded in days 0 to `selection_days`, patrols run from day `patrol_day`. Extracts
    arrive each night from `first_night` on: the first is full, then a delta a night and a full one a week.
    `shocks` are the scripted events of DOMAIN §8.3 by day.
    """

    name: str
    n_weeks: int
    area_km2: float
    n_towns: int
    volume: float
    n_pairs: int
    selection_days: int
    patrol_day: int
    first_night: int
    n_devices: int
    n_lsoa: int
    n_villages: int
    n_schools: int
    n_venues: int
    trial: TrialName
    shocks: Mapping[str, int] = field(default_factory=dict)

    @property
    def start(self) -> date:
        return END - timedelta(weeks=self.n_weeks)

    @property
    def start_local(self) -> datetime:
        return datetime.combine(self.start, time(6))

    @property
    def end_local(self) -> datetime:
        return datetime.combine(END, time(6))

    @property
    def n_days(self) -> int:
        return 7 * self.n_weeks

    @property
    def n_patrol_days(self) -> int:
        return self.n_days - self.patrol_day


_COUNTY_SHOCKS = {
    "batch_regeocode": 420,
    "lookup_change": 460,
    "audit_adds": 500,
    "missing_nights": 560,  # two nights, then both at once and one of them twice
    "partial_full": 595,
    "renamed_columns": 640,
    "recording_rule": 850,
}

# fmt: off
PROFILES: Mapping[str, Profile] = {p.name: p for p in (
    Profile("tiny", 8, 60.0, 1, 0.20, 4, selection_days=21, patrol_day=35, first_night=21, n_devices=8, n_lsoa=16,
            n_villages=2, n_schools=3, n_venues=40, trial="ops",
            shocks={"batch_regeocode": 30, "audit_adds": 33, "missing_nights": 38, "partial_full": 41,
                    "recording_rule": 45}),
    Profile("demo", 60, 500.0, 3, 0.55, 8, selection_days=182, patrol_day=294, first_night=405, n_devices=20, n_lsoa=90,
            n_villages=12, n_schools=6, n_venues=90, trial="ops",
            shocks={"batch_regeocode": 409, "missing_nights": 414}),
    Profile("county", 157, 1980.0, 7, 1.0, 18, selection_days=365, patrol_day=730, first_night=0, n_devices=60,
            n_lsoa=340, n_villages=60, n_schools=12, n_venues=180, trial="ops", shocks=_COUNTY_SHOCKS),
    Profile("power", 157, 1980.0, 7, 2.0, 60, selection_days=365, patrol_day=730, first_night=0, n_devices=200,
            n_lsoa=340, n_villages=60, n_schools=12, n_venues=180, trial="spells", shocks=_COUNTY_SHOCKS),
)}
# fmt: on
