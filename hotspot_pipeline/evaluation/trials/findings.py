"""What a night's trials share, and what each comes to, before it is written as rows.

Here: the records. Not here: how they are filled (`study`), the rows (`tables`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from hotspot_pipeline.evaluation.estimate import Estimate, Guard
from hotspot_pipeline.evaluation.guards import RecordingChange
from hotspot_pipeline.evaluation.trials.counts import Cut
from hotspot_pipeline.evaluation.trials.curves import Curve
from hotspot_pipeline.evaluation.trials.estimates import Windows
from hotspot_pipeline.evaluation.trials.files import Trial
from hotspot_pipeline.evaluation.trials.places import Places
from hotspot_pipeline.evaluation.trials.records import Standing
from hotspot_pipeline.geo.grid import Grid
from hotspot_pipeline.timebase import PoliceTime
from hotspot_pipeline.warehouse.session import Session


@dataclass(frozen=True)
class Force:
    """What is the same for all trials of a night. `data_to`, `first_day`: police days, None before the first delivery."""

    session: Session
    grid: Grid
    resolution: int
    clock: PoliceTime
    data_to: date | None
    first_day: date | None
    changes: Sequence[RecordingChange]


@dataclass(frozen=True)
class Effect:
    """One estimate with its place in the tables. `p_holm`: None for the outcome ALL."""

    cut: Cut
    outcome: str
    measure: str
    windows: Windows
    estimate: Estimate
    p_holm: float | None = None


@dataclass(frozen=True)
class Refusal:
    """What is not computed, why, and what would make it possible; `cut` where it is of one cut."""

    what: str
    reason: str
    needs: str
    cut: Cut | None = None


@dataclass
class Findings:
    """What a trial came to. `curves`: (cut, curve, guards)."""

    trial: Trial
    standing: Standing
    places: Places
    counted_to: date | None = None
    settled_to: date | None = None
    effects: list[Effect] = field(default_factory=list)
    curves: list[tuple[Cut, Curve, tuple[Guard, ...]]] = field(default_factory=list)
    balance: pl.DataFrame | None = None
    refused: list[Refusal] = field(default_factory=list)

    def refuse(self, what: str, reason: str, needs: str, cut: Cut | None = None) -> None:
        self.refused.append(Refusal(f"{what} of {self.trial.design_id}", reason, needs, cut))
