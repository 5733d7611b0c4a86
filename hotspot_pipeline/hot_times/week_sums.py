"""Weights of places by week and hour of the week, with the hours that those weeks really had.

Here: the one array that profiles, tests and windows work on, and the names of its blocks. Not here:
weights of single events (`aoristic`), what is made of the sums (`profiles`, `hot_blocks`, `windows`).

A week here is the police week in which an hour lies, so a week's weights and its hours belong
together: 23 or 25 hours of a Sunday, and none of the hours that are left out (special days).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from hotspot_pipeline.hot_times.aoristic import WEIGHT_UNIT
from hotspot_pipeline.timebase import HOURS_IN_WEEK

N_BLOCKS = 56
BLOCK_HOURS = 3
#: Block 0 is Monday 06:00 to 09:00, block 55 the last three hours of the police week.
FIRST_BLOCK_HOUR = 6
HOURS_A_YEAR = 8_766
# shares are squared in units of 10^-9, so that a square fits 64 bits
_SQUARED_IN = 10**3

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
Selection = Literal["all", "without_damage", "with_long_windows"]


def block_of(hour_of_week: pl.Expr) -> pl.Expr:
    """The three-hour block, 0 (Monday 06:00) to 55, of an hour of the week; as Int16."""
    return ((hour_of_week - FIRST_BLOCK_HOUR) % HOURS_IN_WEEK // BLOCK_HOURS).cast(pl.Int16)


def hours_of_block(block: int) -> list[int]:
    """The three hours of the week of a block."""
    first = FIRST_BLOCK_HOUR + block * BLOCK_HOURS
    return [(first + n) % HOURS_IN_WEEK for n in range(BLOCK_HOURS)]


@dataclass(frozen=True)
class WeekSums:
    """`weights` (n_places, n_weeks, n_bins) in units of 10^-12 events, `hours` (n_weeks, n_bins) real
    hours; bins are the 168 hours of the week or its 56 blocks."""

    places: tuple[str, ...]
    weeks: tuple[date, ...]
    weights: IntArray
    hours: IntArray

    @property
    def events(self) -> FloatArray:
        """(n_places, n_bins) weighted events of all weeks."""
        return np.asarray(self.weights.sum(axis=1) / WEIGHT_UNIT)

    @property
    def exposure(self) -> FloatArray:
        """(n_bins,) hours of all weeks."""
        return np.asarray(self.hours.sum(axis=0), dtype=np.float64)

    @property
    def years(self) -> float:
        return float(self.hours.sum()) / HOURS_A_YEAR

    def blocks(self) -> WeekSums:
        """The same by the 56 blocks."""
        first = np.roll(self.weights, -FIRST_BLOCK_HOUR, axis=2)
        shape = (len(self.places), len(self.weeks), N_BLOCKS, BLOCK_HOURS)
        hours = np.roll(self.hours, -FIRST_BLOCK_HOUR, axis=1)
        return replace(
            self,
            weights=first.reshape(shape).sum(axis=3),
            hours=hours.reshape(len(self.weeks), N_BLOCKS, BLOCK_HOURS).sum(axis=2),
        )

    def of_weeks(self, chosen: BoolArray) -> WeekSums:
        """Only the weeks marked in `chosen` (n_weeks,)."""
        weeks = tuple(w for w, is_in in zip(self.weeks, chosen, strict=True) if is_in)
        return replace(self, weeks=weeks, weights=self.weights[:, chosen], hours=self.hours[chosen])

    def is_odd_week(self) -> BoolArray:
        """(n_weeks,) every other week by the calendar, whatever weeks are left out."""
        return np.array([week.toordinal() // 7 % 2 == 1 for week in self.weeks], dtype=np.bool_)


def week_sums(sums: pl.DataFrame, hours: pl.DataFrame, places: Sequence[str]) -> WeekSums:
    """Lay out weights by place and hour over the hours of a period.

    `sums`, one row per place and hour: place, hour_start_utc, weight (from `aoristic.hour_sums`, or
    `event_hours` summed). `hours`, one row an hour: hour_start_utc, hour_of_week, week_start
    (`timebase.local_hours.hours_of`, special days left out). Weights outside these hours are left out
    with them (`left_out`); places without any are rows of zeros. Raises ValueError for a place that is
    not in `places`.
    """
    unknown = sums.filter(~pl.col("place").is_in(list(places)))
    if unknown.height:
        raise ValueError(
            f"week sums: place '{unknown['place'][0]}' has weights but is not one of the "
            f"{len(places)} places; give its weights out, or the place in"
        )
    weeks = hours.get_column("week_start").unique().sort()
    week_no = pl.DataFrame({"week_start": weeks}).with_row_index("week")
    place_no = pl.DataFrame({"place": pl.Series(places, dtype=pl.String)}).with_row_index("row")
    numbered = hours.join(week_no, on="week_start")
    inside = sums.join(numbered, on="hour_start_utc").join(place_no, on="place")
    weights = np.zeros((len(places), len(weeks), HOURS_IN_WEEK), dtype=np.int64)
    at = tuple(inside.get_column(name).to_numpy() for name in ("row", "week", "hour_of_week"))
    # the hour that autumn repeats comes twice
    np.add.at(weights, at, inside.get_column("weight").to_numpy())
    counted = np.zeros((len(weeks), HOURS_IN_WEEK), dtype=np.int64)
    np.add.at(
        counted, tuple(numbered.get_column(n).to_numpy() for n in ("week", "hour_of_week")), 1
    )
    return WeekSums(tuple(places), tuple(weeks.to_list()), weights, counted)


def left_out(sums: pl.DataFrame, hours: pl.DataFrame) -> int:
    """The weight of `sums` that lies in none of `hours`: on special days, or outside the period."""
    return int(sums.join(hours, on="hour_start_utc", how="anti").get_column("weight").sum())


def selected(rows: pl.DataFrame, selection: Selection) -> pl.DataFrame:
    """The rows of events that a profile is made of: temporal_quality and cat_group decide.

    `all` are those of good quality; `without_damage` leaves out criminal damage, most of which is
    found in the morning and spread over the night; `with_long_windows` takes windows of one to seven
    days in, as a sensitivity.
    """
    if selection == "with_long_windows":
        return rows
    good = rows.filter(pl.col("temporal_quality") == "good")
    if selection == "without_damage":
        return good.filter(pl.col("cat_group") != "CRIM_DAMAGE")
    return good


def n_effective(rows: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """How many events with a known block the weights are worth, by the columns `by`.

    `rows` as of `aoristic.event_hours`, with `by` and event_id. Each event counts the sum of the
    squares of its shares of the blocks (Simpson's index): 1 if it lies in one block, 1/4 if it is
    spread evenly over four. Added up in whole numbers, so the order of the rows does not matter.
    """
    shares = rows.group_by(*by, "event_id", block_of(pl.col("hour_of_week")).alias("block")).agg(
        pl.col("weight").sum() // _SQUARED_IN
    )
    square = (pl.col("weight") * pl.col("weight")).cast(pl.Int128)
    squares = shares.group_by(by).agg(square.sum().alias("squares"))
    return squares.select(*by, n_effective=pl.col("squares") / (WEIGHT_UNIT // _SQUARED_IN) ** 2)
