"""What the gate looks at: two small frames of one extract, all its rows and its accepted rows.

Belongs here: the helper columns and the choice of columns. Does not belong here: the expectations
(the feed's contract) and their running (`gate`).

Shares of what is turned away can only be seen on all rows; uniqueness, required values and closed
lists only mean something on the rows that are accepted. So an expectation on a column of
`ALL_ROWS`, or on no column at all, looks at all rows, and every other one at the accepted rows.
Only the columns that the contract's expectations name are carried: great-expectations works on
pandas, where all columns of a large extract take nearly twice the memory.

Helper columns, as 1.0, 0.0 or null (a null is not counted in a share):

- on all rows: `is_rejected` (null in an extract of under `MIN_ROWS_FOR_A_SHARE` rows); `has_location` (coordinates were delivered, usable or not);
  `is_unknown_code` (offence code not in the lookup); `is_inside_force` and `is_outside_force` (null
  without a location or a boundary);
- on accepted rows: `is_clock_default` (see `committed`); `is_duplicate` (names another call of the
  same event); `coordinate_share` (the share of located rows at this row's exact point, null for
  points with under `MIN_ROWS_AT_A_POINT` rows: in a short delta two rows at one shop are no sign).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from hotspot_pipeline.feeds.contract import FILE_TABLES, ContractError, Expectation, FeedContract
from hotspot_pipeline.validated.committed import is_clock_default
from hotspot_pipeline.validated.rules_codes import known_codes

ALL_ROWS = ("is_rejected", "has_location", "is_unknown_code", "is_inside_force", "is_outside_force")
ACCEPTED_ROWS = ("is_clock_default", "is_duplicate", "coordinate_share")
# of a feed whose rows stand in files the gate sees a summary instead (`pings/summary.py`)
SUMMARY = ("device_type", "n_fixes", "refused_share", "future_share", "old_share", "outside_share", "poor_share")  # fmt: skip
MIN_ROWS_AT_A_POINT = 10
MIN_ROWS_FOR_A_SHARE = 40


@dataclass(frozen=True)
class GateFrames:
    """`all_rows` and `accepted`: only what the expectations name; `n_all`, `n_accepted`: their
    rows.
    """

    all_rows: pl.DataFrame
    accepted: pl.DataFrame
    n_all: int
    n_accepted: int


def expectation_columns(expectation: Expectation) -> list[str]:
    """The columns an expectation names, by the arguments great-expectations uses for them."""
    kwargs = expectation.kwargs
    named = [kwargs.get(key) for key in ("column", "column_A", "column_B")]
    for key in ("column_list", "column_set"):
        named.extend(kwargs.get(key) or [])
    return [str(name) for name in named if name is not None]


def looks_at_all_rows(expectation: Expectation) -> bool:
    columns = expectation_columns(expectation)
    return not columns or any(name in ALL_ROWS for name in columns)


def check_expectations(contract: FeedContract) -> None:
    """Raises ContractError where an expectation names a column that is neither the feed's nor a
    helper.
    """
    in_files = contract.table in FILE_TABLES
    helpers = SUMMARY if in_files else (*ALL_ROWS, *ACCEPTED_ROWS)
    known = set(helpers) if in_files else {*contract.column_names, *helpers}
    for expectation in contract.expectations:
        unknown = [name for name in expectation_columns(expectation) if name not in known]
        if unknown:
            raise ContractError(
                f"feed {contract.feed}: expectation '{expectation.name}' names column "
                f"'{unknown[0]}', which is neither the feed's nor a helper; helpers are "
                f"{', '.join(helpers)}"
            )


def make_gate_frames(
    frame: pl.DataFrame,
    is_rejected: pl.Series,
    contract: FeedContract,
    lookups: Mapping[str, pl.DataFrame],
) -> GateFrames:
    """`frame`: all typed and located rows; `is_rejected` runs along it."""
    wanted: dict[bool, list[str]] = {True: [], False: []}
    for expectation in contract.expectations:
        columns = wanted[looks_at_all_rows(expectation)]
        columns.extend(name for name in expectation_columns(expectation) if name not in columns)
    accepted = frame.filter(~is_rejected)
    every = frame.with_columns(is_rejected.alias("is_rejected"))
    return GateFrames(
        _chosen(every, wanted[True], lookups),
        _chosen(accepted, wanted[False], lookups),
        frame.height,
        accepted.height,
    )


def _chosen(
    frame: pl.DataFrame, names: list[str], lookups: Mapping[str, pl.DataFrame]
) -> pl.DataFrame:
    columns = []
    for name in names:
        made = _helper(name, frame, lookups)
        if made is not None:
            columns.append(made.cast(pl.Float64).alias(name))
        elif name in frame.columns:
            columns.append(pl.col(name))
    # a helper that is null throughout is so once a row, not once
    return frame.with_columns(columns).select(column.meta.output_name() for column in columns)


def _helper(name: str, frame: pl.DataFrame, lookups: Mapping[str, pl.DataFrame]) -> pl.Expr | None:
    """The helper column, null throughout where the feed has nothing to make it from."""
    has = set(frame.columns)
    nothing = pl.lit(None, dtype=pl.Float64)
    if name == "is_rejected":
        # one bad row in a delta of ten is no reason to hold the night
        return pl.col("is_rejected") if frame.height >= MIN_ROWS_FOR_A_SHARE else nothing
    if name == "has_location":
        return pl.col("coordinate_status").cast(pl.String) != "missing"
    if name == "is_unknown_code":
        if "ho_offence_code" not in has or "offences" not in lookups:
            return nothing
        known = known_codes(lookups["offences"], "ho_offence_code")
        return ~pl.col("ho_offence_code").is_in(known.implode())
    if name == "is_inside_force":
        return pl.col("is_inside_force")
    if name == "is_outside_force":
        return ~pl.col("is_inside_force")
    if name == "is_clock_default":
        return is_clock_default() if "committed_to_local" in has else nothing
    if name == "is_duplicate":
        return pl.col("duplicate_of").is_not_null() if "duplicate_of" in has else nothing
    if name == "coordinate_share":
        n_here = pl.len().over("easting", "northing")
        share = n_here / pl.col("easting").count()
        counts = pl.col("easting").is_not_null() & (n_here >= MIN_ROWS_AT_A_POINT)
        return pl.when(counts).then(share)
    return None
