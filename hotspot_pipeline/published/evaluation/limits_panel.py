"""One control chart: the counts of a series of weeks, what was expected, limits, signals, and what of it is not final.

Here: a panel, large or small. Not here: the sheets that hold them (`limits_sheet`, `limits_overview`), the limits themselves (`evaluation`).

Counts are whole numbers, so a band reaches half an event beyond its limits: a dot on a limit is seen to lie inside. Made for grey print: bands
differ in lightness, kinds of weeks in the filling of the dot, signals in shape.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from hotspot_pipeline.published.evaluation.rows import WEEK
from hotspot_pipeline.published.page import FAINT_INK, INK, TEXT_SIZE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SMALL = TEXT_SIZE - 1.5
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
WIDE_BAND, NARROW_BAND, SIGNAL = "#ececec", "#cfcfcf", "#b2182b"
SHORT_BASELINE = "short baseline"
Look = dict[str, Any]
LOOKS: dict[str, Look] = {
    "expected": {"color": INK, "lw": 1.0, "ls": (0, (4, 2))},
    "settled": {"marker": "_", "color": "#2166ac", "ms": 7, "mew": 2.0, "ls": "none"},
    "provisional": {"marker": "o", "mfc": "white", "mec": INK, "mew": 0.9, "ls": "none"},
    "beyond": {"marker": "o", "mfc": "none", "mec": SIGNAL, "mew": 1.8, "ls": "none"},
    "drift": {"marker": "v", "mfc": SIGNAL, "mec": SIGNAL, "ls": "none"},
    "open_weeks": {"fc": "none", "ec": "#a0a0a0", "hatch": "....", "lw": 0},
}


@dataclass(frozen=True)
class Axis:
    """The weeks that a panel reaches over, so that panels below each other share them."""

    first: date
    last: date

    @property
    def n_weeks(self) -> int:
        return (self.last - self.first) // WEEK + 1

    def at(self, weeks: pl.Series) -> np.ndarray:
        return (weeks - self.first).dt.total_days().to_numpy() / 7

    def month_ticks(self, most: int) -> tuple[list[float], list[str]]:
        """Firsts of months, every one or so many that `most` are not passed; years are named where they change."""
        month = date(self.first.year, self.first.month, 1)
        found: list[tuple[float, date]] = []
        while month <= self.last:
            if month >= self.first:
                found.append(((month - self.first).days / 7, month))
            month = date(month.year + month.month // 12, month.month % 12 + 1, 1)
        every = next((n for n in (1, 2, 3, 4, 6) if len(found) <= n * most), 12)
        kept = [(at, m) for at, m in found if (m.month - 1) % every == 0]
        years = [None, *(m.year for _, m in kept)]
        names = [MONTHS[m.month - 1] + (f" {m.year}" if m.year != before else "") for (_, m), before in zip(kept, years, strict=False)]  # fmt: skip
        return [at for at, _ in kept], names


def set_up(axes: Axes, weeks: Axis, *, most_ticks: int, has_names: bool = True) -> None:
    axes.set_xlim(-0.7, weeks.n_weeks - 0.3)
    for name, spine in axes.spines.items():
        spine.set(color=FAINT_INK, linewidth=0.6, visible=name in ("left", "bottom"))
    axes.tick_params(labelsize=SMALL, colors=INK, length=2.5, pad=2)
    at, names = weeks.month_ticks(most_ticks)
    axes.set_xticks(at, names if has_names else [""] * len(at))


def draw_counts(axes: Axes, series: pl.DataFrame, weeks: Axis, *, is_small: bool = False) -> None:
    """A series of `rows.WeekRows`; axes as of `set_up`."""
    from matplotlib.ticker import MaxNLocator

    x = weeks.at(series.get_column("week_start"))
    n = series.get_column("n_events").to_numpy()
    _bands(axes, x, series)
    if not is_small:
        shade_open(axes, x, series)
    axes.plot(x, _floats(series, "mu"), drawstyle="steps-mid", zorder=3, **LOOKS["expected"])
    size = 2.6 if is_small else 4.6
    axes.plot(x, n, color="#777777", lw=0.5 if is_small else 0.7, zorder=4)
    is_open = series.get_column("is_provisional").to_numpy()
    axes.plot(x[~is_open], n[~is_open], "o", color=INK, ms=size, mew=0, ls="none", zorder=6)
    low, high = _floats(series, "settled_low"), _floats(series, "settled_high")
    for k in np.flatnonzero(np.isfinite(low) & is_open):
        axes.plot([x[k]] * 2, [low[k], high[k]], color=INK, lw=0.9, zorder=5)
    axes.plot(x[is_open], n[is_open], ms=size, zorder=6, **LOOKS["provisional"])
    if not is_small:
        settled = _floats(series, "n_settled")
        at = np.isfinite(settled) & (settled != n)
        axes.plot(x[at], settled[at], zorder=7, **LOOKS["settled"])
    top = _signals(axes, x, series, size)
    axes.set_ylim(-0.6, max(top * 1.1, 3.5))
    axes.yaxis.set_major_locator(MaxNLocator(3 if is_small else 7, integer=True, steps=[1, 2, 5, 10]))  # fmt: skip


def shade_open(axes: Axes, x: np.ndarray, series: pl.DataFrame) -> None:
    """The weeks to which more may come."""
    for k in np.flatnonzero(series.get_column("is_provisional").to_numpy()):
        axes.axvspan(x[k] - 0.5, x[k] + 0.5, zorder=2.5, **LOOKS["open_weeks"])


def is_beyond(series: pl.DataFrame) -> np.ndarray:
    """(n_weeks,): outside the 99.8 % limits."""
    n = pl.col("n_events")
    outside = ((n > pl.col("upper_998")) | (n < pl.col("lower_998"))).fill_null(False)
    return series.select(outside).to_series().to_numpy()


def is_drift(series: pl.DataFrame) -> np.ndarray:
    """(n_weeks,): a signal of several weeks together, a run or the CUSUM."""
    said = pl.col("signal").fill_null("")
    drift = said.str.contains("eight weeks", literal=True) | said.str.contains("CUSUM", literal=True)  # fmt: skip
    return series.select(drift).to_series().to_numpy()


def handles(names: Sequence[str]) -> list[Any]:
    """Of a legend."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    made = {
        "latest": Line2D([], [], marker="o", color="#777777", mfc=INK, mec=INK, ms=4.6, lw=0.7, label="events, known now"),
        "provisional": Line2D([], [], ms=4.6, label="not final, nowcast (90 %)", **LOOKS["provisional"]),
        "settled": Line2D([], [], label="as settled, if other", **LOOKS["settled"]),
        "expected": Line2D([], [], label="expected", **LOOKS["expected"]),
        "narrow": Patch(fc=NARROW_BAND, label="95 % limits"),
        "wide": Patch(fc=WIDE_BAND, label="99.8 % limits"),
        "short": Line2D([], [], color=FAINT_INK, lw=2.2, label=SHORT_BASELINE),
        "beyond": Line2D([], [], ms=9, label="outside 99.8 %", **LOOKS["beyond"]),
        "drift": Line2D([], [], ms=5, label="run or CUSUM", **LOOKS["drift"]),
    }  # fmt: skip
    return [made[name] for name in names]


def _bands(axes: Axes, x: np.ndarray, series: pl.DataFrame) -> None:
    """Steps a week wide; nothing where there is no baseline."""
    for level, colour, order in (("998", WIDE_BAND, 1), ("95", NARROW_BAND, 2)):
        low, high = _floats(series, f"lower_{level}") - 0.5, _floats(series, f"upper_{level}") + 0.5
        edges = np.stack([x - 0.5, x + 0.5], axis=1).ravel()
        axes.fill_between(edges, np.repeat(low, 2), np.repeat(high, 2), color=colour, lw=0, zorder=order)  # fmt: skip


def _signals(axes: Axes, x: np.ndarray, series: pl.DataFrame, size: float) -> float:
    """Marks them; returns the height that all of the panel needs."""
    n = series.get_column("n_events").to_numpy()
    beyond, drift = is_beyond(series), is_drift(series)
    top = max(float(np.nanmax(v, initial=0.0)) for v in (n, _floats(series, "upper_998"), _floats(series, "settled_high")))  # fmt: skip
    lift = 0.09 * max(top, 3.0)
    axes.plot(x[beyond], n[beyond], ms=2.2 * size, zorder=8, **LOOKS["beyond"])
    axes.plot(x[drift], n[drift] + lift, ms=size + 0.6, zorder=8, **LOOKS["drift"])
    return max(top, float((n[drift] + 1.6 * lift).max(initial=0.0)))


def _floats(series: pl.DataFrame, name: str) -> np.ndarray:
    return series.get_column(name).cast(pl.Float64).fill_null(float("nan")).to_numpy()
