"""Accepted rows in the shape of their table.

Belongs here: the columns common to all tables and the choice of what fills the rest. Does not
belong here: what crimes and ASB incidents mean (`conform_crimes`, `conform_asb`), duties
and plans (`conform_patrols`), which rows are
accepted (`extract`), names and types of columns (`tables`).
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from hotspot_pipeline.feeds.contract import ContractError, FeedContract
from hotspot_pipeline.geo.coordinates import TREATMENT
from hotspot_pipeline.timebase import PoliceTime
from hotspot_pipeline.validated.conform_asb import ASB_INPUTS, asb_columns
from hotspot_pipeline.validated.conform_crimes import CRIME_INPUTS, crime_columns
from hotspot_pipeline.validated.conform_patrols import patrol_columns
from hotspot_pipeline.validated.moments import Moments
from hotspot_pipeline.validated.tables import PATROL_TABLES, PLACE_TABLES, accepted_schema

_AS_CENTROID = [s for s, kept in TREATMENT.items() if kept == "use_as_area_centroid"]


def conform(
    frame: pl.DataFrame,
    contract: FeedContract,
    *,
    extract_id: str,
    police_time: PoliceTime,
    resolutions: Sequence[int],
) -> pl.DataFrame:
    """`frame`: typed and located rows whose identifiers are pseudonyms already, with `row_hash`.

    Returns exactly the columns of `accepted_schema`, a row a row, in order; a column that the feed
    does not deliver is null. Raises ContractError for a table that has no shape here.
    """
    moments = Moments(contract, police_time)
    frame = _with_absent(frame, contract.table)
    if contract.table == "crimes":
        special = crime_columns(contract, moments)
    elif contract.table == "asb_incidents":
        special = asb_columns(moments)
    elif contract.table in PLACE_TABLES:
        times = [c.name for c in contract.columns if c.type == "time"]
        special = [pl.col(name).dt.to_string("%H:%M").alias(name) for name in times]
    elif contract.table in PATROL_TABLES:
        special = patrol_columns(contract.table, moments)
    else:
        raise ContractError(
            f"feed {contract.feed}: table '{contract.table}' is not one of the gate's"
        )
    common = [
        pl.lit(extract_id).alias("extract_id"),
        pl.lit(extract_id).alias("accepted_with"),
    ]
    if "coordinate_status" in frame.columns:
        common.append(pl.col("coordinate_status").cast(pl.String))
    if "geocode_quality" in frame.columns:
        common.append(_geocode_quality())
    # lazy: what several columns share (the moment in UTC, its local time) is worked out once
    filled = frame.lazy().with_columns(*common, *special)
    names = set(filled.collect_schema())
    return filled.select(
        (pl.col(name) if name in names else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in accepted_schema(contract, resolutions).items()
    ).collect()


def _with_absent(frame: pl.DataFrame, table: str) -> pl.DataFrame:
    """The frame with the table's inputs that this feed does not have, empty."""
    inputs = {"crimes": CRIME_INPUTS, "asb_incidents": ASB_INPUTS}.get(table, {})
    absent = {name: dtype for name, dtype in inputs.items() if name not in frame.columns}
    return frame.with_columns(
        pl.lit(None, dtype=dtype).alias(name) for name, dtype in absent.items()
    )


def _geocode_quality() -> pl.Expr:
    """As delivered, but coordinates that name a square of 100 m or more are an area's (check
    C12).
    """
    names_an_area = pl.col("coordinate_status").cast(pl.String).is_in(_AS_CENTROID)
    quality = pl.when(names_an_area).then(pl.lit("area_centroid")).otherwise("geocode_quality")
    return quality.alias("geocode_quality")
