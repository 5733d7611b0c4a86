"""When each version of a record was the answer, and what kind of change it was.

Here: the order of observation against the order in which things became known. Not here: which versions there are (`versions.py`), how
answers are kept when something arrives late (`timeline.py`).
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from hotspot_pipeline.history.codes import axis_of, begins, coded, refuse_nulls, where


def answer_timeline(versions: pl.DataFrame) -> pl.DataFrame:
    """Return the versions with version_no, known_from and known_to: when each was the answer.

    `versions`: record, observed_ts, learned_ts (when it became known: later than observed_ts where
    an extract came late or out of order) and any other columns, in any order. What was known at D
    is, of a record's rows with learned_ts <= D, the one observed last; of rows observed at the same
    moment the one learned last, so a row found wrong later is put right by another at its moment.

    Sorted by record, observed_ts, learned_ts. version_no is Int32, from 1 in each record.
    [known_from, known_to) is when the row was the answer: known_from = learned_ts, known_to null
    while it still is, known_to = known_from where it never was because a later state was known
    first. The intervals that are not empty tile the time from the record's first learned_ts on.

    ValueError: a null in the three columns, or two rows of a record equal in all three.
    """
    order = ["record", "observed_ts", "learned_ts"]
    refuse_nulls(versions.select(order), "versions")
    rows = versions.sort(order)
    twice = rows.select(order).filter(pl.all_horizontal(pl.all() == pl.all().shift(1)))
    if not twice.is_empty():
        raise ValueError(f"a version is there twice (record, observed, learned): {twice.row(0)}")
    # With the record in front, the least key of all later rows is this record's if it has any.
    axis = axis_of(rows["learned_ts"])
    n = max(axis.len(), 1)
    is_first = begins(rows["record"])
    number = is_first.cum_sum().cast(pl.Int64)
    learned = number * n + coded(rows["learned_ts"], axis)
    following = learned.cum_min(reverse=True).shift(-1)
    following = where(following // n == number, following)
    position = pl.int_range(pl.len(), dtype=pl.Int32)
    first_at = pl.when(is_first).then(position).forward_fill()
    return rows.with_columns(
        version_no=position - first_at + 1,
        known_from="learned_ts",
        known_to=axis.gather(where(following <= learned, learned, following) % n),
    )


def change_masks(versions: pl.DataFrame, groups: Sequence[str]) -> pl.Series:
    """Return what changed at each version against the one before it, a String per row.

    `versions`: record, is_missing and, for every name in `groups`, h_<name> Int64, the hash of the
    columns of that group (a null is a value); sorted by record, then observed_ts.

    'new' for the first of a record; 'missing' where it became missing; else the groups that differ,
    joined by commas in the order given, 'admin' if none does; after 'returned' where it came back
    from missing ('returned' alone if no group differs).

    ValueError: rows not sorted by record.
    """
    if not versions["record"].is_sorted():
        raise ValueError("versions are not sorted by record: sort by record, observed_ts first")
    before, now = pl.col("is_missing").shift(1), pl.col("is_missing")
    parts = [pl.when(before & ~now).then(pl.lit("returned"))]
    for group in groups:
        content = pl.col(f"h_{group}")
        parts.append(pl.when(content.ne_missing(content.shift(1))).then(pl.lit(group)))
    changed = pl.concat_str(parts, separator=",", ignore_nulls=True)
    mask = (
        pl.when(begins(versions["record"]))
        .then(pl.lit("new"))
        .when(now & ~before)
        .then(pl.lit("missing"))
        .when(changed == "")
        .then(pl.lit("admin"))
        .otherwise(changed)
    )
    return versions.select(change_mask=mask).to_series()
