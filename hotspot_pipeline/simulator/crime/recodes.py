"""What happens to a crime record after it was first recorded, and how it looks on a given night.

Belongs here: reclassification, cancelling, transfer, merging, better geocodes, better dates, flags
and outcomes, with the rates and lags of DOMAIN §1.5 and §8.3. Does not belong here: which file of
which night carries a change (`extracts`).

Each record changes at most once in each respect. A cancelled, transferred or merged record stays in
the extract with its status: it is never deleted.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from hotspot_pipeline.simulator.crime.clock import change_times, time_column
from hotspot_pipeline.simulator.force.county import Floats
from hotspot_pipeline.simulator.crime.kinds import KINDS, OFFENCE_DESCRIPTIONS

MEDIAN_LAG_DAYS = 7.0
OUTCOME_SHARE, OUTCOME_LAG_DAYS = 0.70, 25.0
_OUTCOMES = {
    "18": 0.34,
    "14": 0.14,
    "15": 0.16,
    "16": 0.18,
    "1": 0.09,
    "8": 0.05,
    "3": 0.02,
    "21": 0.01,
    "22": 0.01,
}
_CANCEL_REASONS = {"C2": 0.82, "C4": 0.12, "C5": 0.06}
_TRANSFER_SHARE, _MERGE_SHARE = 0.007, 0.008
_FLAG_SHARE, _REDATE_SHARE = 0.04, 0.04
# Better geocodes mostly replace poor ones; over all rows this is about 4 %.
_REGEOCODE_SHARE = {"default": 0.55, "none": 0.45, "area_centroid": 0.35, "postcode": 0.10}
_REGEOCODE_SHARE_OTHERWISE = 0.005
_LATER_FLAGS = ("flag_knife", "flag_alcohol", "flag_da")

KINDS_OF_CHANGE = ("class", "status", "geo", "time", "flags", "outcome")
DELIVERED_CHANGES = {
    "class": ("ho_offence_code", "offence_desc"),
    "status": ("record_status", "cancel_reason", "merged_into"),
    "geo": ("easting", "northing", "geocode_quality"),
    "time": ("committed_from_local", "committed_to_local"),
    "flags": _LATER_FLAGS,
    "outcome": ("ho_outcome_code", "outcome_ts_local"),
}


def make_changes(rng: np.random.Generator, crimes: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Per kind of change: `idx`, `changed_ts_local` and the new values of its columns."""
    changes = {
        "class": _classes(rng, crimes),
        "status": _statuses(rng, crimes),
        "geo": _geocodes(rng, crimes),
        "time": _dates(rng, crimes),
        "flags": _flags(rng, crimes),
        "outcome": _outcomes(rng, crimes),
    }
    return {name: changes[name] for name in KINDS_OF_CHANGE}


def state_as_of(
    crimes: pl.DataFrame, changes: dict[str, pl.DataFrame], at: np.datetime64
) -> pl.DataFrame:
    """Every crime recorded by `at` (local) as it then stood, with `source_last_modified`."""
    now = pl.lit(at.astype("datetime64[us]").item()).cast(pl.Datetime("us"))
    state = crimes.filter(pl.col("recorded_ts_local") <= now).with_columns(
        record_status=pl.lit("live"),
        cancel_reason=pl.lit(None, pl.String),
        merged_into=pl.lit(None, pl.String),
        ho_outcome_code=pl.lit(None, pl.String),
        outcome_ts_local=pl.lit(None, pl.Datetime("us")),
        source_last_modified=pl.col("recorded_ts_local"),
    )
    for name, columns in DELIVERED_CHANGES.items():
        known = changes[name].filter(pl.col("changed_ts_local") <= now)
        state = state.join(known, on="idx", how="left", suffix="_new", maintain_order="left")
        has_changed = pl.col("changed_ts_local").is_not_null()
        state = state.with_columns(
            *(
                pl.when(has_changed).then(pl.col(f"{c}_new")).otherwise(pl.col(c)).alias(c)
                for c in columns
            ),
            source_last_modified=pl.max_horizontal("source_last_modified", "changed_ts_local"),
        ).drop("changed_ts_local", *(f"{c}_new" for c in columns))
    return state


def change_ledger(crimes: pl.DataFrame, changes: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """One row a change, in order of time: crime number, kind of change, when it was made."""
    rows = [
        frame.select("idx", "changed_ts_local", change=pl.lit(name))
        for name, frame in changes.items()
    ]
    numbers = crimes.select("idx", "crime_number")
    return (
        pl.concat(rows)
        .join(numbers, on="idx", how="left")
        .sort("changed_ts_local", "idx", "change")
        .select("crime_number", "change", "changed_ts_local")
    )


def _classes(rng: np.random.Generator, crimes: pl.DataFrame) -> pl.DataFrame:
    frames = []
    for kind in KINDS:
        if kind.becomes is None:
            continue
        mine = _drawn(rng, crimes.filter(pl.col("kind") == kind.name), kind.reclass)
        codes = list(kind.becomes)
        new = _pick(
            rng, codes, np.array(list(kind.becomes.values())), mine["ho_offence_code"].to_list()
        )
        frames.append(
            mine.select("idx", "recorded_ts_local").with_columns(
                ho_offence_code=pl.Series(new, dtype=pl.String)
            )
        )
    mine = pl.concat(frames).sort("idx")
    return _stamped(rng, mine).with_columns(
        offence_desc=pl.col("ho_offence_code").replace_strict(
            OFFENCE_DESCRIPTIONS, return_dtype=pl.String
        )
    )


def _pick(rng: np.random.Generator, codes: list[str], share: Floats, old: list[str]) -> list[str]:
    """A new code for each old one, never the same one."""
    drawn = rng.choice(len(codes), len(old), p=share / share.sum())
    return [
        codes[k] if codes[k] != code or len(codes) == 1 else codes[(k + 1) % len(codes)]
        for k, code in zip(drawn, old, strict=True)
    ]


def _statuses(rng: np.random.Generator, crimes: pl.DataFrame) -> pl.DataFrame:
    cancel_by_kind = {kind.name: kind.cancel for kind in KINDS}
    share = crimes["kind"].replace_strict(cancel_by_kind, return_dtype=pl.Float64).to_numpy()
    u = rng.uniform(size=len(crimes))
    status = np.select(
        [u < share, u < share + _TRANSFER_SHARE, u < share + _TRANSFER_SHARE + _MERGE_SHARE],
        ["cancelled", "transferred_out", "merged"],
        default="",
    )
    reason = _cancel_reasons(rng, len(crimes))
    frame = crimes.select("idx", "kind", "cell", "recorded_ts_local", "crime_number").with_columns(
        record_status=pl.Series(status),
        cancel_reason=pl.when(pl.Series(status == "cancelled"))
        .then(pl.Series(reason))
        .when(pl.Series(status == "transferred_out"))
        .then(pl.lit("C1"))
        .otherwise(pl.lit("C3")),
    )
    # A duplicate is merged into the crime of its kind recorded before it in the same cell, if
    # that one stays live.
    same = ["kind", "cell"]
    frame = frame.sort("idx").with_columns(
        merged_into=pl.when((pl.col("record_status").shift(1) == "").over(same)).then(
            pl.col("crime_number").shift(1).over(same)
        )
    )
    is_merged = pl.col("record_status") == "merged"
    kept = frame.filter(
        (pl.col("record_status") != "") & (~is_merged | pl.col("merged_into").is_not_null())
    ).with_columns(merged_into=pl.when(is_merged).then(pl.col("merged_into")))
    return _stamped(
        rng,
        kept.select("idx", "recorded_ts_local", "record_status", "cancel_reason", "merged_into"),
    )


def _cancel_reasons(rng: np.random.Generator, n: int) -> np.ndarray:
    return rng.choice(list(_CANCEL_REASONS), n, p=list(_CANCEL_REASONS.values()))


def _geocodes(rng: np.random.Generator, crimes: pl.DataFrame) -> pl.DataFrame:
    share = pl.col("geocode_quality").replace_strict(
        _REGEOCODE_SHARE, default=_REGEOCODE_SHARE_OTHERWISE, return_dtype=pl.Float64
    )
    drawn = crimes.with_columns(share=share, u=pl.Series(rng.uniform(size=len(crimes)))).filter(
        pl.col("u") < pl.col("share")
    )
    new = drawn.select(
        "idx",
        "recorded_ts_local",
        easting="true_easting",
        northing="true_northing",
        geocode_quality=pl.lit("uprn"),
    )
    return _stamped(rng, new)


def _dates(rng: np.random.Generator, crimes: pl.DataFrame) -> pl.DataFrame:
    """A statement narrows a window to its middle half, or moves a moment back up to three hours."""
    mine = _drawn(rng, crimes, _REDATE_SHARE)
    mine = mine.with_columns(back_minutes=pl.Series(rng.integers(5, 180, len(mine))))
    back = pl.duration(minutes="back_minutes")
    begin, end = (
        pl.col("committed_from_local"),
        pl.col("committed_to_local").fill_null(pl.col("committed_from_local")),
    )
    width_m = (end - begin).dt.total_minutes()
    new = mine.select(
        "idx",
        "recorded_ts_local",
        committed_from_local=pl.when(width_m > 0)
        .then(begin + pl.duration(minutes=width_m // 4))
        .otherwise(begin - back),
        committed_to_local=pl.when(width_m > 0).then(end - pl.duration(minutes=width_m // 4)),
    )
    return _stamped(rng, new)


def _flags(rng: np.random.Generator, crimes: pl.DataFrame) -> pl.DataFrame:
    mine = _drawn(rng, crimes, _FLAG_SHARE)
    which = rng.integers(0, len(_LATER_FLAGS), len(mine))
    new = mine.select("idx", "recorded_ts_local", *_LATER_FLAGS).with_columns(
        pl.when(pl.Series(which == k)).then(pl.lit(True)).otherwise(pl.col(name)).alias(name)
        for k, name in enumerate(_LATER_FLAGS)
    )
    return _stamped(rng, new)


def _outcomes(rng: np.random.Generator, crimes: pl.DataFrame) -> pl.DataFrame:
    mine = _drawn(rng, crimes, OUTCOME_SHARE)
    p = np.array(list(_OUTCOMES.values()))
    codes = rng.choice(list(_OUTCOMES), len(mine), p=p / p.sum())
    new = mine.select("idx", "recorded_ts_local", ho_outcome_code=pl.Series(codes))
    stamped = _stamped(rng, new, OUTCOME_LAG_DAYS)
    return stamped.with_columns(outcome_ts_local=pl.col("changed_ts_local"))


def _drawn(rng: np.random.Generator, crimes: pl.DataFrame, share: float) -> pl.DataFrame:
    return crimes.filter(pl.Series(rng.uniform(size=len(crimes)) < share))


def _stamped(
    rng: np.random.Generator, frame: pl.DataFrame, median_days: float = MEDIAN_LAG_DAYS
) -> pl.DataFrame:
    recorded = frame["recorded_ts_local"].to_numpy()
    changed = change_times(rng, recorded, median_days)
    return frame.drop("recorded_ts_local").with_columns(changed_ts_local=time_column(changed))
