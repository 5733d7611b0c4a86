"""From what the extracts showed to what was known: versions of a record, and the answer at a moment.

A *record* is one crime or incident. A *sighting* is one record seen with one content, in one delta
extract or in an unbroken run of whole extracts. This module finds the moments at which what the
source said of a record changed (`observed_versions`). When each version was the answer, and what kind
of change it was, is in `answers.py`. Nothing here knows what a column means: contents are hashes.

It does not read or write tables (SQL models and assets of this stage), does not decide which
extract is whole or in which order extracts stand, and does not say what a change touches.

Moments are whole numbers inside: position on the sorted list of all moments of the call. Record
and moment then make one key, `record * n + moment`, so one sort puts every record's life in order
and a comparison with the next row never confuses two records.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from hotspot_pipeline.history.codes import axis_of, begins, coded, refuse_nulls, where

_SIGHTING = ["record", "scope", "from_ts", "to_ts", "ptr", "row_hash"]
_LARGEST = 2**62


@dataclass(frozen=True)
class _Wholes:
    """The whole extracts of every scope, sorted, as keys `scope * n + moment`."""

    n: int
    keys: pl.Series

    def after(self, scope: pl.Series, moment: pl.Series, nth: int = 1) -> pl.Series:
        """Return the moment of the n-th whole of the scope later than `moment`, null if none."""
        found = self.keys.search_sorted(scope * self.n + moment, side="right")
        return self._moment(found.cast(pl.Int64) + (nth - 1), scope)

    def before(self, scope: pl.Series, moment: pl.Series) -> pl.Series:
        """Return the moment of the last whole of the scope earlier than `moment`, null if none."""
        found = self.keys.search_sorted(scope * self.n + moment, side="left")
        return self._moment(found.cast(pl.Int64) - 1, scope)

    def between(self, runs: pl.DataFrame) -> pl.DataFrame:
        """Return every run as points: its two ends and the wholes of its scope between them."""
        opens = runs["scope"] * self.n + runs["start"] % self.n
        closes = opens + runs["stop"] - runs["start"]
        lo = self.keys.search_sorted(opens, side="right").cast(pl.Int64)
        hi = self.keys.search_sorted(closes, side="left").cast(pl.Int64)
        inner = runs.with_columns(at=pl.int_ranges(lo, hi)).filter(hi > lo).explode("at")
        moment = self.keys.gather(inner["at"]) % self.n
        inner = inner.with_columns(start=pl.col("start") - pl.col("start") % self.n + moment)
        points = [runs, runs.with_columns(start="stop"), inner.drop("at")]
        return pl.concat(points).with_columns(stop="start")

    def _moment(self, at: pl.Series, scope: pl.Series) -> pl.Series:
        there = at.is_between(0, self.keys.len() - 1)
        moment = self.keys.gather(where(there, at)) - scope * self.n
        return where(moment.is_between(0, self.n - 1), moment)


def observed_versions(
    sightings: pl.DataFrame, wholes: pl.DataFrame, *, n_absences: int
) -> pl.DataFrame:
    """Return one row per observed change of state, sorted by record and observed_ts.

    `sightings`: record Int64, scope Int64, from_ts and to_ts Datetime(us), ptr Int64 (the stored
    row), row_hash String (its content); any order. A row of a delta extract has from_ts = to_ts. A
    run of whole extracts says that the content stood in every whole of its scope from from_ts to
    to_ts; where an end is not in `wholes` (a whole set aside later) it still counts as seen.
    `wholes`: scope Int64, order_ts Datetime(us), the whole extracts of each scope; empty for a feed
    that sends deltas only. Moments are those of extracts in their order, in one time zone.

    Columns: record, observed_ts, ptr, row_hash, is_missing.

    - Observations that follow each other with the same row_hash are one row, the first.
    - Another content inside a run holds until the next whole of the run's scope.
    - A record absent from `n_absences` wholes running of its scope becomes missing at the last of
      them, with ptr and row_hash of its last row. The scope is that of the sighting before the gap;
      a sighting of any kind ends the count; a delta it is not in says nothing. The next sighting
      brings it back, a row even where the content is the same.
    - Two sightings of one record at one moment: the larger ptr is taken.

    Each record stands for itself, so any subset of the records gives that subset of the rows. An
    extract never alters rows before its own moment; one that arrives out of order can alter rows
    after it (a record no longer missing, a content that is now a change).

    ValueError: n_absences below 1, a null, or a sighting that ends before it starts.
    """
    if n_absences < 1:
        raise ValueError(f"n_absences is {n_absences}: a record is missing after one or more")
    seen = sightings.select(_SIGHTING)
    refuse_nulls(seen, "sightings")
    refuse_nulls(wholes.select("scope", "order_ts"), "wholes")
    reversed_rows = seen.filter(pl.col("to_ts") < pl.col("from_ts"))
    if not reversed_rows.is_empty():
        first = dict(zip(_SIGHTING, reversed_rows.row(0), strict=True))
        raise ValueError(f"{reversed_rows.height} sightings end before they start, first {first}")
    axis = axis_of(seen["from_ts"], seen["to_ts"], wholes["order_ts"])
    scopes = axis_of(seen["scope"], wholes["scope"])
    n = max(axis.len(), 1)
    keys = coded(wholes["scope"], scopes) * n + coded(wholes["order_ts"], axis)
    calendar = _Wholes(n, keys.unique().sort())
    base = _record_codes(seen["record"], n) * n
    start, stop = base + coded(seen["from_ts"], axis), base + coded(seen["to_ts"], axis)
    pieces = pl.DataFrame({"start": start, "stop": stop, "scope": coded(seen["scope"], scopes)})
    pieces = pieces.with_row_index("row").sort("start")
    pieces = _one_at_a_time(pieces, seen["ptr"], calendar)
    changes = _changes(pieces, seen["row_hash"], calendar, n_absences)
    return pl.DataFrame(
        {
            "record": seen["record"].gather(changes["row"]),
            "observed_ts": axis.gather(changes["key"] % n),
            "ptr": seen["ptr"].gather(changes["row"]),
            "row_hash": seen["row_hash"].gather(changes["row"]),
            "is_missing": changes["is_missing"],
        }
    )


def _changes(
    pieces: pl.DataFrame, row_hashes: pl.Series, calendar: _Wholes, n_absences: int
) -> pl.DataFrame:
    """Return key, row and is_missing of every change; `pieces` are sorted and none overlap."""
    n, start, stop = calendar.n, pieces["start"], pieces["stop"]
    absent = stop - stop % n + calendar.after(pieces["scope"], stop % n, n_absences)
    # The next piece may be another record's: its key is then larger than any of this record.
    gone = where((absent < start.shift(-1)).fill_null(absent.is_not_null()), absent)
    content = row_hashes.gather(pieces["row"])
    is_kept = begins(start // n) | gone.shift(1).is_not_null() | begins(content)
    state = where(is_kept, pieces["row"]).forward_fill()
    states = pl.DataFrame({"key": start, "row": state, "gone": gone, "is_kept": is_kept})
    changes = states.filter("is_kept").select("key", "row", is_missing=pl.lit(False))
    losses = states.drop_nulls("gone").select(key="gone", row="row", is_missing=pl.lit(True))
    return pl.concat([changes, losses]).sort("key")


def _one_at_a_time(pieces: pl.DataFrame, ptrs: pl.Series, calendar: _Wholes) -> pl.DataFrame:
    """Return `pieces` with runs cut where another sighting of the record stands, sorted by start."""
    # Sorted by start, the first piece that overlaps any overlaps the one right before it.
    overlaps = pl.col("start") <= pl.col("stop").shift(1)
    record = pl.col("start") // calendar.n
    tangled = pieces.filter(overlaps).select(record.unique())
    if tangled.is_empty():
        return pieces
    rest = pieces.filter(~record.is_in(tangled["start"].implode()))
    mixed = pieces.filter(record.is_in(tangled["start"].implode()))
    mixed = mixed.with_columns(ptr=ptrs.gather(mixed["row"]))
    is_point = pl.col("start") == pl.col("stop")
    points, runs = mixed.filter(is_point), mixed.filter(~is_point)
    # Two contents in the same wholes should not be; then each whole has to be settled by itself.
    clashing = runs.filter(overlaps).select(record.unique())["start"].implode()
    points = pl.concat([points, calendar.between(runs.filter(record.is_in(clashing)))])
    points = points.sort("start", "ptr", "scope", "row").unique("start", keep="last")
    runs = runs.filter(~record.is_in(clashing))
    points, cuts = _settled(points, runs, calendar)
    settled = [f.select(rest.columns) for f in (points, _cut(runs, cuts, calendar))]
    return pl.concat([rest, *settled]).sort("start")


def _settled(
    points: pl.DataFrame, runs: pl.DataFrame, calendar: _Wholes
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the points that hold against the runs, and where they cut one (run, cut)."""
    at, n = points["start"], calendar.n
    run = runs["start"].search_sorted(at, side="right").cast(pl.Int64) - 1
    run = where((run >= 0) & (at <= runs["stop"].gather(where(run >= 0, run))), run)
    is_whole = calendar.before(runs["scope"].gather(run).fill_null(0), at % n + 1) == at % n
    is_end = (at == runs["start"].gather(run)) | (at == runs["stop"].gather(run))
    loses = (is_whole | is_end) & (runs["ptr"].gather(run) >= points["ptr"])
    held = points.with_columns(run=run).filter(~loses.fill_null(False))
    return held, held.select("run", cut="start").drop_nulls("run")


def _cut(runs: pl.DataFrame, cuts: pl.DataFrame, calendar: _Wholes) -> pl.DataFrame:
    """Return what is left of `runs`: from the whole after one cut to the whole before the next."""
    whole = runs.with_row_index("run").with_columns(pl.col("run").cast(pl.Int64))
    heads = whole.select("run", cut=pl.lit(None, dtype=pl.Int64))
    parts = pl.concat([heads, cuts]).sort("run", "cut", nulls_last=False)
    # The last part of a run comes before the head of the next one, which has no cut.
    parts = parts.with_columns(until=pl.col("cut").shift(-1))
    parts = parts.join(whole, on="run", how="left", maintain_order="left")
    base = parts["start"] - parts["start"] % calendar.n
    cut, until = parts["cut"].fill_null(base), parts["until"].fill_null(base)
    first = base + calendar.after(parts["scope"], cut - base)
    last = base + calendar.before(parts["scope"], until - base)
    begins = pl.when(cut < parts["stop"]).then(pl.min_horizontal(first, "stop"))
    ends = pl.when(until > parts["start"]).then(pl.max_horizontal(last, "start"))
    return parts.with_columns(
        start=pl.when(pl.col("cut").is_null()).then("start").otherwise(begins),
        stop=pl.when(pl.col("until").is_null()).then("stop").otherwise(ends),
    ).filter(pl.col("start") <= pl.col("stop"))


def _record_codes(records: pl.Series, n: int) -> pl.Series:
    """Return whole numbers in the order of the records, small enough to be multiplied by n."""
    low, high = records.min() or 0, records.max() or 0
    if (int(high) - int(low) + 1) * n < _LARGEST:  # type: ignore[arg-type]
        return records.cast(pl.Int64) - low
    return records.rank("dense").cast(pl.Int64)
