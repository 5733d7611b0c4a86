"""Duties, plans and logs: pseudonyms under their own names, times in both clocks, the police day.

Belongs here: the columns of `validated.duties`, `patrol_plan` and `patrol_logs` that are not as delivered. Does not belong here:
making pseudonyms (`raw/sealing.py`: these rows come with them), which plan held when (the `history` stage).
"""

from __future__ import annotations

import polars as pl

from hotspot_pipeline.validated.moments import Moments

_RENAMED = {
    "duties": {
        "device_id": "device_pid",
        "device_id_next_year": "device_pid_next_year",
        "officer": "officer_pid",
        "crew_id": "crew_pid",
        "callsign": "callsign_pid",
    },
    "patrol_logs": {"officers": "officer_pids"},
}
_TIMES = {
    "duties": ("start", "end"),
    "patrol_logs": ("start", "end", "submitted"),
    "patrol_plan": ("window_start", "window_end", "issued_ts"),
}


def patrol_columns(table: str, moments: Moments) -> list[pl.Expr]:
    """Expressions on the typed frame of one of the four patrol tables."""
    columns = [pl.col(ours).alias(name) for ours, name in _RENAMED.get(table, {}).items()]
    for stem in _TIMES.get(table, ()):
        columns.extend(moments.pair(stem))
    if table in ("duties", "patrol_logs"):
        start = moments.utc(pl.col("start_local"))
        columns.append(moments.force.police_day(start).alias("police_day"))
    return columns
