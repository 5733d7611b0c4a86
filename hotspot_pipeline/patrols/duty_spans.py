"""Who had which device when: duties without overlap, the duty of each fix, and officers with two devices.

Here: duties as spans of devices. Not here: other rules for fixes (`cleaning`), what the duty says of a visit (`visits`).

`duties`: device, start_ms, end_ms, and whatever else is known of a duty (officer, crew, deployment …); its row number is what
`duty` means elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby, pairwise
from operator import itemgetter

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hotspot_pipeline.patrols.dwell_rows import Longs

Bools = NDArray[np.bool_]


def duty_spans(duties: pl.DataFrame) -> pl.DataFrame:
    """device, start_ms, end_ms, duty: at any moment a device belongs to the duty that was booked on last, half open.

    So at a hand-over it is the colleague's from the moment of booking, whatever end the first duty was given, and where the
    later duty ends earlier it is the first one's again. Raises ValueError for a duty that ends before it begins.
    """
    wrong = duties.with_row_index("duty").filter(pl.col("end_ms") < pl.col("start_ms"))
    if wrong.height:
        row = wrong.row(0, named=True)
        raise ValueError(
            f"duty {row['duty']} of device {row['device']} ends at {row['end_ms']} ms, before it begins ({row['start_ms']} ms); "
            "the feed's rules turn such rows away"
        )
    rows: list[tuple[int, int, int, int]] = []
    in_order = duties.with_row_index("duty").sort("device", "start_ms", "end_ms", "duty")
    told = in_order.select("device", "start_ms", "end_ms", "duty").iter_rows()
    for device, mine in groupby(told, key=itemgetter(0)):
        booked = [row[1:] for row in mine]
        moments = sorted({m for start, end, _ in booked for m in (start, end)})
        for since, until in pairwise(moments):
            on = [(start, duty) for start, end, duty in booked if start <= since and end >= until]
            if on:
                duty = max(on)[1]
                if rows and rows[-1][0] == device and rows[-1][3] == duty and rows[-1][2] == since:
                    rows[-1] = (device, rows[-1][1], until, duty)
                else:
                    rows.append((device, since, until, duty))
    schema = {"device": pl.Int32, "start_ms": pl.Int64, "end_ms": pl.Int64, "duty": pl.Int32}
    return pl.DataFrame(rows, schema=schema, orient="row")


def duty_of(fixes: pl.DataFrame, spans: pl.DataFrame) -> pl.Series:
    """The duty of each fix; null where the device was on none. A fix at the very end of a duty still belongs to it."""
    begun = spans.sort("start_ms").rename({"start_ms": "fix_ms"})
    found = (
        fixes.select("device", "fix_ms")
        .with_row_index("row")
        .sort("fix_ms")
        .join_asof(begun, on="fix_ms", by="device", strategy="backward", check_sortedness=False)
        .with_columns(duty=pl.when(pl.col("fix_ms") <= pl.col("end_ms")).then("duty"))
        .sort("row")
    )
    return found.get_column("duty")


def second_devices(
    fixes: pl.DataFrame, spans: pl.DataFrame, duties: pl.DataFrame, worn_first: Sequence[str], silent_ms: int
) -> Bools:  # fmt: skip
    """Which fixes (with `duty`, by device and time) come from another device of an officer whose first one was reporting then.

    An officer is in one place. Of two devices on overlapping duties of one officer the one that is surely worn counts
    (`worn_first` by `device_type`, then the lower number); the other only where that one was silent for over `silent_ms`.
    """
    is_second = np.zeros(fixes.height, np.bool_)
    if "officer" not in duties.columns or not fixes.height:
        return is_second
    rank = {kind: k for k, kind in enumerate(worn_first)}
    kind = duties.get_column("device_type") if "device_type" in duties.columns else None
    known = spans.with_columns(
        officer=duties.get_column("officer").gather(spans.get_column("duty")),
        rank=pl.lit(0)
        if kind is None
        else kind.gather(spans.get_column("duty")).replace_strict(rank, default=len(rank), return_dtype=pl.Int64),
    ).filter(pl.col("officer").is_not_null())  # fmt: skip
    pairs = known.join(known, on="officer", suffix="_second").filter(
        (pl.col("rank") < pl.col("rank_second"))
        | ((pl.col("rank") == pl.col("rank_second")) & (pl.col("device") < pl.col("device_second"))),
        pl.col("start_ms") < pl.col("end_ms_second"),
        pl.col("start_ms_second") < pl.col("end_ms"),
    )  # fmt: skip
    device, t, duty = (fixes.get_column(c).to_numpy() for c in ("device", "fix_ms", "duty"))
    for pair in pairs.sort("rank", "device", "rank_second", "device_second").iter_rows(named=True):
        a, b = np.searchsorted(device, [pair["device"], pair["device"] + 1])
        first = t[a:b][(duty[a:b] == pair["duty"]) & ~is_second[a:b]]
        c, d = np.searchsorted(device, [pair["device_second"], pair["device_second"] + 1])
        overlap = (t[c:d] >= pair["start_ms"]) & (t[c:d] <= pair["end_ms"])
        mine = c + np.flatnonzero((duty[c:d] == pair["duty_second"]) & overlap)
        is_second[mine] |= _is_reporting(first, t[mine], silent_ms)
    return is_second


def _is_reporting(fixes: Longs, moments: Longs, silent_ms: int) -> Bools:
    """Whether a device with these fixes was heard of around each moment."""
    if not len(fixes):
        return np.zeros(len(moments), np.bool_)
    after = np.searchsorted(fixes, moments)
    since = moments - fixes[np.maximum(after - 1, 0)]
    until = fixes[np.minimum(after, len(fixes) - 1)] - moments
    is_before, is_behind = after == 0, after == len(fixes)
    pause = np.where(is_before, 2 * until, np.where(is_behind, 2 * since, since + until))
    return np.asarray(pause <= silent_ms)
