"""The survey's answers follow the model of DOMAIN §8.6: estimated from what is delivered, over ten forces."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from scipy.stats import norm

from hotspot_pipeline.simulator.profiles import PROFILES
from hotspot_pipeline.simulator.surveys import answers
from hotspot_pipeline.simulator.surveys.areas import ICC
from hotspot_pipeline.simulator.surveys.survey import make_wave
from hotspot_pipeline_tests.unit.simulator.surveys.conftest import Delivered, make_force

SURVEY = "survey_responses"
Array = np.ndarray


def logit(eta: Array) -> tuple[Array, Array]:
    p = 1 / (1 + np.exp(-eta))
    return p, p * (1 - p)


def probit(eta: Array) -> tuple[Array, Array]:
    return norm.cdf(eta), norm.pdf(eta)


def fit(x: Array, y: Array, link: Callable[[Array], tuple[Array, Array]]) -> tuple[Array, Array]:
    """Coefficients and standard errors of a binary regression by Fisher scoring (McCullagh and Nelder 1989, §2.5)."""
    beta = np.zeros(x.shape[1])
    for _ in range(40):
        p, slope = link(x @ beta)
        weight = slope**2 / (p * (1 - p))
        information = x.T @ (weight[:, None] * x)
        step = np.linalg.solve(information, x.T @ (slope / (p * (1 - p)) * (y - p)))
        beta = beta + step
        if np.abs(step).max() < 1e-10:
            break
    return beta, np.sqrt(np.diag(np.linalg.inv(information)))


def sound_answers(found: Delivered) -> pl.DataFrame:
    """Delivered rows that are what somebody said once, with the hidden effects of their area and its patrol minutes."""
    effects = found.truth.areas.unpivot(
        ["minutes_wave_1", "minutes_wave_2"],
        index=["area_id", "aware_effect", "safety_effect"], variable_name="wave", value_name="minutes",
    ).with_columns(pl.col("wave").str.slice(-1))  # fmt: skip
    wrong = found.truth.dirt.filter(pl.col("feed") == SURVEY).select("file", "line")
    rows = found.rows(SURVEY).with_columns(pl.col("line").cast(pl.Int64))
    return rows.join(wrong, on=["file", "line"], how="anti").join(effects, on=["area_id", "wave"])


def test_awareness_has_the_coefficients_of_the_specification(pooled: list[Delivered]) -> None:
    rows = pl.concat(sound_answers(found) for found in pooled)
    rows = rows.filter(pl.col("q_aware_patrols").is_in(["y", "n"]) & (pl.col("age_band") != "pns"))
    assert rows.height > 30_000
    x = rows.select(
        pl.lit(1.0), "minutes", pl.col("nte_user") == "y", pl.col("age_band") == "65+", "aware_effect"
    ).cast(pl.Float64).to_numpy()  # fmt: skip
    estimate, error = fit(x, (rows["q_aware_patrols"] == "y").cast(pl.Float64).to_numpy(), logit)
    z = (estimate - np.array([-0.6, 0.02, 0.3, -0.2, 1.0])) / error
    assert np.abs(z).max() < 3, z
    assert error[1] < 0.002, "patrols must move awareness measurably"


def test_safety_at_night_has_the_coefficients_of_the_specification(pooled: list[Delivered]) -> None:
    rows = pl.concat(sound_answers(found) for found in pooled)
    rows = rows.filter(
        pl.col("q_aware_patrols").is_in(["y", "n"])
        & (pl.col("sex") != "pns")
        & (pl.col("q_safe_night") != "")
    )
    x = rows.select(
        pl.lit(1.0), pl.col("sex") == "female", pl.col("q_aware_patrols") == "y", "safety_effect"
    ).cast(pl.Float64).to_numpy()  # fmt: skip
    for at_least in (2, 3, 4):
        y = (rows["q_safe_night"].cast(pl.Int64) >= at_least).cast(pl.Float64).to_numpy()
        estimate, error = fit(x, y, probit)
        cut = answers.RATINGS["q_safe_night"].cuts[at_least - 2]
        z = (estimate - np.array([-cut, -0.5, 0.15, 1.0])) / error
        assert np.abs(z).max() < 3.2, (at_least, z)


def anova_icc(values: Array, cluster: Array) -> tuple[float, float]:
    """ICC by analysis of variance and its standard error (Donner and Koval 1980), clusters of about one size."""
    n = np.bincount(cluster)
    k, total = len(n), n.sum()
    mean = np.bincount(cluster, values) / n
    between = (n * (mean - values.mean()) ** 2).sum() / (k - 1)
    within = ((values - mean[cluster]) ** 2).sum() / (total - k)
    m = (total - (n**2).sum() / total) / (k - 1)
    icc = (between - within) / (between + (m - 1) * within)
    return icc, (1 - icc) * (1 + (m - 1) * icc) * np.sqrt(2 / (m * (m - 1) * k))


@pytest.fixture(scope="module")
def many_areas() -> pl.DataFrame:
    """Wave 2 of forty forces: people of 23 areas each, with a number for every area of every force."""
    force = make_force("county")
    from hotspot_pipeline.simulator.streams import Streams
    from hotspot_pipeline.simulator.surveys.areas import choose_areas

    people = []
    for seed in range(40):
        streams = Streams(1000 + seed)
        areas = choose_areas(
            streams("a"), force.profile, force.county, force.places, force.patrol_minutes
        )
        wave = make_wave(streams("w"), force.profile, 2, areas)
        people.append(
            wave.people.with_columns(cluster=pl.col("area") + seed * 100, force=pl.lit(seed))
        )
    everybody = pl.concat(people).filter(
        (pl.col("outcome") == "interviewed") & (pl.col("area") < 23)
    )
    return everybody.with_columns((pl.col("cluster").rank("dense") - 1).cast(pl.Int64))


def test_areas_differ_as_much_as_the_icc_says(many_areas: pl.DataFrame) -> None:
    cluster = many_areas["cluster"].to_numpy()
    fixed = -0.5 * (many_areas["sex"] == "female").cast(pl.Float64) + 0.15 * many_areas[
        "is_aware"
    ].cast(pl.Float64)
    residual = (many_areas["score_safe_night"] - fixed).to_numpy()
    icc, error = anova_icc(residual, cluster)
    assert ICC == 0.03
    assert error < 0.004
    assert abs(icc - 0.03) < 3 * error, (icc, error)


@pytest.mark.parametrize(
    "item", ["q_safe_night", "q_confidence_police", "q_crime_problem", "q_reassured"]
)
def test_answers_on_a_scale_keep_the_icc_but_for_what_the_scale_hides(
    many_areas: pl.DataFrame, item: str
) -> None:
    """To first order a scale from a latent score keeps the square of its correlation with it (Bussgang)."""
    cluster = many_areas["cluster"].to_numpy()
    values = many_areas[item].cast(pl.Float64).to_numpy()
    rng = np.random.default_rng(3)
    score = rng.standard_normal(400_000)
    cut = np.searchsorted(np.array(answers.RATINGS[item].cuts), score)
    kept = np.corrcoef(score, cut)[0, 1] ** 2
    icc, error = anova_icc(values, cluster)
    # women and the aware are about as many in every area: what they differ by only adds to the rest
    rating = answers.RATINGS[item]
    spread = 1 + 0.25 * rating.woman**2 + 0.24 * rating.aware**2
    assert abs(icc - 0.03 * kept / spread) < 3 * error + 0.003, (icc, kept, error)


def test_awareness_of_areas_differs_by_the_icc_on_the_logit(many_areas: pl.DataFrame) -> None:
    """The spread of the areas' log odds beyond what patrols and people explain: 0.03 / 0.97 · pi² / 3."""
    by_area = many_areas.group_by("cluster").agg(
        pl.col("p_aware").log().mean().alias("lp"), (1 - pl.col("p_aware")).log().mean().alias("lq"),
        pl.col("patrol_minutes").first(), (pl.col("nte_user") == "y").mean().alias("nte"), (pl.col("age_band") == "65+").mean().alias("old"),
    )  # fmt: skip
    effect = (
        by_area["lp"]
        - by_area["lq"]
        + 0.6
        - 0.02 * by_area["patrol_minutes"]
        - 0.3 * by_area["nte"]
        + 0.2 * by_area["old"]
    )
    variance = 0.03 / 0.97 * np.pi**2 / 3
    n = by_area.height
    assert abs(float(effect.var() or 0) / variance - 1) < 3 * np.sqrt(2 / n)


def test_wave_one_knows_no_programme(pooled: list[Delivered]) -> None:
    areas = pooled[0].truth.areas
    assert set(areas["minutes_wave_1"]) == {2.0, 0.5}
    assert areas.filter(pl.col("area_type") == "hotspot")["minutes_wave_2"].to_list() == [17.0] * 12
    assert PROFILES["county"].n_pairs >= 12
    rows = pl.concat(sound_answers(found) for found in pooled).filter(
        pl.col("area_type") == "hotspot"
    )
    aware = (
        rows.filter(pl.col("q_aware_patrols").is_in(["y", "n"]))
        .group_by("wave")
        .agg((pl.col("q_aware_patrols") == "y").mean())
    )
    share = dict(aware.iter_rows())
    assert share["2"] - share["1"] == pytest.approx(
        0.30 / 4, abs=0.02
    )  # 15 minutes · 0.02 at a slope of a quarter
