"""Who is asked and what they answer: people with an age, a sex and habits, awareness, and ratings cut from latent scores.

Belongs here: the model of DOMAIN §8.6 with the questions of §5.6. Does not belong here: which of the answers arrive
(`sample`), weights (`weights`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hotspot_pipeline.simulator.force.county import Floats, Ints

Texts = NDArray[np.str_]


@dataclass(frozen=True, slots=True)
class Coefficients:
    """DOMAIN §8.6: the first four on the logit of being aware, the last two on the latent rating of safety at night,
    whose residual has variance 1."""

    intercept: float = -0.6
    per_minute: float = 0.02  # a patrol minute a day
    nte_user: float = 0.3
    age_65: float = -0.2
    woman: float = -0.5
    aware: float = 0.15


COEFFICIENTS = Coefficients()
BUSINESS_SHARE = 0.25
# of those who are no business
_TYPES = {"resident": 0.84, "worker": 0.08, "visitor": 0.05, "student": 0.03}
AGE_BANDS = ("16-24", "25-34", "35-44", "45-54", "55-64", "65+")
POPULATION_AGE = np.array([0.18, 0.21, 0.17, 0.15, 0.13, 0.16])
_BUSINESS_AGE = np.array([0.08, 0.25, 0.27, 0.24, 0.13, 0.03])
FEMALE_SHARE = 0.51
_BUSINESS_FEMALE = 0.44
_NTE_BY_AGE = np.array([0.68, 0.58, 0.42, 0.32, 0.22, 0.12])
_DISABLED_BY_AGE = np.array([0.09, 0.10, 0.12, 0.17, 0.25, 0.38])
_ETHNICITY = {"white": 0.80, "asian": 0.10, "black": 0.04, "mixed": 0.04, "other": 0.02}
_TENURE = {"owner": 0.42, "private_rent": 0.36, "social_rent": 0.20, "other": 0.02}
_BUSINESS_TYPES = {
    "shop": 0.34,
    "restaurant_cafe": 0.20,
    "pub_bar": 0.16,
    "office": 0.14,
    "takeaway": 0.10,
    "other": 0.06,
}
_MODES = {"f2f": 0.50, "online": 0.35, "phone": 0.15}


@dataclass(frozen=True, slots=True)
class Rating:
    """A scale from 1 to len(cuts) + 1: the latent score is `woman` + `aware` + area effect · `area` + a residual of variance
    1, of which `shared` is the person's and common to all questions; it is cut at `cuts`."""

    cuts: tuple[float, ...]
    woman: float = 0.0
    aware: float = 0.0
    area: float = 1.0
    shared: float = 0.4


RATINGS: Mapping[str, Rating] = {
    "q_seen_officers_freq": Rating((-0.3, 0.4, 1.0, 1.6, 2.3), aware=0.9, area=0.5, shared=0.0),
    "q_patrols_effective": Rating((-1.4, -0.7, 0.2, 1.2), aware=0.25),
    "q_safe_day": Rating((-2.2, -1.5, -0.2), woman=-0.15, aware=0.05),
    "q_safe_night": Rating((-1.1, -0.4, 0.8), woman=COEFFICIENTS.woman, aware=COEFFICIENTS.aware),
    # 5 is a very big problem: where it feels safe it is less of one
    "q_crime_problem": Rating((-1.5, -0.6, 0.3, 1.2), woman=0.10, area=-1.0, shared=-0.4),
    "q_confidence_police": Rating((-1.3, -0.6, 0.3, 1.3), aware=0.10),
    "q_treat_fairly": Rating((-1.5, -0.8, 0.2, 1.2)),
    "q_intrusive": Rating((-0.4, 0.5, 1.2, 1.9), area=-1.0, shared=-0.3),
    "q_reassured": Rating((-1.5, -0.8, 0.0, 1.1), woman=0.10, aware=0.20),
}
_SV_AWARE = 0.22


def make_people(
    rng: np.random.Generator, wave: int, areas: pl.DataFrame, n_asked: Ints
) -> pl.DataFrame:
    """One row a person asked, `n_asked` of them in each area, with what they would answer truthfully."""
    area = np.repeat(np.arange(len(areas)), n_asked)
    n = len(area)
    is_business = rng.uniform(size=n) < BUSINESS_SHARE
    kind = np.where(is_business, "business", pick(rng, n, _TYPES))
    age = np.where(is_business, _band(rng, n, _BUSINESS_AGE), _band(rng, n, POPULATION_AGE))
    age = np.where(kind == "student", np.minimum(age, 1), age)
    is_woman = rng.uniform(size=n) < np.where(is_business, _BUSINESS_FEMALE, FEMALE_SHARE)
    is_nte = rng.uniform(size=n) < _NTE_BY_AGE[age]
    minutes = areas[f"minutes_wave_{wave}"].to_numpy()[area]
    c = COEFFICIENTS
    logit = (
        c.intercept
        + c.per_minute * minutes
        + c.nte_user * is_nte
        + c.age_65 * (age == len(AGE_BANDS) - 1)
    )
    p_aware = 1 / (1 + np.exp(-(logit + areas["aware_effect"].to_numpy()[area])))
    is_aware = rng.uniform(size=n) < p_aware
    scores = _scores(rng, is_woman, is_aware, areas["safety_effect"].to_numpy()[area])
    columns: dict[str, Any] = {
        "resp_id": pl.select(
            pl.format("W{}-{}", wave, pl.int_range(1, n + 1).cast(pl.String).str.zfill(5))
        ).to_series(),
        "wave": np.full(n, wave),
        "mode": pick(rng, n, _MODES),
        "area": area,
        "area_id": areas["area_id"].gather(area),
        "area_type": areas["area_type"].gather(area),
        "respondent_type": kind,
        "age_band": np.array(AGE_BANDS)[age],
        "sex": np.where(is_woman, "female", "male"),
        "ethnicity5": pick(rng, n, _ETHNICITY),
        "disability": np.where(rng.uniform(size=n) < _DISABLED_BY_AGE[age], "y", "n"),
        "tenure": np.where(is_business, "", pick(rng, n, _TENURE)),
        "nte_user": np.where(is_nte, "y", "n"),
        "business_type": np.where(is_business, pick(rng, n, _BUSINESS_TYPES), ""),
        "patrol_minutes": minutes,
        "p_aware": p_aware,
        "is_aware": is_aware,
        "score_safe_night": scores["q_safe_night"],
        "q_sv_aware": np.where(rng.uniform(size=n) < _SV_AWARE, "y", "n"),
    }
    for name, rating in RATINGS.items():
        columns[name] = 1 + np.searchsorted(np.array(rating.cuts), scores[name], side="left")
    return pl.DataFrame(columns)


def _scores(
    rng: np.random.Generator,
    is_woman: NDArray[np.bool_],
    is_aware: NDArray[np.bool_],
    effect: Floats,
) -> dict[str, Floats]:
    person = rng.standard_normal(len(effect))
    return {
        name: r.woman * is_woman + r.aware * is_aware + r.area * effect + np.sign(r.shared) * np.sqrt(abs(r.shared)) * person
        + np.sqrt(1 - abs(r.shared)) * rng.standard_normal(len(effect))
        for name, r in RATINGS.items()
    }  # fmt: skip


def _band(rng: np.random.Generator, n: int, shares: Floats) -> Ints:
    return np.minimum(
        np.searchsorted(np.cumsum(shares), rng.uniform(size=n), side="right"), len(shares) - 1
    )


def pick(rng: np.random.Generator, n: int, shares: Mapping[str, float]) -> Texts:
    return np.array(list(shares))[_band(rng, n, np.array(list(shares.values())))]
