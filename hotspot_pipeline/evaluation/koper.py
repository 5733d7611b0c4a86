"""Koper curve: how long after a visit the next event comes, by the visit's length.

Here: survival of quiet time after departure, and events an hour until then. Descriptive: a county has some 130 events a year within two hours of a visit,
so bands cannot be told apart, and visits are not made at random. Not here: the residual curve over days (`residual`).
"""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy import stats

from hotspot_pipeline.evaluation.estimate import CONFIDENCE, FloatArray, IntArray

HORIZON_MINUTES = 120.0
BANDS = ((0, 3), (3, 6), (6, 10), (10, 16), (16, 30), (30, 10_000))
STEP_MINUTES = 10
LABEL = "descriptive: visits are not made at random, and events within two hours are few"


def koper_curve(visits: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Kaplan-Meier share of visits still without an event, by band of the visit's length (Koper 1995, Justice Quarterly 12).

    `visits`: place, begin_s, end_s (whole seconds), is_excluded (began with a dispatched call, or ended in an arrest or
    incident). `events`: place, at_s. Time runs from departure to the next event in the place, censored at the next visit's
    arrival or after 120 minutes; an event in the second of departure counts. One row a band and ten minutes (band,
    minutes, share_quiet, standard_error (Greenwood), n_at_risk, n_visits, n_excluded, n_events), bands without visits left out.
    """
    kept = visits.filter(~pl.col("is_excluded"))
    minutes, is_event = _until_event(visits, kept, events)
    length = ((kept["end_s"] - kept["begin_s"]) / 60).to_numpy()
    all_length = ((visits["end_s"] - visits["begin_s"]) / 60).to_numpy()
    is_excluded = visits["is_excluded"].to_numpy()
    rows = []
    for low, high in BANDS:
        mine = (length >= low) & (length < high)
        if not mine.any():
            continue
        n_excluded = int((is_excluded & (all_length >= low) & (all_length < high)).sum())
        name = f"{low}-{high} min" if high < BANDS[-1][1] else f"{low} min and more"
        for at in range(STEP_MINUTES, int(HORIZON_MINUTES) + 1, STEP_MINUTES):
            share, error = kaplan_meier(minutes[mine], is_event[mine], at)
            n_at_risk = int((minutes[mine] >= at).sum())
            rows.append(
                (
                    name,
                    at,
                    share,
                    error,
                    n_at_risk,
                    int(mine.sum()),
                    n_excluded,
                    int(is_event[mine].sum()),
                )
            )
    schema = {"band": pl.String, "minutes": pl.Int64, "share_quiet": pl.Float64, "standard_error": pl.Float64,
              "n_at_risk": pl.Int64, "n_visits": pl.Int64, "n_excluded": pl.Int64, "n_events": pl.Int64}  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row")


def koper_rates(visits: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Events an hour from departure until the next event, the next visit or 120 minutes, by band of the visit's length.

    `visits` and `events` as for `koper_curve`. One row a band with visits (from_minutes, to_minutes (null where open),
    events_per_hour, low, high, n_events, n_visits, n_excluded, hours). The interval is the exact one of a Poisson count
    (Garwood 1936, Biometrika 28); a band without any quiet time has no row.
    """
    kept = visits.filter(~pl.col("is_excluded"))
    minutes, is_event = _until_event(visits, kept, events)
    length = ((kept["end_s"] - kept["begin_s"]) / 60).to_numpy()
    left_out = visits.filter("is_excluded")
    length_out = ((left_out["end_s"] - left_out["begin_s"]) / 60).to_numpy()
    rows = []
    for low, high in BANDS:
        mine = (length >= low) & (length < high)
        hours = float(minutes[mine].sum()) / 60
        if not hours > 0:
            continue
        n = int(is_event[mine].sum())
        half = (1 - CONFIDENCE) / 2
        least = float(stats.chi2.ppf(half, 2 * n)) / 2 / hours if n else 0.0
        most = float(stats.chi2.ppf(1 - half, 2 * n + 2)) / 2 / hours
        to = float(high) if high < BANDS[-1][1] else None
        n_out = int(((length_out >= low) & (length_out < high)).sum())
        rows.append((float(low), to, n / hours, least, most, n, int(mine.sum()), n_out, hours))
    names = (
        "from_minutes",
        "to_minutes",
        "events_per_hour",
        "low",
        "high",
        "n_events",
        "n_visits",
        "n_excluded",
        "hours",
    )
    schema = {name: pl.Int64 if name.startswith("n_") else pl.Float64 for name in names}
    return pl.DataFrame(rows, schema=schema, orient="row")


def kaplan_meier(time: FloatArray, is_event: np.ndarray, at: float) -> tuple[float, float]:
    """(share without event after `at`, Greenwood standard error) of times (n,), those without event censored then."""
    share, variance = 1.0, 0.0
    for moment in np.unique(time[is_event & (time <= at)]):
        at_risk = int((time >= moment).sum())
        d = int((is_event & (time == moment)).sum())
        share *= 1 - d / at_risk
        if at_risk > d:
            variance += d / (at_risk * (at_risk - d))
    return share, float(share * np.sqrt(variance))


def _until_event(
    visits: pl.DataFrame, kept: pl.DataFrame, events: pl.DataFrame
) -> tuple[FloatArray, np.ndarray]:
    """(minutes from departure, whether an event ended them) of the kept visits; excluded ones censor like others."""
    minutes = np.full(len(kept), HORIZON_MINUTES)
    is_event = np.zeros(len(kept), bool)
    place, end = kept["place"].to_numpy(), kept["end_s"].to_numpy()
    for one in np.unique(place):
        mine = np.flatnonzero(place == one)
        came = np.sort(visits.filter(pl.col("place") == one)["begin_s"].to_numpy())
        at = np.sort(events.filter(pl.col("place") == one)["at_s"].to_numpy())
        following = _next(came, end[mine], "right")
        event = _next(at, end[mine], "left")
        wait = np.minimum(np.minimum(following, event) - end[mine], HORIZON_MINUTES * 60)
        is_event[mine] = (event - end[mine] <= wait) & (event < following)
        minutes[mine] = wait / 60
    return minutes, is_event


def _next(times: IntArray, after: IntArray, side: str) -> FloatArray:
    """The first of `times` from (`left`) or past (`right`) each moment; infinite where none."""
    padded = np.append(times.astype(np.float64), np.inf)
    return np.asarray(padded[np.searchsorted(times, after, side=side)])  # type: ignore[call-overload]
