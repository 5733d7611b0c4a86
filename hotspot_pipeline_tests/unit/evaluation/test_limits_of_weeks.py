"""Kept baselines: what moves a limit and what does not, and limits and signals against statsmodels and scipy."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import statsmodels.api as sm
from scipy.stats import nbinom

from hotspot_pipeline.evaluation import quarters
from hotspot_pipeline.evaluation.baseline_book import (
    BASELINES,
    LEVELS,
    RISE,
    TERMS,
    Book,
    Weeks,
    added,
    fit,
    missing_fits,
)
from hotspot_pipeline.evaluation.control_limits import ewma, ewma_of, scores
from hotspot_pipeline.evaluation.limit_rows import limit_rows
from hotspot_pipeline.evaluation.place_weeks import ALL, WEEK, mondays
from hotspot_pipeline.evaluation.surveillance import average_run_length
from hotspot_pipeline.evaluation.weekly_baseline import design, expected
from hotspot_pipeline.timebase.reference_csv import CalendarFileError
from hotspot_pipeline.warehouse.contract import TableContract

FIRST, LAST = date(2022, 1, 3), date(2024, 9, 23)
WEEKS = mondays(FIRST, LAST)
QUARTER, NEXT = date(2024, 4, 1), date(2024, 7, 1)
LEVELS_OF = {"a": 3.0, "b": 8.0, "c": 14.0}
NOBODY = pl.DataFrame(schema={"hotspot_id": pl.String, "first_week": pl.Date, "last_week": pl.Date})
_TYPES = {"VARCHAR": pl.String, "DATE": pl.Date, "BIGINT": pl.Int64, "DOUBLE": pl.Float64, "BOOLEAN": pl.Boolean, "TIMESTAMP": pl.Datetime("us")}  # fmt: skip
NOW = datetime(2024, 10, 1)


def made(seed: int = 5) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    rows = []
    for h, level in LEVELS_OF.items():
        for t, w in enumerate(WEEKS):
            mu = level * np.exp(0.3 * np.sin(2 * np.pi * t / 52.18))
            rows.append({"hotspot_id": h, "week_start": w, "cat_group": ALL, "n_events": int(nbinom.rvs(10, 10 / (10 + mu), random_state=rng)), "n_bank_holidays": int(t % 13 == 4), "is_of_cut": t > 50})  # fmt: skip
    return pl.DataFrame(rows)


def asked(counts: pl.DataFrame, **more: Any) -> Weeks:
    values: dict[str, Any] = {"treated": NOBODY, "cells_prints": dict.fromkeys(LEVELS_OF, "p"), "steps": {ALL: []}, **more}  # fmt: skip
    return Weeks(counts, **values)


@pytest.fixture(scope="module")
def empty(catalog: Mapping[str, TableContract]) -> Book:
    def frame(table: str) -> pl.DataFrame:
        return pl.DataFrame(schema={n: _TYPES[t] for n, t in catalog[table].column_types.items()})

    return Book(*(frame(table) for table in (BASELINES, TERMS, LEVELS)))


def filled(book: Book, weeks: Weeks, *wanted: date) -> Book:
    for quarter, group, lacking in missing_fits(book, weeks, wanted):
        more = fit(book, weeks, quarter, group, lacking, now=NOW, run_id="r")
        if more is not None:
            book = added(book, more)
    return book


@pytest.fixture(scope="module")
def book(empty: Book) -> Book:
    return filled(empty, asked(made()), QUARTER, NEXT)


def limited(counts: pl.DataFrame, book: Book, prints: Mapping[str, str] | None = None) -> pl.DataFrame:  # fmt: skip
    plain = counts.with_columns(sum_13=pl.lit(30), sum_13_before=pl.lit(20))
    return limit_rows(plain, book, dict(prints or dict.fromkeys(LEVELS_OF, "p")), LAST + WEEK)


def test_an_old_recode_moves_counts_and_no_limit(book: Book) -> None:
    before = limited(made(), book)
    recoded = made().with_columns(n_events=pl.when(pl.col("week_start") < date(2024, 6, 1)).then(pl.col("n_events") + 5).otherwise("n_events"))  # fmt: skip
    # nothing is fitted again: the book already answers
    assert missing_fits(book, asked(recoded), [QUARTER, NEXT]) == []
    after = limited(recoded, book)
    fixed = ["hotspot_id", "week_start", "mu", "lower_95", "upper_95", "lower_998", "upper_998", "fit_id"]  # fmt: skip
    assert before.select(fixed).equals(after.select(fixed))
    assert (before["n_events"] != after["n_events"]).any()
    # a fit of the recoded weeks would have been another
    anew = limited(recoded, filled(Book(book.baselines.clear(), book.terms.clear(), book.levels.clear()), asked(recoded), QUARTER, NEXT))  # fmt: skip
    assert not before.select("mu").equals(anew.select("mu"))


def test_a_week_is_judged_by_the_fit_of_its_quarter_which_rests_on_weeks_settled_then(
    book: Book,
) -> None:
    rows = limited(made(), book)
    assert rows["week_start"].min() == date(2024, 4, 1) and rows["week_start"].max() == LAST
    assert set(rows.filter(pl.col("week_start") < NEXT)["fit_id"]) == {"2024-Q2 ALL 1"}
    assert set(rows.filter(pl.col("week_start") >= NEXT)["fit_id"]) == {"2024-Q3 ALL 1"}
    for row in book.baselines.iter_rows(named=True):
        end = row["fitted_to"] + WEEK + timedelta(days=28)
        assert end <= row["quarter_start"] < end + WEEK
        assert row["n_weeks"] == 104 and row["label"] == "baseline"
        assert row["fitted_from"] == row["fitted_to"] - 103 * WEEK
        assert 0 < row["n_weeks_of_cut"] <= 104


def test_what_is_expected_equals_statsmodels_with_a_column_for_every_hotspot(book: Book) -> None:
    counts = made()
    used = quarters.weeks_to_fit(counts, NOBODY, QUARTER).sort("hotspot_id", "week_start")
    kept = book.baseline("2024-Q2 ALL 1")
    x = design(used, kept.origin, kept.n_harmonics, kept.has_trend, kept.steps)
    dummies = used.select("hotspot_id").to_dummies().to_numpy().astype(float)
    family = sm.families.NegativeBinomial(alpha=kept.alpha)
    model = sm.GLM(used["n_events"].to_numpy(), np.column_stack([dummies, x]), family=family).fit(tol=1e-12)  # fmt: skip
    rows = limited(counts, book).filter(pl.col("fit_id") == "2024-Q2 ALL 1").sort("hotspot_id", "week_start")  # fmt: skip
    ahead = design(rows, kept.origin, kept.n_harmonics, kept.has_trend, kept.steps)
    wanted = model.predict(np.column_stack([rows.select("hotspot_id").to_dummies().to_numpy().astype(float), ahead]))  # fmt: skip
    assert rows["mu"].to_numpy() == pytest.approx(wanted, rel=1e-6)
    law = nbinom(1 / kept.alpha, 1 / (1 + kept.alpha * wanted))
    for name, tail in (("95", 0.025), ("998", 0.001)):
        assert rows[f"lower_{name}"].to_list() == law.ppf(tail).tolist()
        assert rows[f"upper_{name}"].to_list() == law.ppf(1 - tail).tolist()


def test_a_kept_fit_answers_as_it_did_whatever_the_order_of_its_rows(book: Book) -> None:
    shuffled = Book(book.baselines.reverse(), book.terms.sample(fraction=1, shuffle=True, seed=1), book.levels.reverse())  # fmt: skip
    ask = made().rename({"hotspot_id": "place"}).with_columns(exposure=pl.lit(1.0))
    one, other = (expected(b.baseline("2024-Q2 ALL 1"), ask)["mu"] for b in (book, shuffled))
    assert one.equals(other)


def test_other_cells_get_a_fit_of_their_own_and_no_limits_before(book: Book) -> None:
    moved = {"a": "p", "b": "moved", "c": "p"}
    weeks = asked(made(), cells_prints=moved)
    assert missing_fits(book, weeks, [NEXT]) == [(NEXT, ALL, ["b"])]
    assert set(limited(made(), book, moved)["hotspot_id"]) == {"a", "c"}
    more = filled(book, weeks, NEXT)
    assert more.baselines["fit_id"].to_list()[-1] == "2024-Q3 ALL 2"
    rows = limited(made(), more, moved)
    of = dict(rows.filter(pl.col("week_start") >= NEXT).select("hotspot_id", "fit_id").unique().iter_rows())  # fmt: skip
    assert of == {"a": "2024-Q3 ALL 1", "b": "2024-Q3 ALL 2", "c": "2024-Q3 ALL 1"}


def test_weeks_of_planned_patrols_are_left_out(empty: Book) -> None:
    treated = pl.DataFrame({"hotspot_id": ["a"], "first_week": [date(2023, 6, 5)], "last_week": [date(2023, 8, 28)]})  # fmt: skip
    flooded = made().with_columns(n_events=pl.when((pl.col("hotspot_id") == "a") & pl.col("week_start").is_between(date(2023, 6, 5), date(2023, 8, 28))).then(500).otherwise("n_events"))  # fmt: skip
    found, plain = (filled(empty, asked(c, treated=treated), QUARTER) for c in (flooded, made()))
    level = found.levels.row(by_predicate=pl.col("hotspot_id") == "a", named=True)
    assert (level["n_weeks"], level["n_weeks_left_out"]) == (100, 13)
    assert found.levels.equals(plain.levels) and found.terms.equals(plain.terms)


def test_a_short_history_says_so_and_under_26_weeks_has_none(empty: Book) -> None:
    def since(n_weeks: int) -> Book:
        last = quarters.last_settled(QUARTER)
        return filled(empty, asked(made().filter(pl.col("week_start") > last - n_weeks * WEEK)), QUARTER)  # fmt: skip

    short = since(26)
    assert short.baselines["label"].to_list() == ["short baseline"]
    assert not short.baselines["has_trend"][0] and short.baselines["n_harmonics"][0] == 0
    assert since(25).baselines.is_empty()


def test_the_stated_run_length_holds_near_the_hotspots_own_mean(book: Book) -> None:
    alpha = book.baselines["alpha"][0]
    for row in book.levels.filter(pl.col("fit_id") == "2024-Q2 ALL 1").iter_rows(named=True):
        mean = row["n_events"] / row["n_weeks"]
        found = average_run_length(mean, alpha, RISE, row["cusum_threshold"])
        assert found >= 0.7 * row["cusum_run_length_weeks"] >= 0.7 * 261


def test_a_rise_is_seen_and_a_quiet_series_is_not_accused(book: Book) -> None:
    risen = made().with_columns(n_events=pl.when((pl.col("hotspot_id") == "b") & (pl.col("week_start") >= date(2024, 8, 5))).then(pl.col("n_events") * 3).otherwise("n_events"))  # fmt: skip
    rows = limited(risen, book)
    said = rows.filter(pl.col("signal").str.contains("CUSUM").fill_null(False))
    assert set(said["hotspot_id"]) == {"b"} and said["week_start"].min() >= date(2024, 8, 5)
    assert rows.filter(pl.col("n_events") > pl.col("upper_998"))["signal"].str.contains("above the 99.8 % limit").all()  # fmt: skip
    assert (rows["percent_change"] == 50.0).all()


def test_a_series_over_two_fits_is_one_series() -> None:
    n, mu = np.array([3, 9, 4, 6, 0, 7]), np.array([4.0, 5, 6, 5, 4, 3])
    value, spread = ewma(n, mu, 0.1)
    parts = [scores(n[s], mu[s], 0.1) for s in (slice(0, 2), slice(2, 6))]
    joined = ewma_of(np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts]))
    assert (joined[0] == value).all() and (joined[1] == spread).all()
    gap = ewma_of(np.array([1.0, np.nan, 1.0]), np.ones(3))
    assert gap[0].tolist() == ewma_of(np.array([1.0, 1.0]), np.ones(2))[0][[0, 0, 1]].tolist()


def test_quarters_and_steps_of_recording(tmp_path: Path) -> None:
    assert quarters.quarters(date(2023, 11, 30), date(2024, 4, 1)) == [date(2023, 10, 1), date(2024, 1, 1), date(2024, 4, 1)]  # fmt: skip
    for quarter in quarters.quarters(date(2020, 1, 1), date(2030, 1, 1)):
        assert quarters.next_quarter(quarter).month in (1, 4, 7, 10)
        settled = quarters.last_settled(quarter)
        assert settled.weekday() == 0 and settled + WEEK + timedelta(days=28) <= quarter
    path = tmp_path / "recording_changes.csv"
    path.write_text("effective_from,cat_groups,direction\n2023-04-01,VAP|OTHER,down\n2023-05-01,ASB,none\n2024-01-01,ROBBERY,up\n")  # fmt: skip
    # 1 April 2023 is a Saturday, 1 January 2024 a Monday
    assert quarters.recording_steps(path, "VAP") == [date(2023, 4, 3)]
    assert quarters.recording_steps(path, "ASB") == []
    assert quarters.recording_steps(path, ALL) == [date(2023, 4, 3), date(2024, 1, 1)]
    path.write_text("effective_from,cat_groups,direction\nspring,VAP,down\n")
    with pytest.raises(CalendarFileError, match="line 2, column effective_from: 'spring'"):
        quarters.recording_steps(path, "VAP")
