"""The columns of the trial's frames, which `patrol`, `surveys`, the truth and the counts read.

Belongs here: names, types and meaning. Does not belong here: how the rows come about (`places`, `schedule`, `visits`).
Times are the force's wall clock (naive, microseconds); `place` is a position in the frame of places.
"""

from __future__ import annotations

import polars as pl
from polars.datatypes import DataType, DataTypeClass

Columns = dict[str, DataType | DataTypeClass]

PLACES: Columns = {
    "place": pl.Int64,  # 0 … 2 * n_pairs - 1
    "hotspot_id": pl.String,  # "P001" …: the force's own name of the place
    "cell": pl.Int64,  # position in County.cells
    "cell_id": pl.String,  # H3 res-9 id, hexadecimal
    "pair": pl.Int64,
    "rank": pl.Int64,  # by what was recorded in the selection days, from 1
    "arm": pl.String,  # treat, control
    "easting": pl.Int64,  # centre
    "northing": pl.Int64,
    "polygon_wkt": pl.String,  # EPSG:27700, metres
}
PLAN: Columns = {
    "plan_id": pl.String,
    "plan_version": pl.Int64,
    "place": pl.Int64,
    "police_day": pl.Date,
    "window_start_local": pl.Datetime("us"),
    "window_end_local": pl.Datetime("us"),
    "min_minutes": pl.Int64,
    "officers": pl.Int64,
    "mode": pl.String,
    "priority": pl.Int64,
    "team": pl.String,
    "randomised": pl.Boolean,
    "arm": pl.String,  # of that place and day: treat, control (no patrol by lot), na (not randomised)
    "issued_ts_local": pl.Datetime("us"),
}
VISITS: Columns = {
    "visit_id": pl.Int64,
    "plan_id": pl.String,
    "place": pl.Int64,
    "cell": pl.Int64,  # where it really was: another cell than the place's when kind is wrong_cell
    "police_day": pl.Date,
    "start_local": pl.Datetime("us"),
    "end_local": pl.Datetime("us"),
    "kind": pl.String,  # full, abandoned, wrong_cell, pass_through (by vehicle, under 3 minutes)
    "mode": pl.String,  # foot, vehicle
    "n_officers": pl.Int64,
    "crew": pl.Int64,  # crew of that police day, from 0; a crew is in one place at a time
}
