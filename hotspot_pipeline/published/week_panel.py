"""One week as a grid of seven police days by 24 hours, shaded by a figure of each hour, its windows boxed.

Here: drawing one such grid into a box of the page, and the classes of rate ratios. Not here: the sheets that hold
them (`hot_times_sheet`, `patrols.sheet` with classes of its own), the figures (`hot_times`, `patrols`).

A row is a police day, so it runs from 06:00 to 06:00 and a night out stays in one piece. Classes are the
same on every picture, so that places can be compared; shades differ in lightness, boxes are black on
white, and large grids print the figure where it is high: grey print loses nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hotspot_pipeline.published.map_classes import shades
from hotspot_pipeline.published.page import FAINT_INK, INK, TEXT_SIZE, Box, write

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Upper ends of all classes but the last.
BOUNDS = (0.5, 1.0, 1.5, 2.5, 4.0)
CLASS_NAMES = ("under 0.5", "0.5–1", "1–1.5", "1.5–2.5", "2.5–4", "4 and over")
PRINTED_FROM = 1.5
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_HOURS, _DAYS = 24, 7
_NUMBER_SIZE = 7.0
_KEY_IN = 0.26

Floats = NDArray[np.float64]
Colour = tuple[float, float, float, float]


@dataclass(frozen=True)
class BoxedWindow:
    """A patrol window: the hours from the start of the police week (0 to 167), and its number."""

    start: int
    n_hours: int
    number: int


@dataclass(frozen=True)
class Shading:
    """Six classes of figures: the upper ends of all but the last, their names, from which figure on it is printed and with how many
    decimals, and what is shaded, in words."""

    bounds: tuple[float, ...]
    names: tuple[str, ...]
    printed_from: float
    decimals: int
    says: str


RATIOS = Shading(
    BOUNDS, CLASS_NAMES, PRINTED_FROM, 1, "Events per hour, as a multiple of the place's mean hour (smoothed)."
)  # fmt: skip


def class_shades() -> list[Colour]:
    """White for the quietest hours, then lighter to darker."""
    return [(1.0, 1.0, 1.0, 1.0), *shades(len(BOUNDS))]


def draw_week(
    figure: Figure,
    box: Box,
    ratios: Floats,
    windows: Sequence[BoxedWindow],
    *,
    day_starts_hour: int = 6,
    is_small: bool = False,
    shading: Shading = RATIOS,
) -> Axes:
    """Draw `ratios` (168,), or other figures with a `shading` of theirs, in hours from the start of the police week, NaN where not known.

    A small grid has neither ticks nor numbers; its windows are boxed all the same.
    """
    axes = figure.add_axes(box.on_page())
    rows = ratios.reshape(_DAYS, _HOURS)
    axes.imshow(
        _colours(rows, shading), aspect="auto", interpolation="nearest", extent=(0, _HOURS, _DAYS, 0)
    )  # fmt: skip
    axes.set_xlim(0, _HOURS)
    axes.set_ylim(_DAYS, 0)
    midnight = (24 - day_starts_hour) % 24
    axes.axvline(midnight, color=FAINT_INK, lw=0.6, ls=(0, (4, 2)))
    if is_small:
        axes.set_xticks([])
        axes.set_yticks([])
    else:
        _name_hours(axes, day_starts_hour)
        _print_figures(axes, rows, shading)
    for spine in axes.spines.values():
        spine.set(color=FAINT_INK, linewidth=0.6)
    for window in windows:
        _box(axes, window, is_small)
    return axes


def draw_key(
    figure: Figure, box: Box, *, has_unknown: bool = False, shading: Shading = RATIOS
) -> None:
    """The classes in a row, at the foot of `box`, with what a box means above them."""
    from matplotlib.patches import Patch

    write(
        figure,
        f"{shading.says} Each row is a police day; the dashed line is midnight. Boxes: patrol windows.",
        box.left,
        box.bottom + _KEY_IN,
    )
    keys: list[Any] = [
        Patch(fc=shade, ec=FAINT_INK, lw=0.4, label=name)
        for name, shade in zip(shading.names, class_shades(), strict=True)
    ]
    if has_unknown:
        keys.append(Patch(fc="white", ec=FAINT_INK, lw=0.4, hatch="////", label="not known"))
    axes = figure.add_axes(box._replace(height=_KEY_IN).on_page())
    axes.set_axis_off()
    axes.legend(
        handles=keys, loc="lower left", ncols=len(keys), frameon=False, fontsize=TEXT_SIZE,
        borderaxespad=0, borderpad=0, columnspacing=1.6, handlelength=1.6,
    )  # fmt: skip


def _colours(rows: Floats, shading: Shading) -> Floats:
    palette = np.array(class_shades())
    colours = palette[np.searchsorted(shading.bounds, np.nan_to_num(rows), side="right")]
    colours[np.isnan(rows)] = (0.93, 0.93, 0.93, 1.0)
    return np.asarray(colours)


def _name_hours(axes: Axes, day_starts_hour: int) -> None:
    ticks = np.arange(0, _HOURS + 1, 3)
    axes.set_xticks(ticks, [f"{(t + day_starts_hour) % 24:02d}:00" for t in ticks])
    axes.set_yticks(np.arange(_DAYS) + 0.5, list(WEEKDAYS))
    axes.tick_params(labelsize=TEXT_SIZE, colors=INK, length=2.5)
    axes.tick_params(axis="y", length=0)
    # hairlines between the cells, so that hours can be counted
    axes.set_xticks(np.arange(1, _HOURS), minor=True)
    axes.set_yticks(np.arange(1, _DAYS), minor=True)
    axes.grid(which="minor", color="#bbbbbb", lw=0.4)
    axes.tick_params(which="minor", length=0)


def _print_figures(axes: Axes, rows: Floats, shading: Shading) -> None:
    dark = len(shading.bounds) - 1
    for day, hour in zip(*np.nonzero(np.nan_to_num(rows) >= shading.printed_from), strict=True):
        figure = float(rows[day, hour])
        on_dark = int(np.searchsorted(shading.bounds, figure, side="right")) >= dark
        axes.text(
            hour + 0.5, day + 0.62, f"{figure:.{shading.decimals}f}" if figure < 9.95 else f"{figure:.0f}",
            ha="center", va="center", fontsize=_NUMBER_SIZE, color="white" if on_dark else INK,
        )  # fmt: skip


def _box(axes: Axes, window: BoxedWindow, is_small: bool) -> None:
    """The window's outline, in two parts where it runs on into the next police day."""
    from matplotlib.patheffects import withStroke

    width = 1.3 if is_small else 2.4
    halo = [withStroke(linewidth=width + (1.2 if is_small else 2.4), foreground="white")]
    inset = 0.07
    at, left = window.start, window.n_hours
    while left:
        day, hour = divmod(at % (_DAYS * _HOURS), _HOURS)
        n = min(left, _HOURS - hour)
        begins, ends = at == window.start, n == left
        west = hour + (inset if begins else 0)
        east = hour + n - (inset if ends else 0)
        north, south = day + inset, day + 1 - inset
        # open where it runs on
        path = [(west, south), (west, north), (east, north), (east, south)]
        if begins and ends:
            path += [(west, south), (west, north)]
        elif begins:
            path = [(east, north), (west, north), (west, south), (east, south)]
        elif ends:
            path = [(west, north), (east, north), (east, south), (west, south)]
        axes.plot(
            *zip(*path, strict=True), color="black", lw=width, path_effects=halo,
            solid_joinstyle="miter", solid_capstyle="butt", zorder=5,
        )  # fmt: skip
        if begins and not is_small:
            axes.text(
                west + 0.03, north + 0.02, str(window.number), ha="left", va="top", fontsize=_NUMBER_SIZE,
                fontweight="bold", color="white", zorder=6,
                bbox={"facecolor": "black", "edgecolor": "none", "pad": 0.9},
            )  # fmt: skip
        at, left = at + n, left - n
