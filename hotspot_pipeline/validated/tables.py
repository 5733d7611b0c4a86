"""The columns of the accepted rows, table by table.

Belongs here: names, order and types. Does not belong here: how they are filled (`conform_*`), their
descriptions and units (the table contracts in `dbt_like_sql/validated`).
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from hotspot_pipeline.feeds.contract import FeedContract
from hotspot_pipeline.validated.places import cell_column

Schema = dict[str, pl.DataType]

_TEXT, _FLAG, _NUMBER, _WHOLE, _DAY = pl.String(), pl.Boolean(), pl.Float64(), pl.Int64(), pl.Date()
_MOMENT = pl.Datetime("us")
_ROW: Schema = {"extract_id": _TEXT, "source_file": _TEXT, "line_no": _WHOLE}
_POINT: Schema = {"easting": _NUMBER, "northing": _NUMBER, "lon": _NUMBER, "lat": _NUMBER,
                  "coordinate_status": _TEXT}  # fmt: skip
_IN_FORCE: Schema = {"is_inside_force": _FLAG, "distance_outside_m": _NUMBER}
_NAMED_TIME: Schema = {"police_day": _DAY, "week_start": _DAY, "month": _DAY,
                       "hour_of_week": pl.Int16(), "is_day": _FLAG}  # fmt: skip
FLAGS = ("flag_knife", "flag_firearm", "flag_alcohol", "flag_drugs", "flag_da", "flag_hate",
         "flag_csa", "flag_online", "flag_business")  # fmt: skip
PLACE_TABLES = ("venues", "excluded_sites", "default_geocodes")
PATROL_TABLES = ("duties", "patrol_plan", "patrol_logs", "patrol_places")

NOT_CONTENT = frozenset(
    {"offence_desc", "reported_by", "falls_within", "lsoa_name", "source_last_modified"}
)
"""Contract columns that a row's hash leaves out: wording that ends at the gate, and a technical
stamp that sources touch in bulk without a change.
"""


def _crimes(cells: Schema) -> Schema:
    return {
        **_ROW,
        "accepted_with": _TEXT,
        "source_system": _TEXT,
        "crime_pid": _TEXT,
        "occurrence_pid": _TEXT,
        "incident_pid": _TEXT,
        "ho_offence_code": _TEXT,
        "policeuk_category": _TEXT,
        "attempt_flag": _FLAG,
        "committed_from_local": _MOMENT,
        "committed_to_local": _MOMENT,
        "committed_from_utc": _MOMENT,
        "committed_to_utc": _MOMENT,
        "tz_flag": _TEXT,
        "committed_time_known": _TEXT,
        **_NAMED_TIME,
        "reported_ts_local": _MOMENT,
        "reported_ts_utc": _MOMENT,
        "recorded_ts_local": _MOMENT,
        "recorded_ts_utc": _MOMENT,
        **_POINT,
        "geocode_quality": _TEXT,
        **cells,
        **_IN_FORCE,
        "location_type": _TEXT,
        "location_desc": _TEXT,
        "beat_code": _TEXT,
        "lsoa21cd": _TEXT,
        **dict.fromkeys(FLAGS, _FLAG),
        "outcome_code": _TEXT,
        "outcome_desc": _TEXT,
        "outcome_ts_local": _MOMENT,
        "record_status": _TEXT,
        "cancel_reason": _TEXT,
        "merged_into_pid": _TEXT,
        "source_last_modified": _MOMENT,
        "row_hash": _TEXT,
    }


def _asb_incidents(cells: Schema) -> Schema:
    return {
        **_ROW,
        "accepted_with": _TEXT,
        "source_system": _TEXT,
        "incident_pid": _TEXT,
        "opened_ts_local": _MOMENT,
        "opened_ts_utc": _MOMENT,
        "closed_ts_local": _MOMENT,
        "closed_ts_utc": _MOMENT,
        "tz_flag": _TEXT,
        **_NAMED_TIME,
        "opening_code": _TEXT,
        "closing_codes": _TEXT,
        "count_code": _TEXT,
        "code_basis": _TEXT,
        "nsir_category": _TEXT,
        "nsir_qualifier": _TEXT,
        "asb_type": _TEXT,
        "grade": _TEXT,
        "first_arrival_ts_local": _MOMENT,
        **_POINT,
        "geocode_quality": _TEXT,
        **cells,
        **_IN_FORCE,
        "linked_crime_pid": _TEXT,
        "duplicate_of_pid": _TEXT,
        "partner_source": _TEXT,
        "row_hash": _TEXT,
    }


_TYPES: dict[str, pl.DataType] = {"integer": _WHOLE, "decimal": _NUMBER, "boolean": _FLAG,
                                  "timestamp": _MOMENT, "date": _DAY, "month": _DAY}  # fmt: skip


def _pair(stem: str) -> Schema:
    return {f"{stem}_local": _MOMENT, f"{stem}_utc": _MOMENT}


def _patrol_rows(contract: FeedContract) -> Schema:
    own = {column.name: _TYPES.get(column.type, _TEXT) for column in contract.columns}
    if contract.table == "duties":
        columns: Schema = {
            "duty_id": _TEXT,
            "device_pid": _TEXT,
            "device_pid_next_year": _TEXT,
            "device_type": _TEXT,
            "officer_pid": _TEXT,
            "team": _TEXT,
            "role": _TEXT,
            "police_day": _DAY,
            **_pair("start"),
            **_pair("end"),
            "deployment": _TEXT,
            "crew_pid": _TEXT,
            "callsign_pid": _TEXT,
            "mode_planned": _TEXT,
        }
    elif contract.table == "patrol_logs":
        counts = {name: dtype for name, dtype in own.items() if name.startswith("n_")}
        columns = {
            "log_id": _TEXT,
            "plan_id": _TEXT,
            "hotspot_id": _TEXT,
            "officer_pids": _TEXT,
            "police_day": _DAY,
            **_pair("start"),
            **_pair("end"),
            "activity": _TEXT,
            **counts,
            "observation_codes": _TEXT,
            "abandoned_reason": _TEXT,
            **_pair("submitted"),
        }
    elif contract.table == "patrol_plan":
        columns = {
            "plan_id": _TEXT,
            "plan_version": _WHOLE,
            "hotspot_id": _TEXT,
            "police_day": _DAY,
            **_pair("window_start"),
            **_pair("window_end"),
            "min_minutes": _WHOLE,
            "officers_planned": _WHOLE,
            "mode": _TEXT,
            "priority": _WHOLE,
            "assigned_team": _TEXT,
            "randomised": _FLAG,
            "arm": _TEXT,
            **_pair("issued_ts"),
        }
    else:
        columns = own
    return {**_ROW, **columns, "row_hash": _TEXT}


def accepted_schema(contract: FeedContract, resolutions: Sequence[int]) -> Schema:
    """Column -> type, in order, of the rows of `contract.table` that pass the gate.

    `crimes`, `asb_incidents` and the patrol tables are the same for every feed; other tables hold their
    contract's own columns, with a time of day as text (HH:MM: no table column type holds one).
    """
    cells: Schema = {cell_column(resolution): _WHOLE for resolution in resolutions}
    if contract.table == "crimes":
        return _crimes(cells)
    if contract.table == "asb_incidents":
        return _asb_incidents(cells)
    if contract.table in PATROL_TABLES:
        return _patrol_rows(contract)
    own = {column.name: _TYPES.get(column.type, _TEXT) for column in contract.columns}
    return {**_ROW, **own, **_POINT, **cells, "row_hash": _TEXT}
