"""What is not computed and why, in words: a figure that is missing without a reason looks like a figure of nothing.

Pure. Here: the rows of `evaluation.refusals`. Not here: the checks of a delivery (`validated`), guards of estimates (`guards`).
"""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

_FINER = {
    "events a week": "a date for every event",
    "harm a week": "a date for every event",
    "ring events a week": "a date for every event",
    "events in patrol windows and at night": "an hour or a window of time for every event",
    "control limits and signals": "a date for every event",
    "completeness and nowcast": "deliveries every night or week of the same records, with a date for every event",
}
_MONTHS = "the source says of each event only the month"
_SCHEMA = {"what": pl.String, "hotspot_id": pl.String, "reason": pl.String, "needs": pl.String}


def refusals(
    *,
    is_monthly: bool,
    n_weeks: int,
    has_nowcast: bool,
    has_patrols: bool,
    has_windows: bool,
    without_limits: Collection[str],
    hotspots: Collection[str],
) -> pl.DataFrame:
    """The rows. `without_limits`: hotspots whose present cells have no baseline in the newest quarter."""
    rows: list[tuple[str, str, str, str]] = []
    if is_monthly:
        rows += [(what, "ALL", _MONTHS, needs) for what, needs in _FINER.items()]
    elif not n_weeks:
        rows.append(("events a week", "ALL", "no police week is closed yet", "deliveries up to the end of a week"))  # fmt: skip
    else:
        if not has_nowcast:
            rows.append(("completeness and nowcast", "ALL", "under 8 weeks are known for 90 days", "deliveries over 21 weeks or so"))  # fmt: skip
        if not has_windows:
            rows.append(("events in patrol windows", "ALL", "no patrol windows are chosen", "a selection window with events whose hour is known"))  # fmt: skip
        reason = "under 26 settled weeks without planned patrols lie before the quarter"
        needs = "26 such weeks; the next baseline is fitted when a quarter begins"
        places = ["ALL"] if set(without_limits) == set(hotspots) else sorted(without_limits)
        rows += [("control limits and signals", p, reason, needs) for p in places if hotspots]
    if not has_patrols:
        rows.append(("patrols, delivery and reach", "ALL", "no police day of fixes is computed", "the feeds gps_pings, duties and patrol_plan"))  # fmt: skip
    return pl.DataFrame(rows, schema=_SCHEMA, orient="row")
