"""The survey's files: who answers, weights, dates, and the dirt that the truth lists."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from hotspot_pipeline.simulator.profiles import PROFILES
from hotspot_pipeline.simulator.surveys import answers, survey
from hotspot_pipeline.simulator.surveys.weights import rake
from hotspot_pipeline_tests.unit.simulator.surveys.conftest import Deliver, Delivered

SURVEY = "survey_responses"


def people_of(pooled: list[Delivered]) -> pl.DataFrame:
    return pl.concat(found.truth.people for found in pooled)


def test_2000_answer_in_24_areas_and_as_many_are_hotspots(pooled: list[Delivered]) -> None:
    rows = pl.concat(found.rows(SURVEY).with_columns(force=k) for k, found in enumerate(pooled))
    size = rows.group_by("force", "wave").len()["len"]
    assert abs(float(size.mean() or 0) - 2006) < 4 * np.sqrt(2000 * 0.15 / 20), size
    for found in pooled:
        assert found.truth.areas["area_type"].value_counts(sort=True)["count"].to_list() == [12, 12]
        assert found.truth.areas["area_id"].is_unique().all()
        elsewhere = found.truth.areas.filter(pl.col("place").is_null())
        assert len(elsewhere) == 6
        assert not set(elsewhere["cell"]) & set(found.force.places["cell"])


@pytest.mark.parametrize(
    ("what", "share"),
    [
        (pl.col("outcome") == "no_answer", survey.NON_RESPONSE),
        (pl.col("respondent_type") == "business", answers.BUSINESS_SHARE),
        (
            pl.col("straight_line").cast(pl.Boolean),
            survey.STRAIGHT_LINERS * (1 - survey.NON_RESPONSE),
        ),
    ],
)
def test_shares_of_those_asked(pooled: list[Delivered], what: pl.Expr, share: float) -> None:
    people = people_of(pooled).filter(pl.col("outcome") != "not_worked")
    measured = people.select(what.mean()).item()
    assert measured == pytest.approx(share, rel=0.10)


def test_the_young_answer_less_often(pooled: list[Delivered]) -> None:
    people = people_of(pooled).filter(pl.col("outcome") != "not_worked")
    rate = (
        people.group_by("age_band")
        .agg((pl.col("outcome") == "no_answer").mean())
        .sort("age_band")["outcome"]
        .to_list()
    )
    assert rate == sorted(rate, reverse=True)
    assert rate[0] > 2 * rate[-1]


@pytest.mark.parametrize(
    ("column", "value", "share"),
    [
        ("q_safe_night", "", 0.03),
        ("q_crime_problem", "", 0.03),
        ("age_band", "pns", 0.02),
        ("sex", "pns", 0.01),
        ("consent", "n", 0.005),
    ],
)
def test_shares_of_what_is_missing(
    pooled: list[Delivered], column: str, value: str, share: float
) -> None:
    rows = pl.concat(found.rows(SURVEY) for found in pooled)
    error = np.sqrt(share * (1 - share) / rows.height)
    measured = (rows[column] == value).mean()
    assert isinstance(measured, float)
    # a straight line has no gap
    assert abs(measured - share * (0.98 if value == "" else 1)) < 3.5 * error


def test_one_small_area_has_four_interviews_in_wave_two(deliver: Deliver) -> None:
    for name in PROFILES:
        found = deliver(name)
        rows = found.rows(SURVEY)
        small = found.truth.areas.filter("is_small")["area_id"].to_list()
        # of the dirt, only rows that stand there twice change a count
        own = rows.unique(subset=[c for c in rows.columns if c != "line"]).filter(
            pl.col("area_id").is_in(small)
        )
        assert own.filter(pl.col("wave") == "2").height == 4
        others = (
            rows.filter(~pl.col("area_id").is_in(small)).group_by("area_id", "wave").len()["len"]
        )
        assert others.min() >= 10  # type: ignore[operator]


def test_weights_are_positive_trimmed_and_meet_the_population(pooled: list[Delivered]) -> None:
    for found in pooled[:3]:
        rows = found.rows(SURVEY).with_columns(pl.col("base_weight", "cal_weight").cast(pl.Float64))
        assert rows["base_weight"].min() > 0  # type: ignore[operator]
        assert rows["cal_weight"].is_between(0.3, 3).all()
        businesses = pl.col("respondent_type") == "business"
        means = rows.group_by("wave", businesses).agg(pl.col("base_weight").mean())
        assert means["base_weight"].to_numpy() == pytest.approx(1, abs=0.02)
        sample = rows.filter(~businesses & (pl.col("age_band") != "pns") & (pl.col("wave") == "1"))
        total = sample["cal_weight"].sum()
        by_age = (
            sample.group_by("age_band")
            .agg(pl.col("cal_weight").sum() / total)
            .sort("age_band")["cal_weight"]
        )
        assert by_age.to_numpy() == pytest.approx(answers.POPULATION_AGE, abs=0.01)


def test_raking_meets_every_margin_at_once() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.integers(0, 3, 3000), rng.integers(0, 2, 3000)
    b[:50] = -1
    weight = rake(np.ones(3000), [(a, np.array([0.5, 0.3, 0.2])), (b, np.array([0.6, 0.4]))])
    assert np.bincount(a, weight) / weight.sum() == pytest.approx([0.5, 0.3, 0.2], abs=1e-3)
    known = b >= 0
    assert np.bincount(b[known], weight[known]) / weight[known].sum() == pytest.approx(
        [0.6, 0.4], abs=1e-9
    )
    assert weight.min() >= 0.3
    assert weight.max() <= 3


@pytest.mark.parametrize("name", list(PROFILES))
def test_fieldwork_is_before_the_patrols_and_late_in_them(deliver: Deliver, name: str) -> None:
    found, profile = deliver(name), PROFILES[name]
    rows = found.rows(SURVEY).with_columns(
        day=pl.col("interview_ts_local").str.slice(0, 10).str.to_date()
    )
    patrols_from = profile.start + timedelta(days=profile.patrol_day)
    end = profile.end_local.date()
    for wave, earliest, latest in (
        ("1", profile.start, patrols_from),
        ("2", patrols_from + (end - patrols_from) / 2, end),
    ):
        days = rows.filter(pl.col("wave") == wave)["day"]
        first, last = days.min(), days.max()
        assert isinstance(first, date)
        assert isinstance(last, date)
        assert earliest <= first <= last < latest
    for path in found.files(SURVEY):
        taken = path.stem.split("_")[1]
        wave = path.stem[4]
        newest = rows.filter(pl.col("wave") == wave)["interview_ts_local"].max()
        assert isinstance(newest, str)
        assert (
            newest.replace("-", "").replace(" ", "T").replace(":", "")
            < taken
            <= f"{profile.end_local:%Y%m%dT%H%M}"
        )


def test_every_number_that_stands_there_twice_is_in_the_truth(pooled: list[Delivered]) -> None:
    for found in pooled[:3]:
        rows = found.rows(SURVEY)
        twice = rows.filter(pl.struct("file", "resp_id").is_duplicated())
        listed = found.truth.dirt.filter(
            (pl.col("feed") == SURVEY) & (pl.col("rule") == "unique_key")
        )
        assert set(zip(twice["file"], twice["line"], twice["resp_id"])) == set(
            zip(listed["file"], listed["line"], listed["key"])
        )
        assert set(listed["kind"]) == {"row_twice", "number_twice"}
        own = found.truth.people["resp_id"]
        assert own.is_unique().all()
        assert set(listed["value"]) <= set(own)
        same = listed.filter(pl.col("kind") == "row_twice")
        assert (same["key"] == same["value"]).all()
        other = listed.filter(pl.col("kind") == "number_twice")
        assert (other["key"] != other["value"]).sum() == other.height // 2


def test_straight_liners_answer_one_number_all_along(pooled: list[Delivered]) -> None:
    found = pooled[0]
    listed = found.truth.dirt.filter(pl.col("kind") == "straight_liner").select(
        "file", "line", "key"
    )
    rows = (
        found.rows(SURVEY)
        .with_columns(pl.col("line").cast(pl.Int64))
        .join(listed, on=["file", "line"])
    )
    assert rows.height == listed.height > 20
    assert (rows["resp_id"] == rows["key"]).all()
    asked = found.truth.people.filter(pl.col("straight_line") > 0)["resp_id"]
    assert set(found.truth.dirt.filter(pl.col("kind") == "straight_liner")["value"]) == set(asked)
    grid = rows.select(
        "q_safe_day",
        "q_safe_night",
        "q_crime_problem",
        "q_confidence_police",
        "q_treat_fairly",
        "q_intrusive",
        "q_reassured",
    )
    assert (grid.select(pl.concat_list(pl.all()).list.n_unique()).to_series() == 1).all()
