"""The book of baselines: which fits are missing, and the fits as rows that are kept.

Pure frames. A fit stands for good: limits change when a quarter begins or a hotspot's cells change, never because old crimes are recoded.
Here: fits as rows and back. Not here: the model (`weekly_baseline`), reading and writing (`assets`), the limits (`limit_rows`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache

import polars as pl

from hotspot_pipeline.evaluation.place_weeks import ALL
from hotspot_pipeline.evaluation.quarters import last_settled, weeks_to_fit
from hotspot_pipeline.evaluation.surveillance import Rule, asked_run_length, rule_for
from hotspot_pipeline.evaluation.weekly_baseline import Baseline, fit_baseline, term_names

RISE = 1.5
_LEAST_MEAN = 0.1
_STEPS = 10  # of the means that have a rule of their own, from a mean of 1 to one of 10
BASELINES, TERMS, LEVELS = (
    "evaluation.baselines",
    "evaluation.baseline_terms",
    "evaluation.baseline_levels",
)


@dataclass(frozen=True)
class Book:
    """The rows of the three tables, as in their contracts."""

    baselines: pl.DataFrame
    terms: pl.DataFrame
    levels: pl.DataFrame

    def judged(self) -> pl.DataFrame:
        """quarter_start, cat_group, hotspot_id, cells_print, fit_id and the level's columns: at most one fit for each of the first four."""
        named = self.baselines.select("fit_id", "quarter_start", "cat_group", "alpha", "label")
        return self.levels.join(named, on="fit_id")

    def baseline(self, fit_id: str) -> Baseline:
        """The fit, as it was; places are hotspots."""
        row = self.baselines.row(by_predicate=pl.col("fit_id") == fit_id, named=True)
        steps = tuple(date.fromisoformat(s) for s in row["steps"].split("|") if s)
        levels = self.levels.filter(pl.col("fit_id") == fit_id).rename({"hotspot_id": "place"})
        return Baseline(
            levels.select("place", "log_level", "n_weeks", "n_events"),
            _in_order(self.terms.filter(pl.col("fit_id") == fit_id), row, steps),
            row["alpha"],
            row["origin"],
            row["n_harmonics"],
            row["has_trend"],
            steps,
            row["label"] == "short baseline",
        )


@dataclass(frozen=True)
class Weeks:
    """What a baseline is fitted on: `counts` (hotspot_id, week_start, cat_group, n_events, n_bank_holidays, is_of_cut), zero weeks included; `treated`
    as in `weeks_to_fit`; `cells_prints` by hotspot; `steps` of recording by group."""

    counts: pl.DataFrame
    treated: pl.DataFrame
    cells_prints: Mapping[str, str]
    steps: Mapping[str, Sequence[date]]


def missing_fits(book: Book, weeks: Weeks, wanted: Sequence[date]) -> list[tuple[date, str, list[str]]]:  # fmt: skip
    """(quarter, group, hotspots without a level for their cells), in order of time."""
    judged = book.judged().select("quarter_start", "cat_group", "hotspot_id", "cells_print").rows()
    there = set(judged)
    found = []
    for quarter in wanted:
        for group in weeks.steps:
            lacking = [h for h, p in weeks.cells_prints.items() if (quarter, group, h, p) not in there]  # fmt: skip
            if lacking:
                found.append((quarter, group, lacking))
    return found


def fit(
    book: Book,
    weeks: Weeks,
    quarter: date,
    group: str,
    lacking: Sequence[str],
    *,
    now: datetime,
    run_id: str,
) -> Book | None:
    """The rows to add for the hotspots in `lacking`, fitted with all hotspots; None where none of them has 26 weeks."""
    inside = weeks.counts.filter(pl.col("cat_group") == group)
    used = weeks_to_fit(inside, weeks.treated, quarter)
    places = used.select(
        pl.col("hotspot_id").alias("place"), "week_start", "n_events", "n_bank_holidays"
    )
    try:
        found = fit_baseline(places.with_columns(exposure=pl.lit(1.0)), steps=weeks.steps[group])
    except ValueError:
        return None
    levels = found.places.filter(pl.col("place").is_in(list(lacking)))
    if levels.is_empty():
        return None
    standing = book.baselines.filter((pl.col("quarter_start") == quarter) & (pl.col("cat_group") == group)).height  # fmt: skip
    fit_id = f"{quarter.year}-Q{(quarter.month + 2) // 3} {group} {standing + 1}"
    firsts = used.group_by("hotspot_id").agg(first=pl.col("week_start").min())
    last = pl.col("week_start") <= last_settled(quarter)
    since = inside.join(firsts, on="hotspot_id").filter(last, pl.col("week_start") >= pl.col("first"))  # fmt: skip
    n_all = dict(since.group_by("hotspot_id").len().iter_rows())
    rules = _rules(levels, found.alpha, len(weeks.cells_prints)) if group == ALL else {}
    of_cut = used.filter("is_of_cut")["week_start"].n_unique()
    steps = "|".join(s.isoformat() for s in found.steps)
    baseline = {
        "fit_id": fit_id, "quarter_start": quarter, "cat_group": group, "fitted_from": used["week_start"].min(), "fitted_to": used["week_start"].max(),
        "n_weeks": used["week_start"].n_unique(), "n_weeks_of_cut": of_cut, "alpha": found.alpha, "origin": found.origin,
        "n_harmonics": found.n_harmonics, "has_trend": found.has_trend, "steps": steps, "label": found.label, "fitted_at_utc": now, "run_id": run_id,
    }  # fmt: skip
    rows = [
        {
            "fit_id": fit_id, "hotspot_id": place, "cells_print": weeks.cells_prints[place], "log_level": level, "n_weeks": n_weeks, "n_events": n_events,
            "n_weeks_left_out": n_all[place] - n_weeks, "cusum_threshold": rules[place].threshold if place in rules else None,
            "cusum_run_length_weeks": rules[place].run_length if place in rules else None,
        }
        for place, n_weeks, n_events, level in levels.select("place", "n_weeks", "n_events", "log_level").iter_rows()
    ]  # fmt: skip
    terms = found.terms.select(pl.lit(fit_id).alias("fit_id"), "term", "value")
    return Book(
        pl.DataFrame([baseline], schema=dict(book.baselines.schema)),
        terms.cast(book.terms.schema),
        pl.DataFrame(rows, schema=dict(book.levels.schema)),
    )


def added(book: Book, more: Book) -> Book:
    return Book(
        pl.concat([book.baselines, more.baselines]),
        pl.concat([book.terms, more.terms]),
        pl.concat([book.levels, more.levels]),
    )


def _rules(levels: pl.DataFrame, alpha: float, n_series: int) -> dict[str, Rule]:
    """A rule for each hotspot with an event in ten weeks or more."""
    asked = asked_run_length(n_series)
    return {
        place: _rule(round(_STEPS * math.log10(n_events / n_weeks)), float(f"{alpha:.1g}"), asked)
        for place, n_events, n_weeks in levels.select("place", "n_events", "n_weeks").iter_rows()
        if n_events >= _LEAST_MEAN * n_weeks
    }


@cache
def _rule(step: int, alpha: float, run_length: float) -> Rule:
    """For a mean of 10^(step/10) events a week: hotspots that are about as busy share a rule, for each takes a second to find. The steps of the
    CUSUM are those of the hotspot's own mean and dispersion, so its run length changes little between."""
    return rule_for(10 ** (step / _STEPS), alpha, ratio=RISE, run_length=run_length)


def _in_order(terms: pl.DataFrame, row: Mapping[str, object], steps: Sequence[date]) -> pl.DataFrame:  # fmt: skip
    """The terms in the order in which the design has them: tables have none."""
    names = term_names(int(str(row["n_harmonics"])), bool(row["has_trend"]), steps)
    wanted = pl.DataFrame({"term": names}, schema={"term": pl.String})
    return wanted.join(terms.select("term", "value"), on="term", how="left", maintain_order="left")
