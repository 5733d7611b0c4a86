"""The rows of one night's files: what was delivered full, what as a delta, as text in canonical
columns.

Belongs here: which records a night's file carries and how values are written (DOMAIN §1.2, §1.3).
Does not belong here: errors on purpose (`dirt`), file names and bytes (`landing`).
"""

from __future__ import annotations

import numpy as np
import polars as pl

from hotspot_pipeline.simulator.crime.recodes import state_as_of

# fmt: off
CRIME_COLUMNS = (
    "source_system", "crime_number", "occurrence_id", "incident_ref", "ho_offence_code",
    "offence_desc", "attempt_flag", "committed_from_local", "committed_to_local",
    "reported_ts_local", "recorded_ts_local", "easting", "northing", "geocode_quality",
    "location_type", "beat_code", "lsoa21cd", "flag_knife", "flag_firearm", "flag_alcohol",
    "flag_drugs", "flag_da", "flag_hate", "flag_online", "flag_business", "ho_outcome_code",
    "outcome_ts_local", "record_status", "cancel_reason", "merged_into", "source_last_modified",
)
ASB_COLUMNS = (
    "incident_ref", "opened_ts_local", "closed_ts_local", "opening_code", "closing_codes",
    "nsir_category", "nsir_qualifier", "asb_type", "grade", "first_arrival_ts_local", "easting",
    "northing", "geocode_quality", "linked_crime_number", "duplicate_of", "partner_source",
)
# fmt: on
TIME_FORMAT = "%Y-%m-%d %H:%M:%S"


def crime_extract(
    crimes: pl.DataFrame,
    changes: dict[str, pl.DataFrame],
    at: np.datetime64,
    since: np.datetime64 | None,
) -> pl.DataFrame:
    """All crimes known at `at` (local), or only those new or changed after `since`, as text."""
    state = state_as_of(crimes, changes, at)
    if since is not None:
        state = state.filter(pl.col("source_last_modified") > _moment(since))
    return as_text(state.sort("idx").select(CRIME_COLUMNS))


def asb_extract(asb: pl.DataFrame, at: np.datetime64, since: np.datetime64 | None) -> pl.DataFrame:
    """All incidents opened by `at`, or only those opened or closed after `since`, as text.

    What is known only at closing (closing codes, qualifier, type, the crime it became) is empty
    until then.
    """
    now = _moment(at)
    state = asb.filter(pl.col("opened_ts_local") <= now)
    is_closed, has_arrived = (
        pl.col("closed_ts_local") <= now,
        pl.col("first_arrival_ts_local") <= now,
    )
    at_closing = (
        "closed_ts_local",
        "closing_codes",
        "nsir_qualifier",
        "asb_type",
        "linked_crime_number",
        "duplicate_of",
    )
    state = state.with_columns(
        *(pl.when(is_closed).then(pl.col(name)).alias(name) for name in at_closing),
        pl.when(has_arrived).then(pl.col("first_arrival_ts_local")).alias("first_arrival_ts_local"),
    )
    if since is not None:
        before = _moment(since)
        state = state.filter(
            (pl.col("opened_ts_local") > before)
            | (pl.col("closed_ts_local") > before).fill_null(False)
        )
    return as_text(state.sort("idx").select(ASB_COLUMNS))


def as_text(frame: pl.DataFrame) -> pl.DataFrame:
    """Every column as it is written: wall clock, true/false, null for empty."""
    columns = []
    for name, dtype in frame.schema.items():
        column = pl.col(name)
        if dtype == pl.Boolean:
            column = pl.when(column).then(pl.lit("true")).when(~column).then(pl.lit("false"))
        elif dtype == pl.Datetime:
            column = column.dt.strftime(TIME_FORMAT)
        else:
            column = column.cast(pl.String).replace("", None)
        columns.append(column.alias(name))
    return frame.select(columns)


def _moment(at: np.datetime64) -> pl.Expr:
    return pl.lit(at.astype("datetime64[us]").item()).cast(pl.Datetime("us"))
