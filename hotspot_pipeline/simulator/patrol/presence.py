"""Exactly when a track is inside a place.

Belongs here: the crossing of straight segments with convex outlines, intervals and minutes. Does not belong here: how a
pipeline estimates the same from pings.

Exactness: tracks are piecewise linear and outlines convex, so each segment's stay within an outline is one interval whose
ends solve linear equations (Cyrus and Beck 1978). Nothing is sampled; the error is that of double precision, under 1 ms.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hotspot_pipeline.simulator.force.county import Floats, Ints
from hotspot_pipeline.simulator.patrol.ground import Bools, Hexagons
from hotspot_pipeline.simulator.patrol.tracks import Tracks

TOUCHING_S = 1e-3  # two stays so close are one


@dataclass(frozen=True, eq=False)
class Stays:
    """Intervals inside outlines, by track, place and time: `enter` and `leave` in UTC seconds."""

    track: Ints
    place: Ints
    enter: Floats
    leave: Floats

    def __len__(self) -> int:
        return len(self.track)

    def minutes(self) -> Floats:
        return np.asarray((self.leave - self.enter) / 60)


def stays_in(tracks: Tracks, outlines: Hexagons) -> Stays:
    """Every stay of every track in every outline."""
    segment, place = np.nonzero(_may_touch(tracks, outlines))
    enter, leave = _clip(tracks, segment, outlines.corners[place])
    inside = np.flatnonzero(leave > enter)
    track, place, enter, leave = (
        tracks.track[segment[inside]],
        place[inside],
        enter[inside],
        leave[inside],
    )
    order = np.lexsort((enter, place, track))
    track, place, enter, leave = track[order], place[order], enter[order], leave[order]
    if not len(track):
        return Stays(track, place, enter, leave)
    same = (
        (track[1:] == track[:-1])
        & (place[1:] == place[:-1])
        & (enter[1:] - leave[:-1] < TOUCHING_S)
    )
    first = np.flatnonzero(np.concatenate([[True], ~same]))
    last = np.concatenate([first[1:] - 1, [len(track) - 1]])
    return Stays(track[first], place[first], enter[first], leave[last])


def _may_touch(tracks: Tracks, outlines: Hexagons) -> Bools:
    low, high = outlines.corners.min(axis=1), outlines.corners.max(axis=1)
    touch = np.ones((len(tracks.track), len(low)), bool)
    for axis, (a, b) in enumerate(((tracks.x0, tracks.x1), (tracks.y0, tracks.y1))):
        touch &= np.minimum(a, b)[:, None] <= high[None, :, axis]
        touch &= np.maximum(a, b)[:, None] >= low[None, :, axis]
    return touch


def _clip(tracks: Tracks, segment: Ints, corners: Floats) -> tuple[Floats, Floats]:
    """(enter, leave) of each segment in its outline (n, k, 2); enter >= leave where it misses."""
    edge = np.roll(corners, -1, axis=1) - corners
    inward = np.stack([-edge[..., 1], edge[..., 0]], axis=-1)  # outlines run anticlockwise
    start = np.column_stack([tracks.x0, tracks.y0])[segment]
    way = np.column_stack([tracks.x1, tracks.y1])[segment] - start
    # inside is where depth + share * gain >= 0 for every edge
    depth = (inward * (start[:, None] - corners)).sum(axis=-1)
    gain = (inward * way[:, None]).sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = -depth / gain
    low = np.where(gain > 0, share, 0.0).max(axis=1, initial=0.0)
    high = np.where(gain < 0, share, 1.0).min(axis=1, initial=1.0)
    outside = ((gain == 0) & (depth < 0)).any(axis=1) | (low >= high)
    t0, seconds = tracks.t0[segment], (tracks.t1 - tracks.t0)[segment]
    return t0 + np.where(outside, 0.0, low) * seconds, t0 + np.where(outside, 0.0, high) * seconds
