"""The lineage picture: the steps of the pipeline as boxes, by stage from left to right, as SVG.

Here: a small layered layout (Sugiyama, Tagawa and Toda 1981, without its crossing sweeps: the graph
is a few dozen boxes) and its drawing. Not here: which steps and arrows there are (`dictionary`).

A stage is one column, or more where its steps stand more than three deep. An arrow over several
columns gets a lane of its own in each column between, so that it passes beside the boxes. The page
brings its own white card, so it reads the same on a light and on a dark background; lengths are in
user units, about a pixel each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

from hotspot_pipeline.sql_models.dictionary import Step, StepKind, step_id
from hotspot_pipeline.warehouse.contract import STAGES

_SUBTITLE = {
    "raw": "as delivered",
    "validated": "typed and judged",
    "history": "as it stands",
    "hexes": "counts, scores, hotspots",
    "hot_times": "when",
    "patrols": "who was where",
    "evaluation": "did it work",
    "published": "for people",
}
_KINDS: dict[StepKind, tuple[str, str]] = {
    "sql": ("#2563a8", "SQL model"),
    "python": ("#b45309", "Python kernel"),
    "files": ("#4d7c0f", "files"),
}
_FONT = "ui-sans-serif, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif"
_SIZE, _CHARACTER, _ROW = 13.0, 6.9, 18.0
_PAD, _BETWEEN, _LANE = 9.0, 15.0, 4.0
_GAP_STAGE, _GAP_COLUMN, _MARGIN, _HEADER, _LEGEND = 52.0, 58.0, 20.0, 62.0, 34.0
_LEVELS_IN_COLUMN = 3


@dataclass(eq=False)
class _Box:
    """A step's box, or (`step` None) a lane for an arrow that passes; y is its middle."""

    id: str
    step: Step | None = None
    wanted_y: float = 0.0
    y: float = 0.0

    @property
    def height(self) -> float:
        if self.step is None:
            return _LANE
        return len(self.step.tables) * _ROW + (_ROW if _title(self.step) else 0) + 2 * _PAD - 4


@dataclass(eq=False)
class _Column:
    stage: str
    boxes: list[_Box]
    x: float = 0.0
    width: float = field(default=0.0)

    @property
    def height(self) -> float:
        return sum(b.height for b in self.boxes) + _BETWEEN * (len(self.boxes) - 1)

    def stack(self, middle: float) -> None:
        """Puts the boxes below each other in their order, around `middle`."""
        top = middle - self.height / 2
        for box in self.boxes:
            box.y = top + box.height / 2
            top += box.height + _BETWEEN


def draw(steps: Sequence[Step], edges: Sequence[tuple[str, str]]) -> str:
    """The picture as SVG text. `edges` are (writer, reader) pairs of step ids."""
    columns = _columns(steps, edges)
    place = {box.id: number for number, column in enumerate(columns) for box in column.boxes}
    _order(columns, edges)
    lanes = _lanes(columns, edges, place)
    for column in columns:
        column.width = (
            2 * _PAD
            + 6
            + _CHARACTER
            * max(
                (len(n.split(".")[1]) for b in column.boxes if b.step for n in b.step.names),
                default=0,
            )
        )
    middle = _MARGIN + _HEADER + max(column.height for column in columns) / 2
    x = _MARGIN + _PAD
    for number, column in enumerate(columns):
        column.stack(middle)
        column.x = x
        follows = number + 1 < len(columns) and columns[number + 1].stage == column.stage
        x += column.width + (_GAP_COLUMN if follows else _GAP_STAGE)
    width = x - _GAP_STAGE + _PAD + _MARGIN
    bottom = middle + max(column.height for column in columns) / 2 + _PAD
    return _svg(columns, edges, place, lanes, width, bottom)


def _columns(steps: Sequence[Step], edges: Sequence[tuple[str, str]]) -> list[_Column]:
    columns: list[_Column] = []
    for stage in STAGES:
        of_stage = {step_id(s): s for s in steps if s.stage == stage}
        level = dict.fromkeys(of_stage, 0)
        for _ in of_stage:  # as many rounds as the longest chain can have links
            for source, target in edges:
                if source in level and target in level:
                    level[target] = max(level[target], level[source] + 1)
        for first in range(0, max(level.values(), default=-1) + 1, _LEVELS_IN_COLUMN):
            inside = [i for i in of_stage if first <= level[i] < first + _LEVELS_IN_COLUMN]
            inside.sort(key=lambda i: level[i])
            columns.append(_Column(stage, [_Box(i, of_stage[i], level[i]) for i in inside]))
    return columns


def _order(columns: Sequence[_Column], edges: Sequence[tuple[str, str]]) -> None:
    """Within a level, boxes follow the middle of what they read, so that few arrows cross."""
    by_id = {box.id: box for column in columns for box in column.boxes}
    for column in columns:
        sources = {b.id: [by_id[s].y for s, t in edges if t == b.id] for b in column.boxes}

        def key(box: _Box, of: Mapping[str, list[float]] = sources) -> tuple[float, float, str]:
            found = of[box.id]
            return (box.wanted_y, sum(found) / len(found) if found else 0.0, box.id)

        column.boxes.sort(key=key)
        column.stack(0.0)


def _lanes(
    columns: Sequence[_Column], edges: Sequence[tuple[str, str]], place: Mapping[str, int]
) -> dict[tuple[str, str], list[_Box]]:
    """For each arrow over several columns, its lane in every column between."""
    by_id = {box.id: box for column in columns for box in column.boxes}
    lanes: dict[tuple[str, str], list[_Box]] = {}
    for source, target in edges:
        first, last = place[source], place[target]
        for number in range(first + 1, last):
            part = (number - first) / (last - first)
            y = by_id[source].y + part * (by_id[target].y - by_id[source].y)
            lane = _Box(f"{source} to {target}", None, y)
            boxes = columns[number].boxes
            before = sum(box.y <= y for box in boxes)
            boxes.insert(before, lane)
            lanes.setdefault((source, target), []).append(lane)
            columns[number].stack(0.0)
    return lanes


def _svg(
    columns: Sequence[_Column],
    edges: Sequence[tuple[str, str]],
    place: Mapping[str, int],
    lanes: Mapping[tuple[str, str], list[_Box]],
    width: float,
    bottom: float,
) -> str:
    height = bottom + _LEGEND + _MARGIN / 2
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}" font-family="{_FONT}" font-size="{_SIZE:.0f}" role="img">',
        "<title>The steps of the pipeline by stage</title>",
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7.4" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0.6 L8 4 L0 7.4 z" fill="#64748b"/></marker></defs>',
        f'<rect x="0.5" y="0.5" width="{width - 1:.0f}" height="{height - 1:.0f}" rx="10" fill="#ffffff" stroke="#d5dbe3"/>',
        *_stages(columns, bottom),
        *(_arrow(columns, place, lanes.get(edge, []), *edge) for edge in edges),
        *(_card(column, box) for column in columns for box in column.boxes if box.step),
        _legend(bottom + _LEGEND / 2),
        "</svg>",
    ]
    return "\n".join(part for part in parts if part) + "\n"


def _stages(columns: Sequence[_Column], bottom: float) -> list[str]:
    parts = []
    for stage in dict.fromkeys(column.stage for column in columns):
        own = [column for column in columns if column.stage == stage]
        left, right = own[0].x - _PAD, own[-1].x + own[-1].width + _PAD
        parts.append(
            f'<rect x="{left:.1f}" y="{_MARGIN:.1f}" width="{right - left:.1f}" height="{bottom - _MARGIN + 4:.1f}" rx="8" fill="#f3f6fa"/>'
            f'<text x="{left + _PAD:.1f}" y="{_MARGIN + 23:.1f}" font-size="16" font-weight="700" fill="#1d2733">{stage}</text>'
            f'<text x="{left + _PAD:.1f}" y="{_MARGIN + 41:.1f}" font-size="12" fill="#55616e">{escape(_SUBTITLE[stage])}</text>'
        )
    return parts


def _arrow(
    columns: Sequence[_Column],
    place: Mapping[str, int],
    lanes: Sequence[_Box],
    source: str,
    target: str,
) -> str:
    first, last = columns[place[source]], columns[place[target]]
    start = next(box for box in first.boxes if box.id == source)
    end = next(box for box in last.boxes if box.id == target)
    if first is last:
        return _line(_inside(first, start, end))
    x, y = first.x + first.width, start.y
    path = f"M{x:.1f} {y:.1f}"
    between = columns[place[source] + 1 : place[target]]
    stops = [(c.x, c.x + c.width, lane.y) for c, lane in zip(between, lanes, strict=True)]
    for left, right, at in [*stops, (last.x, last.x, end.y)]:
        half = (left - x) / 2
        path += f" C{x + half:.1f} {y:.1f} {left - half:.1f} {at:.1f} {left:.1f} {at:.1f}"
        path += f" H{right:.1f}" if right > left else ""
        x, y = right, at
    return _line(path)


def _inside(column: _Column, start: _Box, end: _Box) -> str:
    """Down to the next box, or around the left side to one further down."""
    at = column.boxes.index(start)
    if column.boxes[at + 1] is end:
        x = column.x + column.width / 2
        return f"M{x:.1f} {start.y + start.height / 2:.1f} V{end.y - end.height / 2:.1f}"
    # away from the middle of the side, where arrows come in
    x, out, y = column.x, column.x - 22, start.y + start.height / 2 - 5
    return f"M{x:.1f} {y:.1f} C{out:.1f} {y:.1f} {out:.1f} {end.y:.1f} {x:.1f} {end.y:.1f}"


def _line(path: str) -> str:
    return (
        f'<path d="{path}" fill="none" stroke="#64748b" stroke-width="1.3" marker-end="url(#tip)"/>'
    )


def _card(column: _Column, box: _Box) -> str:
    step = box.step
    assert step is not None
    colour = _KINDS[step.kind][0]
    x, top = column.x, box.y - box.height / 2
    rows = (
        [(_title(step), "#55616e", ' font-size="11" font-style="italic"')] if _title(step) else []
    )
    rows += [(name.split(".")[1], "#1d2733", "") for name in step.names]
    texts = "".join(
        f'<text x="{x + _PAD + 5:.1f}" y="{top + _PAD + 11 + _ROW * number:.1f}" fill="{fill}"{style}>{escape(text)}</text>'
        for number, (text, fill, style) in enumerate(rows)
    )
    return (
        f'<rect x="{x:.1f}" y="{top:.1f}" width="{column.width:.1f}" height="{box.height:.1f}" rx="5" fill="#ffffff" stroke="#b8c2ce"/>'
        f'<rect x="{x:.1f}" y="{top:.1f}" width="5" height="{box.height:.1f}" rx="2" fill="{colour}"/>{texts}'
    )


def _title(step: Step) -> str:
    """The step's own name, where it is not that of a table it writes."""
    return "" if f"{step.stage}.{step.name}" in step.names else step.name.replace("_", " ")


def _legend(y: float) -> str:
    parts, x = [], _MARGIN + _PAD
    for colour, words in _KINDS.values():
        parts.append(
            f'<rect x="{x:.1f}" y="{y - 6:.1f}" width="5" height="12" rx="2" fill="{colour}"/>'
            f'<text x="{x + 11:.1f}" y="{y + 4:.1f}" font-size="12" fill="#55616e">{words}</text>'
        )
        x += 40 + 6.5 * len(words)
    parts.append(
        f'<text x="{x + 6:.1f}" y="{y + 4:.1f}" font-size="12" fill="#55616e">'
        "one box is one step; an arrow that a longer path implies is left out</text>"
    )
    return "".join(parts)
