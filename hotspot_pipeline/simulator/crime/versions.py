"""Every state a record ever has: one row a record and moment of change, made in bulk.

Belongs here: putting changes of several families in order of time and carrying values forward; the ledger of what
differs from one state to the next. Does not belong here: which changes there are (`recodes`, `logs`), which
night's file carries which state (`delivery`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from hotspot_pipeline.simulator.crime.clock import Times, time_column
from hotspot_pipeline.simulator.force.county import Ints

TIME_FORMAT = "%Y-%m-%d %H:%M:%S"
LEDGER = {
    "change": pl.String,
    "event": pl.String,
    "changed_ts_local": pl.String,
    "column": pl.String,
    "value_from": pl.String,
    "value_to": pl.String,
    "why": pl.String,
}


@dataclass(frozen=True, eq=False)
class Versions:
    """States in order of time, then of record; arrays and `frame` have a row a state.

    `record` is the record's position in the frame the versions were made of, `changed` when the state began (local),
    `frame` all its columns as delivered text. A record's first state begins when it was recorded.
    """

    record: Ints
    changed: Times
    frame: pl.DataFrame

    def __len__(self) -> int:
        return len(self.record)

    def without(self, is_out: np.ndarray) -> Versions:
        """The states of the records that are not out; records keep their positions."""
        stays = ~is_out[self.record]
        return Versions(
            self.record[stays], self.changed[stays], self.frame.filter(pl.Series(stays))
        )


def make_versions(
    first: pl.DataFrame,
    begins: str,
    changes: Mapping[str, pl.DataFrame],
    families: Mapping[str, tuple[str, ...]],
    columns: Sequence[str],
) -> Versions:
    """All states of the records of `first`, whose rows are their first states; `begins` names the column saying when.

    `changes` has per family `idx` (row of `first`), `changed_ts_local` (after the record's beginning, at most one
    change of a family at a time) and the family's columns, all of them new values. `source_last_modified`, where asked
    for, is when the state began. A change that leaves everything as it was is no state.
    """
    n = len(first)
    beginnings = _seconds(first[begins])
    idx = [np.arange(n), *(changes[name]["idx"].to_numpy() for name in families)]
    at = [beginnings, *(_seconds(changes[name]["changed_ts_local"]) for name in families)]
    all_idx, all_at = np.concatenate(idx), np.concatenate(at)
    order = np.lexsort((all_at, all_idx))
    is_new = np.ones(len(order), dtype=bool)
    is_new[1:] = (np.diff(all_idx[order]) != 0) | (np.diff(all_at[order]).astype(np.int64) != 0)
    moment = np.empty(len(order), dtype=np.int64)  # of each row of the concatenation
    moment[order] = np.cumsum(is_new) - 1
    record, changed = all_idx[order][is_new], all_at[order][is_new]
    if not (changed >= beginnings[record]).all() or len(np.unique(moment[:n])) != n:
        raise ValueError("a record changes before it begins")

    # Which row of a family's values is valid at each moment: the record's own row of `first`, or n + row of its changes.
    data: dict[str, pl.Series] = {}
    begin = 0
    own = [column for names in families.values() for column in names]
    others = [c for c in columns if c not in own and c != "source_last_modified"]
    static = as_text(first.select(others))[record]
    start = n
    for name, names in families.items():
        mine = changes[name]
        rows = np.full(len(record), begin - 1)
        rows[moment[:n]] = np.arange(n)
        rows[moment[start : start + len(mine)]] = n + np.arange(len(mine))
        start += len(mine)
        known = np.maximum.accumulate(np.where(rows >= 0, np.arange(len(rows)), 0))
        values = as_text(
            pl.concat([first.select(names), mine.select(names)], how="vertical_relaxed")
        )
        chosen = values[rows[known]]
        data |= {column: chosen[column] for column in names}
    frame = static.with_columns(**data)
    if "source_last_modified" in columns:
        frame = frame.with_columns(
            source_last_modified=time_column(changed).dt.strftime(TIME_FORMAT)
        )
    frame = frame.select(columns)
    is_state = _differs(frame, own, record).any(axis=1) | is_first_state(record)
    by_time = np.lexsort((record, changed))
    kept = by_time[is_state[by_time]]
    return Versions(record[kept], changed[kept], frame[kept])


def is_first_state(record: Ints) -> np.ndarray:
    """(n,) where a record's rows begin, of rows in order of record and time."""
    first = np.ones(len(record), dtype=bool)
    first[1:] = record[1:] != record[:-1]
    return first


def ledger(
    versions: Versions,
    key: str,
    changes: Mapping[str, pl.DataFrame],
    families: Mapping[str, tuple[str, ...]],
    until: np.datetime64,
) -> pl.DataFrame:
    """Every value that changed by `until`: key, columns of LEDGER; in order of time, record and family.

    Replaying it on the first states gives every later one; `source_last_modified`, which is not on it, is the moment
    of the newest change.
    """
    order = np.lexsort((versions.changed, versions.record))
    record, changed = versions.record[order], versions.changed[order]
    frame = versions.frame[order]
    parts: list[pl.DataFrame] = []
    for family, names in families.items():
        events = changes[family].select(
            record="idx", at=pl.col("changed_ts_local").dt.truncate("1s"), event="event", why="why"
        )
        differs = _differs(frame, list(names), record) & ~is_first_state(record)[:, None]
        for k, name in enumerate(names):
            rows = np.flatnonzero(differs[:, k])
            values = frame[name]
            part = pl.DataFrame(
                {
                    key: frame[key][rows],
                    "record": record[rows],
                    "at": time_column(changed[rows]),
                    "column": pl.Series([name], dtype=pl.String).new_from_index(0, len(rows)),
                    "value_from": values[rows - 1],
                    "value_to": values[rows],
                }
            )
            parts.append(
                part.join(
                    events, on=["record", "at"], how="left", maintain_order="left"
                ).with_columns(change=pl.lit(family), place=pl.lit(len(parts)))
            )
    if not parts:
        return pl.DataFrame(schema={key: pl.String, **LEDGER})
    return (
        pl.concat(parts)
        .filter(pl.col("at") <= pl.lit(until.astype("datetime64[us]").item()))
        .sort("at", "record", "place")
        .with_columns(changed_ts_local=pl.col("at").dt.strftime(TIME_FORMAT))
        .select(key, *LEDGER)
    )


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


def _differs(frame: pl.DataFrame, names: Sequence[str], record: Ints) -> np.ndarray:
    """(n, names) whether the value is another than in the row before, of rows in order of record and time."""
    changed = frame.select(pl.col(name).ne_missing(pl.col(name).shift(1)) for name in names)
    return np.asarray(changed.to_numpy() & ~is_first_state(record)[:, None])


def _seconds(column: pl.Series) -> Times:
    return column.to_numpy().astype("datetime64[s]")
