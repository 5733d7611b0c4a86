"""The QR form: who chose to answer, where and when."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest

from hotspot_pipeline.simulator.profiles import PROFILES
from hotspot_pipeline.simulator.surveys import qr
from hotspot_pipeline_tests.unit.simulator.surveys.conftest import Deliver, Delivered

QR = "qr_feedback"


def test_900_forms_at_treated_places_in_the_patrol_period(pooled: list[Delivered]) -> None:
    for found in pooled:
        rows = found.rows(QR)
        assert rows.height == 900
        assert rows["qr_id"].is_unique().all()
        treated = found.force.places.filter(pl.col("arm") == "treat")["hotspot_id"]
        assert set(rows["hotspot_id"]) == set(treated)
        assert (rows["poster_id"].str.split("-").list.first() == rows["hotspot_id"]).all()


@pytest.mark.parametrize("name", list(PROFILES))
def test_forms_lie_in_the_patrol_period_and_in_the_file_of_their_month(
    deliver: Deliver, name: str
) -> None:
    found, profile = deliver(name), PROFILES[name]
    rows = found.rows(QR)
    assert rows.height == round(900 * profile.n_pairs / 18)
    at = rows["submitted_ts_local"].str.to_datetime("%Y-%m-%d %H:%M:%S")
    first = profile.start_local + timedelta(days=profile.patrol_day)
    assert first <= at.min() <= at.max() < profile.end_local - timedelta(hours=4)  # type: ignore[operator]
    month = rows["file"].str.extract(r"_(\d{4}-\d{2})_")
    assert (month == at.dt.strftime("%Y-%m")).all()
    taken = rows["file"].str.extract(r"(\d{8}T\d{4})").str.to_datetime("%Y%m%dT%H%M")
    assert (at < taken).all()
    assert (taken < profile.end_local).all()


def test_opinions_are_worse_than_in_the_sample(pooled: list[Delivered]) -> None:
    forms = pl.concat(found.rows(QR) for found in pooled)["safe_rating"].cast(pl.Int64)
    low, high = (forms <= 2).mean(), (forms >= 4).mean()
    assert low > 1.5 * high  # type: ignore[operator]
    survey = pl.concat(found.rows("survey_responses") for found in pooled)
    asked = survey.filter((pl.col("q_safe_night") != "") & (pl.col("area_type") == "hotspot"))[
        "q_safe_night"
    ].cast(pl.Float64)
    # both on 0 to 1
    assert (forms.mean() - 1) / 4 < (asked.mean() - 1) / 3 - 0.05  # type: ignore[operator]


def test_forms_come_while_posters_are_new_and_by_day(pooled: list[Delivered]) -> None:
    at = pl.concat(found.rows(QR) for found in pooled)["submitted_ts_local"].str.to_datetime()
    profile = pooled[0].force.profile
    day = (
        (at.dt.date() - (profile.start + timedelta(days=profile.patrol_day)))
        .dt.total_days()
        .to_numpy()
    )
    early = (day <= 60).mean()
    expected = qr.NOVELTY * (1 - np.exp(-60 / 20)) + (1 - qr.NOVELTY) * 60 / 368
    assert early == pytest.approx(expected, rel=0.10)
    assert at.dt.hour().is_between(2, 6).mean() < 0.05  # type: ignore[operator]


def test_a_form_sent_twice_has_one_device_and_is_in_the_truth(pooled: list[Delivered]) -> None:
    found = pooled[0]
    forms = found.truth.forms
    again = forms.filter(pl.col("repeat_of").is_not_null())
    assert again.height == round(0.02 * 900)
    both = again.join(forms, left_on="repeat_of", right_on="qr_id", suffix="_first")
    assert (both["device_hash"] == both["device_hash_first"]).all()
    assert (both["safe_rating"] == both["safe_rating_first"]).all()
    gap = both["submitted_ts_local"] - both["submitted_ts_local_first"]
    assert gap.is_between(timedelta(minutes=1), timedelta(minutes=10)).all()
    assert set(found.truth.dirt.filter(pl.col("kind") == "sent_twice")["key"]) == set(
        again["qr_id"]
    )
    assert forms["device_hash"].n_unique() == 900 - again.height


def test_who_saw_patrols_follows_the_minutes(pooled: list[Delivered]) -> None:
    forms = pl.concat(found.truth.forms for found in pooled)
    seen = (forms["seen_patrol"] == "y").cast(pl.Float64)
    error = np.sqrt((forms["p_seen"] * (1 - forms["p_seen"])).sum()) / forms.height
    assert abs(float(seen.mean() or 0) - float(forms["p_seen"].mean() or 0)) < 3.5 * error  # type: ignore[arg-type]


def test_no_form_in_the_hour_that_spring_skips(pooled: list[Delivered]) -> None:
    for found in pooled:
        for feed, column in (
            (QR, "submitted_ts_local"),
            ("ed_attendances", "arrival_ts_local"),
            ("ed_attendances", "assault_ts_local"),
        ):
            values = found.rows(feed)[column]
            for day in ("2024-03-31", "2025-03-30", "2026-03-29"):
                assert not values.str.starts_with(f"{day} 01:").any()


def test_the_facts_say_what_was_written(deliver: Deliver) -> None:
    found = deliver()
    facts = json.loads((found.out / "truth" / "surveys" / "surveys.json").read_text())
    assert facts["coefficients"]["per_minute"] == 0.02
    assert facts["n_forms"] == found.rows(QR).height
    assert {f["file"]: f["n_rows"] for f in facts["files"] if f["feed"] == QR} == {
        path.name: len(path.read_text().splitlines()) - 1 for path in found.files(QR)
    }
    assert datetime.fromisoformat(
        facts["waves"]["1"]["last_day"]
    ) < found.force.profile.start_local + timedelta(days=730)
