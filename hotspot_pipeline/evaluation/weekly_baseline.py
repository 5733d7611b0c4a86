"""How many events a week of a place would bring if nothing were new: a negative-binomial baseline, fitted once and kept.

Here: the fit and what it expects. Not here: the limits around it (`control_limits`), alarms (`surveillance`), which weeks are settled
and free of patrols (the caller leaves out the others), counts (`hexes`).

Model, for place i and week t: y ~ NB2(mu, alpha) with variance mu + alpha·mu², log mu_it = a_i + x_t·b + log exposure_it, where x holds
season (pairs of sine and cosine of the year), a linear trend, the bank holidays of the week and steps of the recording changes. The
places share b and alpha: two years of one place say too little about its own season (DOMAIN §5.1; Hilbe 2011, Negative Binomial
Regression, ch. 8). `a` and `b` are the maximum of the likelihood given alpha, by iteratively reweighted least squares with the places
swept out; alpha is the maximum given mu; both in turn until neither moves (as in Venables and Ripley 2002, §7.4).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from scipy.optimize import minimize_scalar
from scipy.special import gammaln, xlogy

from hotspot_pipeline.evaluation.estimate import FloatArray, IntArray

YEAR_WEEKS = 365.2425 / 7
ENOUGH_WEEKS = 104
LEAST_WEEKS = 26
_LEAST_ALPHA, _MOST_ALPHA = 1e-6, 20.0


@dataclass(frozen=True, slots=True)
class BaselineRules:
    """`n_harmonics` pairs of season; no trend and no season under `ENOUGH_WEEKS`, where they cannot be told from each other."""

    n_harmonics: int = 2
    enough_weeks: int = ENOUGH_WEEKS
    least_weeks: int = LEAST_WEEKS


@dataclass(frozen=True)
class Baseline:
    """A fit that can be kept as plain values and asked again. `places`: place, log_level (null where the weeks held no event), n_weeks,
    n_events. `terms`: term, value. `origin`: the week that the trend counts from."""

    places: pl.DataFrame
    terms: pl.DataFrame
    alpha: float
    origin: date
    n_harmonics: int
    has_trend: bool
    steps: tuple[date, ...]
    is_short: bool

    @property
    def label(self) -> str:
        return "short baseline" if self.is_short else "baseline"


def fit_baseline(
    weeks: pl.DataFrame, *, steps: Sequence[date] = (), rules: BaselineRules = BaselineRules()
) -> Baseline:
    """`weeks`: place, week_start (a Monday), n_events, n_bank_holidays, exposure (share of the week that counts, 1 as a rule); one row a
    place and week, zero weeks included. `steps`: Mondays from which on recording differs.

    Places with fewer than `least_weeks` weeks are left out. Raises ValueError where none is left.
    """
    n_weeks = weeks.group_by("place").agg(n_weeks=pl.len(), n_events=pl.col("n_events").sum())
    enough = n_weeks.filter(pl.col("n_weeks") >= rules.least_weeks).sort("place")
    if enough.is_empty():
        raise ValueError(
            f"no place has {rules.least_weeks} weeks to fit a baseline to; the longest has {max(n_weeks['n_weeks'].to_list(), default=0)}"
        )
    # a place without events says nothing of season or trend, and its level is not a number
    rows = weeks.join(enough.filter(pl.col("n_events") > 0), on="place", how="semi").sort("place", "week_start")  # fmt: skip
    used = weeks.join(enough, on="place", how="semi")
    origin = used["week_start"].min()
    assert isinstance(origin, date)
    span = used["week_start"].n_unique()
    is_short = span < rules.enough_weeks
    n_harmonics, has_trend = (0, False) if is_short else (rules.n_harmonics, True)
    inside = tuple(s for s in sorted(steps) if s > origin and (rows["week_start"] >= s).any())
    names = term_names(n_harmonics, has_trend, inside)
    if rows.is_empty():
        unknown = enough.with_columns(log_level=pl.lit(None, pl.Float64))
        return Baseline(unknown, _terms(names, np.zeros(len(names))), 0.0, origin, n_harmonics, has_trend, inside, is_short)  # fmt: skip
    x = design(rows, origin, n_harmonics, has_trend, inside)
    place = rows["place"].rank("dense").to_numpy().astype(np.int64) - 1
    y = rows["n_events"].to_numpy().astype(np.float64)
    log_levels, b, alpha = _fit(y, x, place, np.log(rows["exposure"].to_numpy()))
    found = pl.DataFrame({"place": rows["place"].unique().sort(), "log_level": log_levels})
    return Baseline(
        enough.join(found, on="place", how="left"),
        _terms(names, b),
        alpha,
        origin,
        n_harmonics,
        has_trend,
        inside,
        is_short,
    )


def expected(baseline: Baseline, weeks: pl.DataFrame) -> pl.DataFrame:
    """The rows of `weeks` (place, week_start, n_bank_holidays, exposure) with `mu`, events expected; null for a place without a level."""
    x = design(weeks, baseline.origin, baseline.n_harmonics, baseline.has_trend, baseline.steps)
    shared = x @ baseline.terms["value"].to_numpy() + np.log(weeks["exposure"].to_numpy())
    return (
        weeks.with_columns(shared=pl.Series(shared, dtype=pl.Float64))
        .join(baseline.places.select("place", "log_level"), on="place", how="left", maintain_order="left")
        .with_columns(mu=(pl.col("shared") + pl.col("log_level")).exp())
        .drop("shared", "log_level")
    )  # fmt: skip


def term_names(n_harmonics: int, has_trend: bool, steps: Sequence[date]) -> list[str]:
    season = [f"{f}{k}" for k in range(1, n_harmonics + 1) for f in ("sine", "cosine")]
    trend = ["trend, a year"] if has_trend else []
    return [*season, *trend, "bank holiday", *(f"recording from {s}" for s in steps)]


def design(
    weeks: pl.DataFrame, origin: date, n_harmonics: int, has_trend: bool, steps: Sequence[date]
) -> FloatArray:
    """(n_rows, n_terms): what the terms are multiplied with. The year is a point on the circle by its days, 29 February included."""
    t = (weeks["week_start"] - origin).dt.total_days().to_numpy() / 7
    days = weeks["week_start"].dt.ordinal_day().to_numpy() + 3  # the middle of the week
    angle = 2 * np.pi * days / 365.2425
    season = [f(k * angle) for k in range(1, n_harmonics + 1) for f in (np.sin, np.cos)]
    trend = [t / YEAR_WEEKS] if has_trend else []
    holidays = weeks["n_bank_holidays"].to_numpy().astype(np.float64)
    after = [(weeks["week_start"] >= s).to_numpy().astype(np.float64) for s in steps]
    return np.column_stack([*season, *trend, holidays, *after])


def _terms(names: list[str], values: FloatArray) -> pl.DataFrame:
    return pl.DataFrame({"term": names, "value": values}, schema={"term": pl.String, "value": pl.Float64})  # fmt: skip


def _fit(
    y: FloatArray, x: FloatArray, place: IntArray, offset: FloatArray
) -> tuple[FloatArray, FloatArray, float]:
    """(levels, terms, alpha)."""
    n_places = int(place.max()) + 1
    sums = np.bincount(place, y, n_places)
    levels: FloatArray = np.log(sums / np.bincount(place, np.exp(offset), n_places))
    b, alpha = np.zeros(x.shape[1]), 0.0
    # a term that never varies (no bank holiday in the weeks) is not estimated
    varies = np.ptp(x, axis=0) > 0
    x = np.where(varies, x, 0.0)
    for _ in range(50):
        levels, b, mu = _means(y, x[:, varies], place, offset, levels, b[varies], alpha, varies)
        before, alpha = alpha, best_alpha(y, mu)
        if abs(alpha - before) <= 1e-9 + 1e-8 * before:
            break
    return levels, b, alpha


def _means(
    y: FloatArray,
    x: FloatArray,
    place: IntArray,
    offset: FloatArray,
    levels: FloatArray,
    b: FloatArray,
    alpha: float,
    varies: FloatArray,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Levels and terms that are likeliest given alpha, by scoring; places are swept out of the weighted regression."""
    n_places = len(levels)
    for _ in range(100):
        eta = levels[place] + x @ b + offset
        mu = np.exp(np.clip(eta, -30, 30))
        w = mu / (1 + alpha * mu)
        z = eta - offset + (y - mu) / mu
        total = np.bincount(place, w, n_places)
        z_mean = np.bincount(place, w * z, n_places) / total
        x_mean = np.stack([np.bincount(place, w * c, n_places) for c in x.T], axis=1) / total[:, None] if x.shape[1] else np.zeros((n_places, 0))  # fmt: skip
        xc, zc = x - x_mean[place], z - z_mean[place]
        new_b = np.linalg.lstsq(xc * np.sqrt(w)[:, None], zc * np.sqrt(w), rcond=None)[0]
        new_levels = z_mean - x_mean @ new_b
        moved = max(np.abs(new_b - b).max(initial=0.0), np.abs(new_levels - levels).max())
        levels, b = np.asarray(new_levels), np.asarray(new_b)
        if moved < 1e-11:
            break
    whole = np.zeros(len(varies))
    whole[varies.astype(bool)] = b
    return levels, whole, np.exp(levels[place] + x @ b + offset)


def best_alpha(y: FloatArray, mu: FloatArray) -> float:
    """The dispersion that is likeliest given the means; 0 where counts scatter no more than Poisson's."""

    def loss(log_alpha: float) -> float:
        return -float(log_likelihood(y, mu, float(np.exp(log_alpha))).sum())

    found = minimize_scalar(loss, bounds=(np.log(_LEAST_ALPHA), np.log(_MOST_ALPHA)), method="bounded", options={"xatol": 1e-9})  # fmt: skip
    alpha = float(np.exp(found.x))
    poisson = -float((xlogy(y, mu) - mu - gammaln(y + 1)).sum())
    return alpha if found.fun < poisson - 1e-9 and alpha > 10 * _LEAST_ALPHA else 0.0


def log_likelihood(y: FloatArray, mu: FloatArray, alpha: float) -> FloatArray:
    """Of each count under NB2 with variance mu + alpha·mu²."""
    size = 1 / alpha
    return np.asarray(
        gammaln(y + size) - gammaln(size) - gammaln(y + 1) + xlogy(y, alpha * mu) - (y + size) * np.log1p(alpha * mu)
    )  # fmt: skip
