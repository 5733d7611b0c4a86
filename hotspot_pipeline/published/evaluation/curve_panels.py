"""Curves of effects with their intervals: by weeks since patrols began, hours since one left, length of a visit, distance.

Here: one panel a curve. Not here: the page that holds them (`effects_sheet`), the estimates (`evaluation`).

No point without its interval; an interval beyond the axis ends in an arrow. What comes before patrols is shaded, what everything is compared
with is hollow. Ratios stand on a log scale, so that half and double lie as far from no change.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from hotspot_pipeline.published.page import FAINT_INK, INK, TEXT_SIZE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SMALL = TEXT_SIZE - 1.5
BEFORE, CAREFUL = "#ededed", "#666666"
# a wider axis would hide what matters; arrows show what goes beyond
_MOST_LOG = math.log(5)
_TICKS = (0.2, 0.25, 0.33, 0.5, 0.7, 0.85, 1, 1.2, 1.4, 2, 3, 4, 5)
_LEAST_GAP = 0.11  # of the axis between two ticks
_HOURS_A_DAY = 24


@dataclass(frozen=True)
class Look:
    """`heading`, what lies along x, what a value is."""

    heading: str
    along: str
    value: str


LOOKS = {
    "event_study": Look("Weeks since patrols began", "weeks", "rate ratio"),
    "residual": Look("Days since a patrol left (as assigned)", "days", "rate ratio"),
    "koper": Look("Length of a visit, and what followed", "minutes of the visit", "events an hour"),
    "rings": Look("The places and the ground around", "", "rate ratio"),
}  # fmt: skip


def draw_curve(axes: Axes, name: str, steps: pl.DataFrame) -> None:
    """`steps` of `evaluation.effect_curves`, from left to right, at least one of them estimable."""
    look = LOOKS[name]
    known = steps.filter(pl.col("is_estimable") & pl.col("estimate").is_not_null())
    at = _places(name, steps)
    of = dict(zip(steps.get_column("step_no").to_list(), at, strict=True))
    is_ratio = known.get_column("scale")[0] == "log_ratio"
    low, high = _span(known, is_ratio)
    _shade(axes, steps, at)
    for row in known.iter_rows(named=True):
        _point(axes, of[row["step_no"]], row, low, high)
    lost = [of[k] for k in steps.filter(~pl.col("is_estimable")).get_column("step_no").to_list()]
    axes.plot(lost, [low + 0.06 * (high - low)] * len(lost), "x", color=FAINT_INK, ms=4, ls="none", zorder=4)  # fmt: skip
    axes.set_ylim(low, high)
    if is_ratio:
        axes.axhline(0, color=INK, lw=0.9, ls=(0, (4, 2)), zorder=2)
        ticks = _ratio_ticks(low, high)
        axes.set_yticks([math.log(t) for t in ticks], [f"{t:g}" for t in ticks])
    axes.set_ylabel(look.value, fontsize=SMALL, color=INK, labelpad=3)
    axes.set_xlabel(look.along, fontsize=SMALL, color=INK, labelpad=2)
    _x_ticks(axes, name, steps, at)


def set_up(axes: Axes) -> None:
    for name, spine in axes.spines.items():
        spine.set(color=FAINT_INK, linewidth=0.6, visible=name in ("left", "bottom"))
    axes.tick_params(labelsize=SMALL, colors=INK, length=2.5, pad=2)


def handles() -> list[Any]:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    return [
        Line2D([], [], marker="o", color=INK, ms=4.5, lw=1.2, label="estimate, 95 % interval"),
        Line2D([], [], marker="D", color=INK, mfc="white", ms=5, ls="none", label="reference: 1 by definition"),
        Patch(fc=BEFORE, label="before patrols, or placebo: should be about 1"),
        Line2D([], [], marker="^", color=INK, ms=5, ls="none", label="interval goes on"),
        Line2D([], [], marker="x", color=FAINT_INK, ms=5, ls="none", label="not estimable"),
        Line2D([], [], color=INK, lw=0.9, ls=(0, (4, 2)), label="no difference"),
    ]  # fmt: skip


def _places(name: str, steps: pl.DataFrame) -> list[float]:
    """Where each step stands along x: its middle; bands and rings side by side; hours as days."""
    if name in ("koper", "rings"):
        return [float(k) for k in range(steps.height)]
    scale = _HOURS_A_DAY if name == "residual" else 1
    found = []
    for start, end in steps.select("from_value", "to_value").iter_rows():
        width = 0.5 if end is None else (end - start) / scale
        found.append(start / scale + width / 2)
    return found


def _span(known: pl.DataFrame, is_ratio: bool) -> tuple[float, float]:
    """The axis: all points, and intervals as far as they are readable."""
    points = known.get_column("estimate").to_numpy()
    ends = pl.concat([known["low"], known["high"]]).drop_nulls().to_numpy()
    ends = ends[np.isfinite(ends)]
    if not is_ratio:
        most = float(np.max(np.concatenate([points, ends]), initial=0.0)) or 1.0
        return 0.0, 1.1 * most
    reach = float(np.max(np.abs(np.concatenate([points, np.clip(ends, -_MOST_LOG, _MOST_LOG)])), initial=0.2))  # fmt: skip
    return -1.12 * reach, 1.12 * reach


def _point(axes: Axes, x: float, row: dict[str, Any], low: float, high: float) -> None:
    if row["is_reference"]:
        axes.plot([x], [row["estimate"]], "D", color=INK, mfc="white", ms=5, ls="none", zorder=6)
        return
    ink = CAREFUL if row["is_lead"] else INK
    ends = [
        low if row["low"] is None or row["low"] < low else row["low"],
        high if row["high"] is None or row["high"] > high else row["high"],
    ]
    axes.plot([x, x], ends, color=ink, lw=1.2, zorder=4)
    for end, edge, marker in ((ends[0], low, "v"), (ends[1], high, "^")):
        if end == edge and edge != 0:
            axes.plot([x], [end], marker, color=ink, ms=5, ls="none", clip_on=False, zorder=5)
    axes.plot([x], [row["estimate"]], "o", color=ink, ms=4.5, mec="white", mew=0.6, ls="none", clip_on=False, zorder=6)  # fmt: skip


def _shade(axes: Axes, steps: pl.DataFrame, at: list[float]) -> None:
    leads = [x for x, is_lead in zip(at, steps.get_column("is_lead").to_list(), strict=True) if is_lead]  # fmt: skip
    if not leads:
        return
    axes.axvspan(min(at) - 0.6, 0, color=BEFORE, lw=0, zorder=0)
    axes.axvline(0, color=FAINT_INK, lw=0.8, zorder=1)


def _ratio_ticks(low: float, high: float) -> list[float]:
    """Round ratios that leave room for their numbers; no change always."""
    inside = [t for t in _TICKS if low <= math.log(t) <= high]
    gap = _LEAST_GAP * (high - low)
    kept: list[float] = [1]
    for side in ([t for t in inside if t > 1], [t for t in reversed(inside) if t < 1]):
        last = 1.0
        for tick in side:
            if abs(math.log(tick) - math.log(last)) >= gap:
                kept.append(tick)
                last = tick
    return sorted(kept)


def _x_ticks(axes: Axes, name: str, steps: pl.DataFrame, at: list[float]) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.set_xlim(min(at) - 0.6, max(at) + 0.6)
    if name in ("koper", "rings"):
        axes.set_xticks(at, _bands(name, steps))
        return
    axes.xaxis.set_major_locator(MaxNLocator(9, integer=True))
    if name == "residual":
        inside = list(range(math.ceil(min(at)), math.floor(max(at)) + 1))
        names = [f"{t}" for t in inside[:-1]] + (["7 +"] if inside[-1] == 7 else [f"{inside[-1]}"])
        axes.set_xticks(inside, names)


def _bands(name: str, steps: pl.DataFrame) -> Sequence[str]:
    """`3–6`, `30 +`; rings in metres with the places first; how many events beneath."""
    found = []
    for start, end, n in steps.select("from_value", "to_value", "n_events").iter_rows():
        if name == "rings" and not end:
            band = "the places"
        else:
            band = f"{start:g} +" if end is None else f"{start:g}–{end:g}{' m' if name == 'rings' else ''}"  # fmt: skip
        found.append(f"{band}\n{n:,} events")
    return found
