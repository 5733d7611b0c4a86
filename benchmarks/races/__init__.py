"""The races, each a module with `RACE`. Its docstring says what is compared and why it is fair."""

from __future__ import annotations

from importlib import import_module

from benchmarks.race import Race

NAMES = (
    "points_to_counts",
    "gistar",
    "csv_to_validated",
    "bootstrap",
    "event_hours",
    "dwell",
    "refresh_week",
    "simulator",
    "nightly",
    "history_night",
    "county",
)


def find(name: str) -> Race:
    """The race of that name; raises ValueError with the known names for any other."""
    if name not in NAMES:
        raise ValueError(f"no race '{name}'; known: {', '.join(NAMES)}")
    race = import_module(f"benchmarks.races.{name}").RACE
    assert isinstance(race, Race)
    return race
