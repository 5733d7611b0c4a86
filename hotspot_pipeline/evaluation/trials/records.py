"""Which decisions of a trial were used when: the older ones stay on record, and a late change has its consequence.

Pure frames. Here: the rows that `evaluation.registrations` gains, and how each trial stands by them. Not here: what a file says
(`files`), writing (`assets`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from hotspot_pipeline.evaluation.estimate import Guard
from hotspot_pipeline.evaluation.trials.files import Trial


@dataclass(frozen=True)
class Standing:
    """How the present decisions of a trial stand. `earlier`: hashes of other decisions that were used before."""

    sha256: str
    registered_at_utc: datetime
    is_before_outcomes: bool
    is_exploratory: bool
    earlier: tuple[str, ...]

    @property
    def guard(self) -> Guard:
        mine = f"registered on {self.registered_at_utc:%Y-%m-%d} ({self.sha256[:12]})"
        if self.is_exploratory:
            return Guard("registration", "forbids", f"exploratory: {mine}, after outcomes were known and after {self.earlier[-1][:12]} had been used")  # fmt: skip
        if self.is_before_outcomes:
            return Guard("registration", "clear", f"{mine}, before the last outcome was known")
        return Guard("registration", "warning", f"{mine}, when all outcomes were here: that it was written without knowing them rests on people's word")  # fmt: skip


def new_rows(
    on_record: pl.DataFrame, trials: Sequence[Trial], data_to: date | None, now: datetime, run_id: str
) -> pl.DataFrame:  # fmt: skip
    """The rows of decisions that were never used before; `on_record` and the answer in the columns of the table."""
    rows = []
    for trial in trials:
        mine = on_record.filter(pl.col("design_id") == trial.design_id)
        if trial.sha256 in mine["registration_sha256"]:
            continue
        window = trial.registered
        rows.append(
            (trial.design_id, mine.height + 1, trial.sha256, now, data_to, window.after_from, window.after_to, trial.decisions, run_id)
        )  # fmt: skip
    return pl.DataFrame(rows, schema=on_record.schema, orient="row")


def standing(on_record: pl.DataFrame, trial: Trial) -> Standing:
    """How the trial stands; its decisions must be on record.

    Exploratory: other decisions were used before these, and when these came, days of the window after (of these or of earlier ones)
    were known already. Going back to the first version makes it the first again.
    """
    mine = on_record.filter(pl.col("design_id") == trial.design_id).sort("version")
    row = mine.filter(pl.col("registration_sha256") == trial.sha256).row(0, named=True)
    earlier = mine.filter(pl.col("version") < row["version"])
    begins = min([row["after_from"], *earlier["after_from"].to_list()])
    data_to = row["data_to"]
    return Standing(
        trial.sha256,
        row["registered_at_utc"],
        is_before_outcomes=data_to is None or data_to < row["after_to"],
        is_exploratory=not earlier.is_empty() and data_to is not None and data_to >= begins,
        earlier=tuple(earlier["registration_sha256"]),
    )
