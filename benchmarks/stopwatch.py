"""The clock of one side in one process: the whole, its laps, and what is stated apart.

Belongs here: wall-clock and CPU seconds and peak memory. Does not belong here: what is timed
(`races/`), medians (`race`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from benchmarks.memory import held_mb, peak_mb


@dataclass
class Stopwatch:
    """`laps` add up to about `seconds`; `parts` are inside laps; `apart` is in neither.

    Seconds are wall clock. `cpu_seconds` are those of all threads, `apart` included.
    """

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    mb_before: float = 0.0
    peak_mb: float = 0.0
    laps: dict[str, float] = field(default_factory=dict)
    parts: dict[str, float] = field(default_factory=dict)
    apart: dict[str, float] = field(default_factory=dict)
    peaks_mb: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def race(self) -> Iterator[None]:
        """The whole. What is set `apart` inside it is taken off."""
        self.mb_before = held_mb()
        cpu, start = time.process_time(), time.perf_counter()
        yield
        self.seconds = time.perf_counter() - start - sum(self.apart.values())
        self.cpu_seconds = time.process_time() - cpu
        self.peak_mb = peak_mb()

    @contextmanager
    def lap(self, name: str) -> Iterator[None]:
        with self._into(self.laps, name):
            yield

    @contextmanager
    def set_apart(self, name: str) -> Iterator[None]:
        with self._into(self.apart, name):
            yield

    def around(self, owner: Any, name: str, lap: str, *, is_part: bool = False) -> None:
        """From now on every call of `owner.name` is the lap (or a part of one)."""
        into = self.parts if is_part else self.laps
        self._wrap(owner, name, lambda: self._into(into, lap))

    def around_apart(self, owner: Any, name: str, label: str) -> None:
        """From now on every call of `owner.name` is stated apart."""
        self._wrap(owner, name, lambda: self._into(self.apart, label))

    def _wrap(self, owner: Any, name: str, timed: Callable[[], Any]) -> None:
        original = getattr(owner, name)

        def measured(*args: Any, **kwargs: Any) -> Any:
            with timed():
                return original(*args, **kwargs)

        setattr(owner, name, measured)

    @contextmanager
    def _into(self, into: dict[str, float], name: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        into[name] = into.get(name, 0.0) + time.perf_counter() - start
        self.peaks_mb[name] = peak_mb()
