"""What a race is: its sides, its input, what its sides must agree on, and its targets.

Does not belong here: the races themselves (`races/`), how they are run (`running`) and shown
(`report`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.stopwatch import Stopwatch

Facts = dict[str, Any]
Prepare = Callable[[Path, bool], Facts]
Run = Callable[[Path, Stopwatch], Facts]
Verify = Callable[[Path], Facts]


class Disagreement(AssertionError):
    """The sides of a race gave different results: their times must not be compared."""


@dataclass(frozen=True)
class Side:
    """One side. `says` is what it does, in words; `run` reads its input from the folder, untimed,
    works under `Stopwatch.race` and writes its output to the folder.
    """

    name: str
    says: str
    run: Run


@dataclass(frozen=True)
class Runs:
    """The repeats of one side, in order; every figure is a median."""

    repeats: tuple[Mapping[str, Any], ...]

    def values(self, figure: str) -> list[float]:
        return [float(repeat[figure]) for repeat in self.repeats]

    def median(self, figure: str = "seconds") -> float:
        return median(self.values(figure))

    def laps(self, kind: str) -> dict[str, float]:
        """Median seconds of each lap; `kind` is laps, parts or apart. One not made counts as 0."""
        names = dict.fromkeys(name for repeat in self.repeats for name in repeat[kind])
        return {n: median(float(r[kind].get(n, 0.0)) for r in self.repeats) for n in names}

    @property
    def highest_peak_mb(self) -> float:
        """The highest, not the median: memory that does not suffice once does not suffice."""
        return max(self.values("peak_mb"))


Result = Mapping[str, Runs]


@dataclass(frozen=True)
class Target:
    """A figure that must reach a limit: `is_at_least`, else it must not pass it."""

    says: str
    limit: float
    figure: Callable[[Result], float]
    is_at_least: bool = False
    unit: str = "times"

    def is_met(self, result: Result) -> bool:
        value = self.figure(result)
        return value >= self.limit if self.is_at_least else value <= self.limit


@dataclass(frozen=True)
class Race:
    """`sides`: ours first. `prepare(folder, is_quick)` writes the input and returns facts about it;
    `verify(folder)` compares the outputs of the last repeat, raises Disagreement or returns facts.
    """

    name: str
    title: str
    why_fair: str
    sides: tuple[Side, ...]
    prepare: Prepare
    verify: Verify
    targets: tuple[Target, ...] = ()
    repeats: int = 7
    beside: tuple[tuple[str, Callable[[Result], float]], ...] = field(default=())

    def side(self, name: str) -> Side:
        return next(side for side in self.sides if side.name == name)


def times_as_long(side: str, other: str) -> Callable[[Result], float]:
    """Median of `side` over median of `other`."""
    return lambda result: result[side].median() / result[other].median()
