"""Which fixes count, and why each other does not.

Here: the rules for fixes, each with a name and a count; rows in = rows kept + rows refused by reason, exactly. Not here: what a
supplier's file must look like (`validated`), time in zones (`dwell`).

Rules in this order; a fix has the first that applies to it:

- `no_position`: no coordinates, or none that are numbers;
- `duplicate`: the same device, moment and place again; the one received first stays;
- `ahead_of_receipt`: made over 2 minutes after it was received, so the device's clock is fast;
- `too_old`: over 7 days old when it was received;
- `clock_drift`: all fixes of a device come equally late, over 3 minutes (the middle 80 % within one minute of each other, 20 fixes or
  more). Fixes that were held back come at once, so their lags differ; these say that the clock is slow, and nobody knows since when;
- `outside_duty`: the device was on nobody's duty (never measured: DOMAIN's rule that nothing outside duty is kept);
- `impossible_speed`: not in the longest sequence without a step over 70 m/s (`possible_steps`);
- `stuck`: a handheld repeats its position for over 10 minutes, and its status does not say that it stands: the first fix stays;
- `second_device`: the officer's other device (`duty_spans.second_devices`).

Marked, not refused: `is_poor` (accuracy over 50 m, HDOP over 6, or the last known position sent again), alive but not well enough where;
`is_at_base`, within 50 m of police premises, never patrol.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
import shapely
from numpy.typing import NDArray

from hotspot_pipeline.patrols.device_order import fixed
from hotspot_pipeline.patrols.duty_spans import duty_of, duty_spans, second_devices
from hotspot_pipeline.patrols.possible_steps import believable
from hotspot_pipeline.patrols.rules import CleaningRules

REASONS = (
    "no_position", "duplicate", "ahead_of_receipt", "too_old", "clock_drift", "outside_duty", "impossible_speed", "stuck",
    "second_device",
)  # fmt: skip
_MAY_LACK = {
    "received_ms": pl.Int64, "speed_mps": pl.Float32, "hdop": pl.Float32, "accuracy_m": pl.Float32, "fix_type": pl.String,
    "status_code": pl.Int16, "device_type": pl.String,
}  # fmt: skip
_RADIUS_68_PER_SIGMA = float(np.sqrt(-2 * np.log(1 - 0.68)))  # of two independent normal axes: 1.51


@dataclass(frozen=True)
class Cleaned:
    """What is left, and what became of the rest.

    - `fixes`: by device and time; the columns given, and `row` (position in the frame given), `duty` (row of `duties`; null where
      none were given), `sigma_m` (null where no accuracy is said), `is_poor`, `is_at_base`,
      `is_at_scene`;
    - `refused`: row, reason, in order of rows;
    - `counts`: reason, n_fixes: every reason, zeros too, then `kept`; they sum to the rows given;
    - `n_poor`, `n_at_base`: of those kept;
    - `drifting`: device, n_fixes, lag_ms: clocks that somebody has to set.
    """

    fixes: pl.DataFrame
    refused: pl.DataFrame
    counts: pl.DataFrame
    n_poor: int
    n_at_base: int
    drifting: pl.DataFrame


def clean(
    fixes: pl.DataFrame,
    duties: pl.DataFrame | None = None,
    premises: Sequence[shapely.Geometry] = (),
    rules: CleaningRules | None = None,
) -> Cleaned:
    """`fixes`: device, fix_ms, easting, northing (see `dwell.dwell`), and as far as known received_ms, speed_mps, hdop, accuracy_m,
    fix_type, status_code, device_type; in any order, with the same result in any.

    `duties`: see `duty_spans`; without them no fix is outside one. `premises`: points or polygons of police stations, in metres.
    """
    rules = rules or CleaningRules()
    lacking = [n for n in ("device", "fix_ms", "easting", "northing") if n not in fixes.columns]
    if lacking:
        raise ValueError(
            f"cleaning: no column {', '.join(lacking)}; the frame has {', '.join(fixes.columns)}"
        )
    unknown = [pl.lit(None, t).alias(n) for n, t in _MAY_LACK.items() if n not in fixes.columns]
    given = fixes.with_columns(pl.col("device").cast(pl.Int32), *unknown).with_row_index("row")
    account = _Account(given)
    account.refuse(
        "no_position",
        ~(pl.col("easting").is_finite() & pl.col("northing").is_finite()).fill_null(False),
    )
    account.left = account.left.sort(
        "device", "fix_ms", "easting", "northing", "received_ms", "row", nulls_last=True
    )
    place = ("device", "fix_ms", "easting", "northing")
    account.refuse(
        "duplicate",
        pl.all_horizontal(pl.col(n) == pl.col(n).shift(1) for n in place).fill_null(False),
    )
    lag = pl.col("received_ms") - pl.col("fix_ms")
    account.refuse("ahead_of_receipt", (lag < -rules.ahead_ms).fill_null(False))
    account.refuse("too_old", (lag > rules.oldest_ms).fill_null(False))
    drifting = _drifting(account.left.with_columns(lag_ms=lag), rules)
    account.refuse("clock_drift", pl.col("device").is_in(drifting.get_column("device").implode()))
    spans = None if duties is None else duty_spans(duties)
    nobody = pl.Series("duty", [None], dtype=pl.Int32).new_from_index(0, account.left.height)
    account.left = account.left.with_columns(
        (nobody if spans is None else duty_of(account.left, spans)).alias("duty")
    )
    if spans is not None:
        account.refuse("outside_duty", pl.col("duty").is_null())
    account.refuse("impossible_speed", ~_believable(account.left, rules))
    account.refuse("stuck", _stuck(account.left, rules))
    if duties is not None and spans is not None:
        second = second_devices(account.left, spans, duties, rules.worn_first, rules.silent_ms)
        account.refuse("second_device", second)
    kept = account.left.with_columns(
        sigma_m=(pl.col("accuracy_m") / _RADIUS_68_PER_SIGMA).cast(pl.Float32),
        is_poor=(
            (pl.col("accuracy_m") > rules.poor_accuracy_m).fill_null(False)
            | (pl.col("hdop") > rules.poor_hdop).fill_null(False)
            | (pl.col("fix_type") == "last_known").fill_null(False)
        ),
        is_at_scene=pl.col("status_code").is_in(list(rules.at_scene_statuses)).fill_null(False),
        is_at_base=pl.Series(_at_base(account.left, premises, rules.base_m)),
    )
    n_poor, n_at_base = (int(kept.get_column(c).sum()) for c in ("is_poor", "is_at_base"))
    refused = account.refused()
    kept = kept.drop(n for n in _MAY_LACK if n not in fixes.columns)
    return Cleaned(kept, refused, _counts(refused, kept.height), n_poor, n_at_base, drifting)


class _Account:
    """The fixes that are left, and the rows that are not, by reason."""

    def __init__(self, fixes: pl.DataFrame) -> None:
        self.left = fixes
        self._refused: list[pl.DataFrame] = []

    def refuse(self, reason: str, which: pl.Expr | NDArray[np.bool_]) -> None:
        is_out = (
            self.left.select(which.alias("out")).to_series()
            if isinstance(which, pl.Expr)
            else pl.Series(which, dtype=pl.Boolean)
        )
        out = self.left.filter(is_out).select("row", reason=pl.lit(reason))
        self._refused.append(out)
        if out.height:
            self.left = self.left.filter(~is_out)

    def refused(self) -> pl.DataFrame:
        return pl.concat(self._refused).sort("row")


def _counts(refused: pl.DataFrame, n_kept: int) -> pl.DataFrame:
    found = dict(refused.group_by("reason").len().iter_rows())
    return pl.DataFrame(
        {
            "reason": [*REASONS, "kept"],
            "n_fixes": [*(found.get(r, 0) for r in REASONS), n_kept],
        },
        schema={"reason": pl.String, "n_fixes": pl.Int64},
    )


def _drifting(fixes: pl.DataFrame, rules: CleaningRules) -> pl.DataFrame:
    by_device = fixes.group_by("device").agg(
        n_fixes=pl.col("lag_ms").count(),
        lag_ms=pl.col("lag_ms").median().cast(pl.Int64),
        spread=pl.col("lag_ms").quantile(0.9, "nearest") - pl.col("lag_ms").quantile(0.1, "nearest"),
    )  # fmt: skip
    return (
        by_device.filter(
            pl.col("n_fixes") >= rules.drift_fixes,
            pl.col("lag_ms") > rules.drift_ms,
            pl.col("spread") <= rules.drift_spread_ms,
        )
        .drop("spread")
        .sort("device")
    )


def _believable(fixes: pl.DataFrame, rules: CleaningRules) -> NDArray[np.bool_]:
    columns = ("device", "fix_ms", "easting", "northing")
    device, t, x, y = (fixed(fixes.get_column(n).to_numpy()) for n in columns)
    return believable(device, t, x, y, rules.max_speed_mps)


def _stuck(fixes: pl.DataFrame, rules: CleaningRules) -> pl.Expr:
    """All but the first of a handheld's repeats, unless they are too short or the status says that it stands."""
    is_new = pl.any_horizontal(
        pl.col(n) != pl.col(n).shift(1) for n in ("device", "easting", "northing")
    ).fill_null(True)
    run = is_new.cum_sum()
    lasted = pl.col("fix_ms").last().over(run) - pl.col("fix_ms").first().over(run)
    is_static = pl.col("status_code").is_in(list(rules.static_statuses)).fill_null(False)
    is_handheld = (pl.col("device_type") == "handheld").fill_null(False)
    return ~is_new & is_handheld & ~is_static & (lasted > rules.stuck_ms)


def _at_base(
    fixes: pl.DataFrame, premises: Sequence[shapely.Geometry], within_m: float
) -> NDArray[np.bool_]:
    x, y = (fixes.get_column(n).to_numpy() for n in ("easting", "northing"))
    found = np.zeros(len(x), np.bool_)
    for site in premises:
        west, south, east, north = site.bounds
        box = (
            (x >= west - within_m)
            & (x <= east + within_m)
            & (y >= south - within_m)
            & (y <= north + within_m)
        )
        near = np.flatnonzero(box & ~found)
        found[near] = shapely.dwithin(shapely.points(x[near], y[near]), site, within_m)
    return found
