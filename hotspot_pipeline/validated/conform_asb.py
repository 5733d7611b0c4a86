"""ASB incidents: the code they are counted under, and the call time.

Belongs here: the columns of `validated.asb_incidents` that are not as delivered. Does not belong
here: which incidents are counted (linked to a crime, or another call of one event: SQL models).

An incident's time is its call time, which a control room stamps itself: it needs no window. It is
counted under its closing code once it is closed and has one, and under its opening code until then
(`code_basis` says which); of several closing codes the first one counts.
"""

from __future__ import annotations

import polars as pl

from hotspot_pipeline.feeds.timestamps import clock_column
from hotspot_pipeline.validated.committed import lies_in_daytime
from hotspot_pipeline.validated.moments import Moments

_RENAMED = {
    "incident_ref": "incident_pid",
    "linked_crime_number": "linked_crime_pid",
    "duplicate_of": "duplicate_of_pid",
}
_TIMES = ("opened_ts_local", "closed_ts_local", "first_arrival_ts_local")
ASB_INPUTS: dict[str, pl.DataType] = {
    **dict.fromkeys((*_RENAMED, "opening_code", "closing_codes", "geocode_quality"), pl.String()),
    **dict.fromkeys(_TIMES, pl.Datetime("us")),
    **dict.fromkeys(map(clock_column, _TIMES), pl.Boolean()),
}
"""What `asb_columns` reads."""


def asb_columns(moments: Moments) -> list[pl.Expr]:
    """Expressions on the typed frame, which has at least `ASB_INPUTS`."""
    opened = pl.col("opened_ts_local")
    opened_utc = moments.utc(opened)
    has_clock = pl.col(clock_column("opened_ts_local"))
    day = pl.when(~has_clock).then(opened.dt.date())
    police_day = pl.coalesce(day, moments.force.police_day(opened_utc))
    local = moments.local(opened)
    counts_as_closed = (
        pl.col("closed_ts_local").is_not_null() & pl.col("closing_codes").is_not_null()
    )
    closing_code = pl.col("closing_codes").str.split("|").list.first()
    return [
        *(pl.col(ours).alias(name) for ours, name in _RENAMED.items()),
        *moments.pair("opened_ts"),
        *moments.pair("closed_ts"),
        moments.local(pl.col("first_arrival_ts_local")).alias("first_arrival_ts_local"),
        pl.when(has_clock).then(moments.flag(opened)).otherwise(pl.lit("ok")).alias("tz_flag"),
        police_day.alias("police_day"),
        police_day.dt.truncate("1w").alias("week_start"),
        pl.coalesce(day.dt.truncate("1mo"), moments.force.month(opened_utc)).alias("month"),
        pl.when(has_clock).then(moments.force.hour_of_week(opened_utc)).alias("hour_of_week"),
        pl.when(has_clock).then(lies_in_daytime(local, local)).alias("is_day"),
        pl.when(counts_as_closed).then(closing_code).otherwise("opening_code").alias("count_code"),
        pl.when(counts_as_closed)
        .then(pl.lit("closing"))
        .otherwise(pl.lit("opening"))
        .alias("code_basis"),
    ]
