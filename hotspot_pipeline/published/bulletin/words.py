"""The bulletin's sentences: why a figure differs, what happened to the records, the summary of an issue.

Counted frames in, text out. Not here: which reason a record has (`reasons.py`), the page (`page.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import polars as pl

from hotspot_pipeline.published.bulletin.figures import WINDOW
from hotspot_pipeline.published.bulletin.reasons import CAME, MOVED

NO_RECORD = "no record changed"
# these say by themselves whether a record came or left; others are said with their direction
_SAY_IT = (
    "cancelled", "transferred out", "merged into another crime", "turned into a non-crime", "reinstated", "recorded as a crime",
    "found to repeat another call", "counts as an incident of its own again", "no longer in the source", "in the source again",
    "known from withdrawn deliveries only", "located", "without a location now", "counted now", "no longer on record", CAME,
)  # fmt: skip
_DIRECTED = ("reclassified", MOVED, "re-dated")
_HOTSPOTS_IN_SUMMARY = 4


def why(parts: Sequence[tuple[str, str, int, int]]) -> str:
    """Why a figure differs: `parts` are (origin, change, sign, n), as `reasons.shown_in` counts them.

    Recodes first, then what came new, then what changed though no record did; the most frequent first.
    """
    said: dict[str, list[str]] = {"recoded": [], "new": [], "other": []}
    for origin, change, sign, n in sorted(parts, key=lambda p: (-p[3], p[1], p[2])):
        said[origin].append(f"{n:,} {_directed(change, sign)}")
    records = ", ".join([*said["recoded"], *said["new"]])
    others = f"{NO_RECORD}: {', '.join(said['other'])}" if said["other"] else ""
    return "; ".join(filter(None, (records, others)))


def _directed(change: str, sign: int) -> str:
    way = "into it" if sign > 0 else "out of it"
    if change in _DIRECTED:
        return f"{change} {way}"
    if change in _SAY_IT or change.startswith("no longer counted"):
        return change
    return f"{change}, {way}"


def number_of(n: int, thing: str) -> str:
    """`1 record`, `2 records`."""
    return f"{n:,} {thing}" if n == 1 else f"{n:,} {thing}s"


def changes(records: pl.DataFrame) -> list[str]:
    """What happened to the records, a line each: of the whole force, then of every hotspot that a recode touched.

    `records`: as `reasons.reasoned` gives them; only those that show in a figure.
    """
    lines = [
        f"{number_of(n, 'record')} {change}" + (f", {NO_RECORD}" if origin == "other" else "")
        for origin, change, n in _counted(records, "origin", "change")
    ]  # fmt: skip
    touched = _by_hotspot(records.filter(pl.col("origin") != "new"))
    for hotspot in sorted({h for h, *_ in touched}):
        parts = [(origin, change, sign, n) for h, origin, change, sign, n in touched if h == hotspot]  # fmt: skip
        lines.append(f"hotspot {hotspot}: {why(parts)}")
    return lines


def summary(
    last: tuple[int, date] | None,
    states: pl.DataFrame,
    records: pl.DataFrame,
    n_late: int,
) -> str:
    """The issue in a few sentences.

    `last`: number of the issue before and to when its data went; `states`: as `comparing.compared` gives them; `records`: as
    `reasons.reasoned`; `n_late`: new records of weeks that had ended.
    """
    n_first = states.filter(pl.col("state") == "first").height
    if last is None:
        return f"First issue: {number_of(n_first, 'figure')}, nothing to compare with."
    number, data_to = last
    changed = states.filter(pl.col("state") == "changed")
    settled = changed.filter(~pl.col("is_open"))
    n_hotspots = settled.filter(pl.col("figure") == WINDOW).height
    n_growing = changed.height - settled.height
    if settled.is_empty():
        said = [f"No figure of issue {number} (data to {data_to}) has changed."]
    else:
        of_hotspots = f", {number_of(n_hotspots, 'hotspot count')} among them" if n_hotspots else ""
        said = [f"{number_of(settled.height, 'figure')} of issue {number} (data to {data_to}) changed{of_hotspots}."]  # fmt: skip
    if n_growing:
        said.append(f"{number_of(n_growing, 'figure')} of weeks that had not ended then went on filling.")  # fmt: skip
    if n_first:
        said.append(f"{number_of(n_first, 'figure')} issued for the first time.")
    said += _of_records(records, n_late)
    said += _of_selection(states)
    return " ".join(said)


def _of_records(records: pl.DataFrame, n_late: int) -> list[str]:
    """Recoded, new, and counted otherwise though unchanged."""
    by_origin = {origin: part for (origin,), part in records.partition_by("origin", as_dict=True).items()}  # fmt: skip
    said = []
    if "recoded" in by_origin:
        recoded = by_origin["recoded"]
        parts = [
            f"{n:,} {change}" + (_moves(recoded) if change == MOVED else "")
            for change, n in _counted(recoded, "change")
        ]
        said.append(f"{number_of(recoded.height, 'record')} recoded: {', '.join(parts)}.")
    if "new" in by_origin:
        n_other = by_origin["new"].height - n_late
        said.append(f"{number_of(n_late, 'late report')}, {number_of(n_other, 'new record')} of weeks that had not ended.")  # fmt: skip
    if "other" in by_origin:
        said.append(f"{number_of(by_origin['other'].height, 'record')} counted otherwise though {NO_RECORD}.")  # fmt: skip
    return said


def _of_selection(states: pl.DataFrame) -> list[str]:
    """Hotspots that are new or gone, and a selection window that moved on."""
    windows = states.filter(pl.col("figure") == WINDOW)
    came = set(windows.filter(pl.col("state") == "first").get_column("place"))
    gone = set(windows.filter(pl.col("state") == "no_longer").get_column("place"))
    said = []
    if came & gone:
        spans = windows.filter(pl.col("state") == "first").select("period_from", "period_to").row(0)
        said.append(f"The selection window is {spans[0]} to {spans[1]} now: hotspot counts over it are first issues.")  # fmt: skip
    for names, text in ((came - gone, "New hotspots"), (gone - came, "Hotspots no longer")):
        if names:
            said.append(f"{text}: {', '.join(sorted(names))}.")
    return said


def _moves(recoded: pl.DataFrame) -> str:
    """` (1 into hotspot H-…)`: of the records that were moved; only the hotspots with most."""
    moved = [(h, sign, n) for h, _, change, sign, n in _by_hotspot(recoded) if change == MOVED]
    most = sorted(moved, key=lambda m: (-m[2], m[0], m[1]))
    said = [
        f"{n:,} {'into' if sign > 0 else 'out of'} hotspot {h}"
        for h, sign, n in most[:_HOTSPOTS_IN_SUMMARY]
    ]
    n_rest = sum(n for *_, n in most[_HOTSPOTS_IN_SUMMARY:])
    if n_rest:
        said.append(f"{n_rest:,} into or out of others")
    return f" ({', '.join(said)})" if said else ""


def _by_hotspot(records: pl.DataFrame) -> list[tuple[str, str, str, int, int]]:
    """(hotspot, origin, change, sign, n): what came into a hotspot's figures and left them, the selection window aside."""
    sides = [
        records.filter(
            pl.col(f"hotspot_id_{side}").is_not_null(),
            pl.col("hotspot_id_then").ne_missing(pl.col("hotspot_id_now")),
        ).select(hotspot=f"hotspot_id_{side}", origin="origin", change="change", sign=pl.lit(sign))
        for side, sign in (("then", -1), ("now", 1))
    ]
    counted = pl.concat(sides).group_by("hotspot", "origin", "change", "sign").agg(n=pl.len())
    return counted.sort("hotspot", "origin", "change", "sign").rows()


def _counted(records: pl.DataFrame, *columns: str) -> list[tuple[Any, ...]]:
    """The values of the columns and how often, the most frequent first."""
    counted = records.group_by(*columns).agg(n=pl.len())
    return counted.sort("n", *columns, descending=[True, *[False] * len(columns)]).rows()
