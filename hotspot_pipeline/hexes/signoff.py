"""The sign-off record: which hotspots a person fixed, when, and why any was added or dropped.

A small YAML file in the force's folder (`hotspots.yml`), newest selection last; only ever added to. The pipeline
reads it, people and `hotspots signoff` write it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import yaml


class SignoffError(ValueError):
    """A sign-off file that cannot be used; names file, entry and rule."""


@dataclass(frozen=True)
class SignedHotspot:
    hotspot_id: str
    cell_ids: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class Selection:
    """One sign-off: its date is the version of every hotspot in it."""

    version: date
    signed_by: str
    because: str
    resolution: int
    window_from: date
    window_to: date
    hotspots: tuple[SignedHotspot, ...]
    dropped: tuple[SignedHotspot, ...] = ()


def read_selections(path: Path) -> list[Selection]:
    """Every sign-off in the file, oldest first; none when there is no file."""
    if not path.exists():
        return []
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except yaml.YAMLError as error:
        raise SignoffError(f"{path}: not valid YAML: {error}") from error
    found: list[Selection] = []
    for number, entry in enumerate(document.get("selections") or [], 1):
        where = f"{path}: selection {number}"
        try:
            selection = Selection(
                version=_day(entry["version"], where),
                signed_by=str(entry["signed_by"]),
                because=str(entry["because"]),
                resolution=int(entry["resolution"]),
                window_from=_day(entry["window_from"], where),
                window_to=_day(entry["window_to"], where),
                hotspots=_hotspots(entry["hotspots"], where),
                dropped=_hotspots(entry.get("dropped") or [], where),
            )
        except KeyError as error:
            raise SignoffError(f"{where}: {error} is missing") from error
        _refuse_overlap(selection, where)
        if found and selection.version <= found[-1].version:
            raise SignoffError(
                f"{where}: version {selection.version} is not after {found[-1].version}"
            )
        found.append(selection)
    return found


def append_selection(path: Path, selection: Selection) -> None:
    """Adds a sign-off at the end of the file; earlier ones stay as they are."""
    earlier = read_selections(path)
    if earlier and selection.version <= earlier[-1].version:
        raise SignoffError(
            f"{path}: a selection is already signed for {earlier[-1].version}; one a day at most"
        )
    _refuse_overlap(selection, str(path))
    document = {"selections": [_plain(s) for s in (*earlier, selection)]}
    path.write_text(
        yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=110), encoding="utf-8"
    )


def _plain(selection: Selection) -> dict[str, Any]:
    def hotspots(group: Sequence[SignedHotspot]) -> list[dict[str, Any]]:
        return [
            {"hotspot_id": h.hotspot_id, "cells": list(h.cell_ids), "reason": h.reason}
            for h in group
        ]

    return {
        "version": selection.version,
        "signed_by": selection.signed_by,
        "because": selection.because,
        "resolution": selection.resolution,
        "window_from": selection.window_from,
        "window_to": selection.window_to,
        "hotspots": hotspots(selection.hotspots),
        "dropped": hotspots(selection.dropped),
    }


def _hotspots(entries: Sequence[Mapping[str, Any]], where: str) -> tuple[SignedHotspot, ...]:
    found = []
    for entry in entries:
        try:
            cells = tuple(str(c) for c in entry["cells"])
            found.append(
                SignedHotspot(str(entry["hotspot_id"]), cells, str(entry.get("reason", "")))
            )
        except KeyError as error:
            raise SignoffError(f"{where}: a hotspot has no {error}") from error
        if not cells:
            raise SignoffError(f"{where}: hotspot {found[-1].hotspot_id} has no cells")
    return tuple(found)


def _refuse_overlap(selection: Selection, where: str) -> None:
    owner: dict[str, str] = {}
    for hotspot in selection.hotspots:
        for cell in hotspot.cell_ids:
            if cell in owner:
                raise SignoffError(
                    f"{where}: cell {cell} is in {owner[cell]} and in {hotspot.hotspot_id}"
                )
            owner[cell] = hotspot.hotspot_id


def _day(value: Any, where: str) -> date:
    if not isinstance(value, date):
        raise SignoffError(f"{where}: '{value}' is not a date (YYYY-MM-DD)")
    return value
