"""The areas of the survey: treated places, some of their controls, and built-up cells elsewhere.

Belongs here: which areas, their size, their hidden effects and how much patrol they get (DOMAIN §8.6). Does not belong
here: who answers what there (`answers`), how many are asked (`sample`).
"""

from __future__ import annotations

import numpy as np
import polars as pl

from hotspot_pipeline.simulator.force.county import County, Floats, Ints
from hotspot_pipeline.simulator.profiles import Profile

N_PER_SIDE = 12  # hotspot areas, and as many for comparison; fewer where there are fewer pairs
ICC = 0.03
# An area shifts a latent answer by a normal effect: its share of the variance is the ICC. The rest has variance 1 for
# ratings and pi²/3, that of the logistic distribution, for awareness.
RATING_EFFECT_SD = float(np.sqrt(ICC / (1 - ICC)))
AWARE_EFFECT_SD = float(np.sqrt(ICC / (1 - ICC) * np.pi**2 / 3))
# DOMAIN §8.4: what response and neighbourhood teams do without a programme, minutes a day
BACKGROUND_MINUTES = {"hotspot": 2.0, "comparison": 0.5}
POPULATION, POPULATION_SPREAD = 900.0, 0.30
SMALL_POPULATION = 140
APART_M = 900.0  # from the places of the trial and from each other, as far as there is room

AREAS = {
    "area": pl.Int64,  # position in this frame
    "area_id": pl.String,  # the hotspot's id, or C01 … elsewhere
    "area_type": pl.String,  # hotspot, comparison
    "place": pl.Int64,  # null elsewhere
    "cell": pl.Int64,  # position in County.cells
    "cell_id": pl.String,
    "population": pl.Int64,
    "is_small": pl.Boolean,  # where wave 2 gets four interviews
    "aware_effect": pl.Float64,  # on the logit of being aware
    "safety_effect": pl.Float64,  # on latent ratings, in units of their residual
    "minutes_wave_1": pl.Float64,  # patrol minutes a day
    "minutes_wave_2": pl.Float64,
}


def choose_areas(
    rng: np.random.Generator,
    profile: Profile,
    county: County,
    places: pl.DataFrame,
    patrol_minutes: pl.DataFrame,
) -> pl.DataFrame:
    """The frame `AREAS`: hotspot areas by place, then control places, then areas elsewhere; the last one is small.

    `patrol_minutes`: `place`, `minutes_per_day` while patrols run; a place that is not in it gets none.
    """
    n_side = min(N_PER_SIDE, profile.n_pairs)
    treated = places.filter(pl.col("arm") == "treat").sort("place")
    chosen = treated[np.sort(rng.choice(len(treated), n_side, replace=False))]
    n_controls = n_side // 2
    pairs = chosen["pair"].to_numpy()[np.sort(rng.choice(n_side, n_controls, replace=False))]
    controls = places.filter(
        (pl.col("arm") == "control") & pl.col("pair").is_in(pairs.tolist())
    ).sort("place")
    kept = pl.concat([chosen, controls]).join(
        patrol_minutes.select("place", pl.col("minutes_per_day").cast(pl.Float64)),
        on="place",
        how="left",
        maintain_order="left",
    )
    elsewhere = _elsewhere(rng, county, places, 2 * n_side - len(kept))
    n = len(kept) + len(elsewhere)
    is_hotspot = np.arange(n) < n_side
    cell = np.concatenate([kept["cell"].to_numpy(), elsewhere])
    background = np.where(
        is_hotspot, BACKGROUND_MINUTES["hotspot"], BACKGROUND_MINUTES["comparison"]
    )
    during = np.concatenate(
        [kept["minutes_per_day"].fill_null(0.0).to_numpy(), background[len(kept) :]]
    )
    population = np.round(POPULATION * np.exp(POPULATION_SPREAD * rng.standard_normal(n))).astype(
        np.int64
    )
    population[-1] = SMALL_POPULATION
    return pl.DataFrame(
        {
            "area": np.arange(n),
            "area_id": [*kept["hotspot_id"], *(f"C{k:02d}" for k in range(1, len(elsewhere) + 1))],
            "area_type": np.where(is_hotspot, "hotspot", "comparison"),
            "place": [*kept["place"], *[None] * len(elsewhere)],
            "cell": cell,
            "cell_id": list(county.grid.to_text(county.cells[cell])),
            "population": population,
            "is_small": np.arange(n) == n - 1,
            "aware_effect": AWARE_EFFECT_SD * rng.standard_normal(n),
            "safety_effect": RATING_EFFECT_SD * rng.standard_normal(n),
            "minutes_wave_1": background,
            "minutes_wave_2": during,
        },
        schema=AREAS,
    )


def _elsewhere(rng: np.random.Generator, county: County, places: pl.DataFrame, n: int) -> Ints:
    """`n` built-up cells, far from the places and from each other; nearer where the county has no room."""
    weight = county.built_up.copy()
    weight[places["cell"].to_numpy()] = 0.0
    likely = np.argsort(-weight * rng.uniform(size=len(weight)), kind="stable")
    likely = likely[: max(50 * n, 200)]
    apart = APART_M
    while True:
        easting, northing = places["easting"].to_list(), places["northing"].to_list()
        found: list[int] = []
        for cell in likely.tolist():
            if len(found) == n:
                break
            e, m = float(county.easting[cell]), float(county.northing[cell])
            if _nearest(np.array(easting, float), np.array(northing, float), e, m) >= apart:
                found.append(cell)
                easting.append(e)
                northing.append(m)
        if len(found) == n:
            return np.array(found, dtype=np.int64)
        apart /= 2  # below the distance between cells every one is far enough


def _nearest(easting: Floats, northing: Floats, e: float, n: float) -> float:
    return float(np.hypot(easting - e, northing - n).min())
