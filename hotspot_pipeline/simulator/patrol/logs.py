"""What officers write down of their visits (DOMAIN §4.4, §8.4): most visits, rounded times, counts, and some never made.

Belongs here: the rows of the patrol log. Does not belong here: the visits (`trial.visits`), crimes that officers find
(`trial`), files (`feeds`).
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import polars as pl

from hotspot_pipeline.simulator.crime.clock import Times, skip_missing_hour, time_column
from hotspot_pipeline.simulator.force.county import Floats, Ints

LOGGED_SHARE = 0.85  # of visits
LOG_ONLY_SHARE = 0.05  # logs of visits that were not made, relative to the visits made
WITHOUT_PLAN_SHARE = 0.04  # logs that do not say which plan item they answer
ROUND_MINUTES = 5
SUBMIT_MEAN_S, SUBMIT_LATE_SHARE = 2 * 3600.0, 0.03

# per officer and hour on patrol: 1.0 arrests, 2.2 searches, 0.2 weapons and 6.2 ASB powers per 100 hours (DOMAIN §4.4)
RATES = {
    "n_public_interactions": 8.0, "n_business_interactions": 2.5, "n_stop_search": 0.022, "n_arrests": 0.010,
    "n_weapons": 0.002, "n_asb_warnings": 0.035, "n_cpw": 0.005, "n_cpn": 0.002, "n_pspo_fpn": 0.006,
    "n_s35_dispersal": 0.012, "n_community_resolution": 0.002, "n_intel_reports": 0.040,
}  # fmt: skip
ASB_POWERS = (
    "n_asb_warnings",
    "n_cpw",
    "n_cpn",
    "n_pspo_fpn",
    "n_s35_dispersal",
    "n_community_resolution",
)
POSITIVE_SEARCH_SHARE = 0.27
_REASONS = ("emergency_call", "custody", "staffing", "weather", "other")
_REASON_SHARES = (0.60, 0.15, 0.10, 0.05, 0.10)
LOG_COLUMNS = (
    "log_id", "plan_id", "hotspot_id", "officers", "start_local", "end_local", "activity", "n_public_interactions",
    "n_business_interactions", "n_stop_search", "n_stop_search_positive", "n_arrests", "n_weapons", "n_asb_warnings", "n_cpw",
    "n_cpn", "n_pspo_fpn", "n_s35_dispersal", "n_community_resolution", "n_intel_reports", "observation_codes",
    "abandoned_reason", "submitted_local",
)  # fmt: skip
_OBSERVATIONS = ("", "lighting", "litter", "groups", "drug_use", "street_drinking")
_OBSERVATION_SHARES = (0.70, 0.06, 0.08, 0.08, 0.03, 0.05)


def make_logs(
    rng: np.random.Generator,
    visits: pl.DataFrame,
    officers: list[str],
    plan: pl.DataFrame,
    hotspot_id: list[str],
) -> tuple[pl.DataFrame, Counter[str]]:
    """(`LOG_COLUMNS` and `visit_id`, null where none was made; how many of each kind) of one police day.

    `visits`: the day's; `officers`: who made each, joined by a bar; `plan`: the day's items that were to be patrolled.
    """
    n = len(visits)
    logged = np.flatnonzero(rng.random(n) < LOGGED_SHARE)
    made = (
        visits[logged]
        .select("visit_id", "plan_id", "place", "start_local", "end_local", "kind", "n_officers")
        .with_columns(officers=pl.Series([officers[k] for k in logged], dtype=pl.String))
    )
    undone = plan.join(visits.select("plan_id"), on="plan_id", how="anti").sort("plan_id")
    n_only = min(int(rng.binomial(n, LOG_ONLY_SHARE)) if n else 0, len(undone))
    chosen = np.sort(rng.permutation(len(undone))[:n_only])
    window = undone["window_start_local"].to_numpy()[chosen].astype("datetime64[s]")
    begin: Times = window + rng.integers(0, 5400, n_only).astype("timedelta64[s]")
    someone = rng.integers(0, max(n, 1), n_only)
    invented = pl.DataFrame(
        {
            "visit_id": pl.Series([None] * n_only, dtype=pl.Int64),
            "plan_id": undone["plan_id"].gather(chosen),
            "place": undone["place"].gather(chosen),
            "start_local": time_column(skip_missing_hour(begin)),
            "end_local": time_column(skip_missing_hour(begin) + np.timedelta64(900, "s")),
            "kind": ["full"] * n_only,
            "n_officers": undone["officers"].gather(chosen),
            "officers": pl.Series([officers[k] for k in someone], dtype=pl.String),
        }
    )
    rows = pl.concat([made, invented])
    counts = Counter(logged=len(made), not_logged=n - len(made), log_only=n_only)
    return _written(rng, rows, hotspot_id, counts), counts


def _written(
    rng: np.random.Generator, rows: pl.DataFrame, hotspot_id: list[str], counts: Counter[str]
) -> pl.DataFrame:
    n = len(rows)
    start, end = (rows[c].to_numpy().astype("datetime64[s]") for c in ("start_local", "end_local"))
    hours = (end - start).astype(np.int64) / 3600 * rows["n_officers"].to_numpy()
    was_made = rows["visit_id"].is_not_null().to_numpy()
    numbers = {name: rng.poisson(rate * hours) * was_made for name, rate in RATES.items()}
    numbers["n_stop_search_positive"] = rng.binomial(
        numbers["n_stop_search"], POSITIVE_SEARCH_SHARE
    )
    begin, finish = _rounded(start), _rounded(end)
    finish = np.maximum(finish, skip_missing_hour(begin + np.timedelta64(60 * ROUND_MINUTES, "s")))
    delay = rng.exponential(SUBMIT_MEAN_S, n)
    delay = np.where(rng.random(n) < SUBMIT_LATE_SHARE, delay + 86400 * rng.uniform(1, 4, n), delay)
    last: Times = np.maximum(end, finish)
    submitted = skip_missing_hour(last + (60 + delay).astype(np.int64).astype("timedelta64[s]"))
    without_plan = rng.random(n) < WITHOUT_PLAN_SHARE
    counts["without_plan"] = int(without_plan.sum())
    abandoned = (rows["kind"] == "abandoned").to_numpy()
    reason = rng.choice(_REASONS, n, p=_REASON_SHARES)
    observed = rng.choice(_OBSERVATIONS, n, p=_OBSERVATION_SHARES)
    return pl.DataFrame(
        {
            "plan_id": pl.Series(rows["plan_id"]),
            "hotspot_id": [hotspot_id[p] for p in rows["place"]],
            "officers": rows["officers"],
            "start_local": time_column(begin),
            "end_local": time_column(finish),
            "activity": _activities(rng, n, numbers),
            **numbers,
            "observation_codes": [str(o) or None for o in observed],
            "abandoned_reason": [str(r) if a else None for r, a in zip(reason, abandoned, strict=True)],
            "submitted_local": time_column(submitted),
            "visit_id": rows["visit_id"],
            "without_plan": without_plan,
        },
        schema_overrides={"observation_codes": pl.String, "abandoned_reason": pl.String, "hotspot_id": pl.String,
                          "activity": pl.String},
    ).with_columns(plan_id=pl.when(~pl.col("without_plan")).then("plan_id")).drop("without_plan")  # fmt: skip


def _rounded(at: Times) -> Times:
    step = 60 * ROUND_MINUTES
    seconds = (at.astype(np.int64) + step // 2) // step * step
    return skip_missing_hour(seconds.astype("datetime64[s]"))


def _activities(rng: np.random.Generator, n: int, numbers: dict[str, Ints]) -> list[str]:
    asb: Floats = np.sum([numbers[name] for name in ASB_POWERS], axis=0)
    licensing, sweep = rng.random(n) < 0.06, rng.random(n) < 0.04
    parts = (
        ("high_vis_walk", np.ones(n, bool)),
        ("engagement_public", numbers["n_public_interactions"] > 0),
        ("engagement_business", numbers["n_business_interactions"] > 0),
        ("licensing_check", licensing),
        ("weapon_sweep", sweep),
        ("stop_search", numbers["n_stop_search"] > 0),
        ("arrest", numbers["n_arrests"] > 0),
        ("asb_power", asb > 0),
        ("dispersal", numbers["n_s35_dispersal"] > 0),
        ("intelligence", numbers["n_intel_reports"] > 0),
    )
    frame = pl.DataFrame({name: np.where(yes, name, "") for name, yes in parts})
    joined = frame.select(
        pl.concat_list(pl.all()).list.eval(pl.element().filter(pl.element() != "")).list.join("|")
    )
    return [str(text) for text in joined.to_series()]
