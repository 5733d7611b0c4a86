"""What happens to a crime record after it was first recorded: every change that will be made, and when.

Belongs here: better geocodes, better dates, flags and outcomes, with what a record changes to. Does not belong here:
how often and when (`hazards`), another class (`reclass`), cancelling, transfer and merging (`standing`), what a record
looks like after its changes (`versions`).

A family of changes is a frame with `idx` (position of the crime), `changed_ts_local`, `event`, `why` and the new
values of the columns of the family. All draws are made for all crimes, so that a crime's changes do not depend on the
others'.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from hotspot_pipeline.simulator.crime import hazards
from hotspot_pipeline.simulator.crime.clock import Times, skip_missing_hour, time_column
from hotspot_pipeline.simulator.crime.hazards import change_frame, drawn
from hotspot_pipeline.simulator.crime.reclass import GROUPS, class_changes, code_in
from hotspot_pipeline.simulator.crime.standing import status_changes
from hotspot_pipeline.simulator.streams import Streams

LATER_FLAGS = ("flag_knife", "flag_alcohol", "flag_da")
FAMILIES: Mapping[str, tuple[str, ...]] = {
    "class": ("ho_offence_code", "offence_desc"),
    "status": ("record_status", "cancel_reason", "merged_into"),
    "geo": ("easting", "northing", "geocode_quality"),
    "time": ("committed_from_local", "committed_to_local"),
    "flags": LATER_FLAGS,
    "outcome": ("ho_outcome_code", "outcome_ts_local"),
}
# What a record holds of these when it is new.
EMPTY_AT_FIRST = {
    "record_status": pl.lit("live"),
    "cancel_reason": pl.lit(None, pl.String),
    "merged_into": pl.lit(None, pl.String),
    "ho_outcome_code": pl.lit(None, pl.String),
    "outcome_ts_local": pl.lit(None, pl.Datetime("us")),
}

# fmt: off
_OUTCOMES = {"18": 0.34, "14": 0.14, "15": 0.16, "16": 0.18, "1": 0.09, "8": 0.05, "3": 0.02, "21": 0.01, "22": 0.01}
# fmt: on
# Better geocodes mostly replace poor ones: how likely one is, against another quality.
_REGEOCODE_WEIGHT = {"default": 0.55, "none": 0.45, "area_centroid": 0.35, "postcode": 0.10}
_REGEOCODE_WEIGHT_OTHERWISE = 0.005
_WRONG_DAY_SHARE, _WIDER_SHARE = 0.10, 0.20  # of the re-dated; the others are narrowed or moved


def make_changes(streams: Streams, crimes: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Family -> its changes. `crimes` in order of `idx`, which counts from 0."""
    recorded = crimes["recorded_ts_local"].to_numpy()
    changes = {
        "class": class_changes(streams("recodes", "class"), crimes),
        "status": status_changes(
            streams("recodes", "status"), crimes, code_in(crimes, GROUPS["ROBBERY"])
        ),
        "geo": _geocodes(streams("recodes", "geo"), crimes, recorded),
        "time": _dates(streams("recodes", "time"), crimes, recorded),
        "flags": _flags(streams("recodes", "flags"), crimes, recorded),
        "outcome": _outcomes(streams("recodes", "outcome"), crimes, recorded),
    }
    return {name: changes[name] for name in FAMILIES}


def _geocodes(rng: np.random.Generator, crimes: pl.DataFrame, recorded: Times) -> pl.DataFrame:
    n = len(crimes)
    weight = (
        crimes["geocode_quality"]
        .replace_strict(
            _REGEOCODE_WEIGHT, default=_REGEOCODE_WEIGHT_OTHERWISE, return_dtype=pl.Float64
        )
        .to_numpy()
    )
    share = hazards.REGEOCODE_LAG.for_ever(hazards.REGEOCODE) / max(weight.mean(), 1e-9)
    has = np.flatnonzero(drawn(rng, share * weight, n))
    changed = hazards.REGEOCODE_LAG.after(rng, recorded)
    return change_frame(
        has, changed, "regeocoded", "true place found", **true_place(crimes[has.tolist()])
    )


def true_place(crimes: pl.DataFrame) -> dict[str, pl.Series]:
    """The columns of family `geo` at the address where it really was."""
    return {
        "easting": crimes["true_easting"],
        "northing": crimes["true_northing"],
        "geocode_quality": pl.Series(["uprn"] * len(crimes), dtype=pl.String),
    }


def _dates(rng: np.random.Generator, crimes: pl.DataFrame, recorded: Times) -> pl.DataFrame:
    """A statement narrows a window to its middle half or moves a moment back a little; some windows become wider, some
    dates were a day or a week wrong."""
    n = len(crimes)
    begin = crimes["committed_from_local"].to_numpy().astype("datetime64[m]")
    end = crimes["committed_to_local"].fill_null(crimes["committed_from_local"]).to_numpy()
    end = end.astype("datetime64[m]")
    is_drawn = drawn(rng, hazards.REDATE_LAG.for_ever(hazards.REDATE), n)
    back = rng.integers(5, 180, n).astype("timedelta64[m]")
    u = rng.uniform(size=n)
    days = rng.choice([1, 7], n, p=[0.7, 0.3]) * np.timedelta64(1, "D")
    changed = hazards.REDATE_LAG.after(rng, recorded)
    width = end - begin
    quarter = width.astype(np.int64) // 4 * np.timedelta64(1, "m")
    is_wrong_day = u < _WRONG_DAY_SHARE
    is_moment = width < np.timedelta64(4, "m")
    is_wider = ~is_moment & (u >= 1 - _WIDER_SHARE)
    cases = [is_wrong_day, is_moment | is_wider]
    new_begin = np.select(cases, [begin - days, begin - back], begin + quarter)
    new_end = np.select(
        [is_wrong_day, is_moment, is_wider], [end - days, new_begin, end], end - quarter
    )
    new_begin, new_end = (
        skip_missing_hour(t.astype("datetime64[s]")) for t in (new_begin, new_end)
    )
    new_end = np.maximum(new_begin, new_end)
    why = np.select(
        [is_wrong_day, is_moment, is_wider],
        ["statement: another day", "statement: earlier", "statement: wider"],
        "statement: narrower",
    )
    has = np.flatnonzero(is_drawn)
    frame = change_frame(
        has,
        changed,
        "redated",
        why[has],
        committed_from_local=time_column(new_begin[has]),
        committed_to_local=time_column(new_end[has]),
    )
    # A moment has no end afterwards, whatever it had before.
    return frame.with_columns(
        committed_to_local=pl.when(pl.Series(~is_moment[has])).then(pl.col("committed_to_local"))
    )


def _flags(rng: np.random.Generator, crimes: pl.DataFrame, recorded: Times) -> pl.DataFrame:
    """One flag of three is found to be true, or an empty one is filled in as false."""
    n = len(crimes)
    is_drawn = drawn(rng, hazards.FLAGS_LAG.for_ever(hazards.FLAGS), n)
    first = rng.integers(0, len(LATER_FLAGS), n)
    becomes_true = drawn(rng, 0.8, n)
    changed = hazards.FLAGS_LAG.after(rng, recorded)
    old = [crimes[name] for name in LATER_FLAGS]
    # The first flag, from a drawn one on, that is not yet true.
    is_open = np.column_stack([~f.fill_null(False).to_numpy() for f in old])
    turned = (first[:, None] + np.arange(len(LATER_FLAGS))) % len(LATER_FLAGS)
    choice = np.take_along_axis(
        turned, np.take_along_axis(is_open, turned, axis=1).argmax(axis=1)[:, None], axis=1
    )[:, 0]
    was_null = np.column_stack([f.is_null().to_numpy() for f in old])[np.arange(n), choice]
    new_value = becomes_true | ~was_null
    has = np.flatnonzero(is_drawn & is_open.any(axis=1))
    columns = {}
    for k, (name, flag) in enumerate(zip(LATER_FLAGS, old, strict=True)):
        is_chosen, value = pl.Series(choice == k), pl.Series(new_value)
        columns[name] = pl.select(pl.when(is_chosen).then(value).otherwise(flag)).to_series()[
            has.tolist()
        ]
    why = np.where(new_value[has], "found to apply", "filled in: does not apply")
    return change_frame(has, changed, "flag_changed", why, **columns)


def _outcomes(rng: np.random.Generator, crimes: pl.DataFrame, recorded: Times) -> pl.DataFrame:
    n = len(crimes)
    has = np.flatnonzero(drawn(rng, hazards.OUTCOME_EVER, n))
    codes = rng.choice(list(_OUTCOMES), n, p=list(_OUTCOMES.values()))
    changed = hazards.OUTCOME_LAG.after(rng, recorded)
    return change_frame(
        has,
        changed,
        "outcome",
        "investigation finalised",
        ho_outcome_code=codes[has],
        outcome_ts_local=time_column(changed[has]),
    )
