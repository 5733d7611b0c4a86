"""The printed page: A4 landscape with a title, a line or two below it, and a footer of facts.

Here: paper, type sizes, text that is wrapped to the page, and PNG files whose bytes repeat. Not
here: what is drawn between title and footer (`map_panel`, `concentration_sheet`).

Figures are made and saved without `pyplot`, by the Agg renderer: no display, no window, no state
left in the process. The typeface is the one that matplotlib brings, so a page looks the same on
every machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from hotspot_pipeline.published.files import PublishedFile, write_aside

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH_IN, HEIGHT_IN = 11.69, 8.27  # A4 landscape
MARGIN_IN = 0.45
DPI = 160
FONT = "DejaVu Sans"  # comes with matplotlib
NOTHING_COUNTED = "No counted events in the window"
INK, FAINT_INK = "#111111", "#555555"
TITLE_SIZE, LEAD_SIZE, TEXT_SIZE, FOOTER_SIZE = 17.0, 10.5, 9.0, 7.5
_LINE = 1.35  # line height over type size
_POINTS = 72.0  # per inch
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


class Box(NamedTuple):
    """A rectangle on the page, in inches from its lower left corner."""

    left: float
    bottom: float
    width: float
    height: float

    def on_page(self) -> tuple[float, float, float, float]:
        """The same in shares of the page, as matplotlib wants it."""
        return (
            self.left / WIDTH_IN,
            self.bottom / HEIGHT_IN,
            self.width / WIDTH_IN,
            self.height / HEIGHT_IN,
        )


@dataclass(frozen=True)
class Page:
    """A figure with its texts set, and the box that they leave free."""

    figure: Figure
    free: Box


def boxes_in_rows(
    region: Box,
    n: int,
    *,
    gap_in: float,
    heading_in: float,
    columns: Iterable[int],
    size_of: Callable[[float, float], float],
) -> list[Box]:
    """`n` equal boxes, each with room for a heading above it, in that number of `columns` that makes `size_of` (width, height) largest."""

    def size(n_columns: int) -> tuple[float, float]:
        n_rows = -(-n // n_columns)
        width = (region.width - gap_in * (n_columns - 1)) / n_columns
        return width, (region.height - gap_in * (n_rows - 1)) / n_rows - heading_in

    n_columns = max(columns, key=lambda each: size_of(*size(each)))
    width, height = size(n_columns)
    boxes = []
    for at in range(n):
        row, column = divmod(at, n_columns)
        top = region.bottom + region.height - row * (height + heading_in + gap_in)
        left = region.left + column * (width + gap_in)
        boxes.append(Box(left, top - heading_in - height, width, height))
    return boxes


@contextmanager
def plain_style() -> Iterator[None]:
    """Matplotlib as it ships, whatever this machine's own settings say."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update({"font.family": FONT, "text.parse_math": False})
        yield


def publish_page(
    path: Path, title: str, lead: str, footer: Mapping[str, str], draw: Callable[[Page], None]
) -> PublishedFile:
    """A page with what `draw` puts into the room that its texts leave free, as PNG at `path`."""
    with plain_style():
        page = new_page(title, lead, footer)
        draw(page)
        return write_aside(path, "png", lambda aside: save_png(page.figure, aside))


def new_page(title: str, lead: str, footer: Mapping[str, str]) -> Page:
    """A page with its title, the sentence below it, and the footer as `name: value` facts."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH_IN, HEIGHT_IN), dpi=DPI, facecolor="white")
    top = HEIGHT_IN - MARGIN_IN
    for text, size, weight, colour in (
        (title, TITLE_SIZE, "bold", INK),
        (lead, LEAD_SIZE, "normal", INK),
    ):
        for line in wrapped(text.split(), size, WIDTH_IN - 2 * MARGIN_IN, weight=weight):
            top -= size * _LINE / _POINTS
            write(figure, line, MARGIN_IN, top, size=size, weight=weight, color=colour)
    facts = [f"{name[:1].upper()}{name[1:]}: {value}" for name, value in footer.items()]
    lines = wrapped(facts, FOOTER_SIZE, WIDTH_IN - 2 * MARGIN_IN, between="   ·   ")
    bottom = MARGIN_IN
    for line in reversed(lines):
        write(figure, line, MARGIN_IN, bottom, size=FOOTER_SIZE, color=FAINT_INK)
        bottom += FOOTER_SIZE * _LINE / _POINTS
    bottom += 0.14
    return Page(
        figure, Box(MARGIN_IN, bottom, WIDTH_IN - 2 * MARGIN_IN, max(top - 0.18 - bottom, 1.0))
    )


def write(
    figure: Figure,
    text: str,
    left: float,
    bottom: float,
    *,
    size: float = TEXT_SIZE,
    weight: str = "normal",
    color: str = INK,
    align: str = "left",
) -> None:
    """A line of text with its foot at (left, bottom), in inches."""
    figure.text(
        left / WIDTH_IN, bottom / HEIGHT_IN, text,
        fontsize=size, fontweight=weight, color=color, ha=align, va="bottom",
    )  # fmt: skip


@lru_cache(maxsize=100_000)
def text_width(text: str, size: float, weight: str = "normal") -> float:
    """The width of a line of text in inches, as the renderer will set it. Kept: the footer of a night stands under every page of it."""
    from matplotlib.font_manager import FontProperties

    font = FontProperties(family=FONT, size=size, weight=weight)
    pixels, _, _ = _renderer().get_text_width_height_descent(text, font, ismath=False)
    return float(pixels) / DPI


@lru_cache(maxsize=1)
def _renderer() -> Any:
    from matplotlib.backends.backend_agg import RendererAgg

    return RendererAgg(1, 1, DPI)  # type: ignore[no-untyped-call]


def wrapped(
    items: Iterable[str],
    size: float,
    width_in: float,
    *,
    between: str = " ",
    weight: str = "normal",
) -> list[str]:
    """The items in lines no wider than `width_in`; one that is wider itself is broken at its blanks."""
    lines, line = [], ""
    for item in items:
        longer = f"{line}{between}{item}" if line else item
        if text_width(longer, size, weight) <= width_in:
            line = longer
            continue
        if line:
            lines.append(line)
        line = item
        if " " in item and text_width(item, size, weight) > width_in:
            *full, line = wrapped(item.split(), size, width_in, weight=weight)
            lines += full
    return [*lines, line] if line else lines


def save_png(figure: Figure, path: Path) -> None:
    """The page as a PNG of 256 colours without date or program version: equal pages, equal bytes.

    A map has few colours, and the file a quarter of the size; it is kept with every run.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    drawn = Image.frombuffer("RGBA", canvas.get_width_height(), canvas.buffer_rgba()).convert("RGB")
    # an eighth of the time of Pillow's default, no shade off by more than can be seen; the paper must stay white
    fewer = drawn.quantize(256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    palette = fewer.getpalette() or []
    paper = fewer.getpixel((0, 0))
    assert isinstance(paper, int)
    palette[3 * paper : 3 * paper + 3] = drawn.getpixel((0, 0))  # type: ignore[assignment]
    fewer.putpalette(palette)
    # a level higher takes ten times as long for a fifteenth of the bytes
    fewer.save(path, format="PNG", compress_level=6, dpi=(DPI, DPI))


def nothing_counted(page: Page) -> None:
    """The words that stand where a picture of events would be."""
    box = page.free
    page.figure.text(
        (box.left + box.width / 2) / WIDTH_IN, (box.bottom + box.height / 2) / HEIGHT_IN,
        f"{NOTHING_COUNTED}.", fontsize=LEAD_SIZE + 3, color=INK, ha="center", va="center",
        bbox={"facecolor": "white", "edgecolor": FAINT_INK, "pad": 9, "linewidth": 0.6},
    )  # fmt: skip


def window_text(window_from: date | None, window_to: date | None) -> str:
    """A half-open window as people say it: `1 January to 31 December 2025`; empty without one."""
    if window_from is None or window_to is None:
        return ""
    last = window_to - timedelta(days=1)
    if window_from == last:
        return _day(last, with_year=True)
    return f"{_day(window_from, with_year=window_from.year != last.year)} to {_day(last, True)}"


def counted(n: int, noun: str) -> str:
    """A number with its noun: `1 cell`, `1,310 cells`."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def percent(share: float | None) -> str:
    """A share as `1.3 %`, with the decimals that small shares need."""
    if share is None:
        return "unknown"
    value = 100 * share
    if value in (0.0, 100.0):
        return f"{value:.0f} %"
    return f"{value:.1f} %" if value >= 1 else f"{value:.2g} %"


def _day(day: date, with_year: bool) -> str:
    # not %B: month names follow the process's locale
    month = _MONTHS[day.month - 1]
    return f"{day.day} {month} {day.year}" if with_year else f"{day.day} {month}"
