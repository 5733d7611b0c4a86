"""Dwell by the book: plain loops and shapely, a fix and a polygon at a time. What the compiled pass is held against.

Here: each definition written as it reads. Not here: tracks (`made_tracks`).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely

from hotspot_pipeline.patrols.rules import DwellRules


@dataclass(frozen=True)
class Slow:
    """Of one device and polygon, moments in ms."""

    stays: list[tuple[int, int]]
    inside: list[tuple[int, int]]
    sure: list[tuple[int, int]]
    possible: list[tuple[int, int]]
    crossed_ms: int
    nearest_call_m: float  # how near a decisive fix comes to changing a decision


def slow_dwell(
    t: np.ndarray, x: np.ndarray, y: np.ndarray, polygon: shapely.Geometry, rules: DwellRules, max_gap_ms: int,
    poor: np.ndarray | None = None, at_base: np.ndarray | None = None, cells: list[shapely.Geometry] | None = None,
) -> Slow:  # fmt: skip
    """`cells` make up the polygon, exactly where it was joined on a grid."""
    n = len(t)
    poor = np.zeros(n, bool) if poor is None else poor
    at_base = np.zeros(n, bool) if at_base is None else at_base
    points = shapely.points(x, y)
    away = np.where(
        shapely.intersects(polygon, points),
        -shapely.distance(polygon.boundary, points),
        shapely.distance(polygon, points),
    )
    margin = rules.n_sigma * rules.sigma_m
    limits = np.array([0.0, rules.exit_buffer_m, margin, -margin])
    good = ~poor & ~at_base
    near = float(np.abs(away[good, None] - limits).min(initial=np.inf))

    def owned(i: int) -> tuple[int, int]:
        since = until = int(t[i])
        if i > 0:
            pause = int(t[i] - t[i - 1])
            since = int(t[i - 1]) + pause // 2 if pause <= max_gap_ms else since - max_gap_ms // 2
        if i < n - 1:
            pause = int(t[i + 1] - t[i])
            until = until + pause // 2 if pause <= max_gap_ms else until + max_gap_ms // 2
        return since, until

    stays, inside, sure = [], [], []
    here: list[int] = []  # fixes of the stay that goes on

    def close() -> None:
        if here:
            stays.append((owned(here[0])[0], owned(here[-1])[1]))
            strict = [int(t[i]) for i in here if good[i] and away[i] <= 0]
            inside.append((strict[0], strict[-1]))
            deep = [int(t[i]) for i in here if good[i] and away[i] <= -margin]
            if deep:
                sure.append((deep[0], deep[-1]))
            here.clear()

    for i in range(n):
        if i > 0 and t[i] - t[i - 1] > max_gap_ms:
            close()
        if poor[i] and not at_base[i]:
            if here:
                here.append(i)
            continue
        if not at_base[i] and (away[i] <= 0 or (here and away[i] <= rules.exit_buffer_m)):
            here.append(i)
        else:
            close()
    close()

    known = np.flatnonzero(~(poor & ~at_base))
    possible: list[tuple[int, int]] = []
    maybe = [not at_base[i] and away[i] <= margin for i in known]
    for k, i in enumerate(known):
        if not maybe[k]:
            continue
        if k > 0 and maybe[k - 1]:
            continue
        end = k
        while end + 1 < len(known) and maybe[end + 1]:
            end += 1
        before = known[k - 1] if k > 0 else i
        after = t[known[end + 1]] if end + 1 < len(known) else t[n - 1]
        possible.append((int(t[before]), int(after)))

    crossed = 0.0
    for a, b in pairwise(known):
        if at_base[a] and at_base[b]:
            continue
        if (np.diff(t[a : b + 1]) > max_gap_ms).any():
            continue
        line = shapely.linestrings([(x[a], y[a]), (x[b], y[b])])
        if line.length == 0:
            share = 1.0 if away[a] <= 0 else 0.0
        else:
            share = (
                shapely.length(shapely.intersection(line, cells or [polygon])).sum() / line.length
            )
        crossed += share * (t[b] - t[a])
    return Slow(stays, inside, sure, possible, round(crossed), near)
