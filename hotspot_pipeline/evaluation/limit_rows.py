"""The rows of control limits: counts beside what the week's own baseline expected, limits, drifts and signals in words.

Pure frames. Here: one table from counts and the book of baselines. Not here: the fits (`baseline_book`), the formulae
(`control_limits`, `surveillance`).

A week is judged by the baseline of its quarter, so a series runs through several fits: scores and steps are made fit by fit and added up over
all weeks. Drifts (EWMA, runs, CUSUM) are watched on all events of a hotspot only: seven series a hotspot would cry wolf seven times as often.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import polars as pl

from hotspot_pipeline.evaluation.baseline_book import RISE, Book
from hotspot_pipeline.evaluation.control_limits import (
    LEVELS,
    ewma_of,
    limits,
    percent_change,
    runs,
    scores,
)
from hotspot_pipeline.evaluation.place_weeks import ALL, provisional
from hotspot_pipeline.evaluation.quarters import quarter_of
from hotspot_pipeline.evaluation.surveillance import added_up, increments
from hotspot_pipeline.evaluation.weekly_baseline import expected

_SERIES = ("ewma", "ewma_se", "run_weeks", "cusum")


def limit_rows(
    counts: pl.DataFrame, book: Book, cells_prints: dict[str, str], data_to: date
) -> pl.DataFrame:
    """The rows of `evaluation.control_limits`, sorted by hotspot, group and week.

    `counts`: hotspot_id, week_start, cat_group, n_events, sum_13, sum_13_before, n_bank_holidays. Weeks without a baseline for the hotspot's
    present cells have no row.
    """
    quarter = pl.col("week_start").map_elements(quarter_of, return_dtype=pl.Date)
    prints = pl.DataFrame({"hotspot_id": list(cells_prints), "cells_print": list(cells_prints.values())}, schema={"hotspot_id": pl.String, "cells_print": pl.String})  # fmt: skip
    judged = (
        counts.join(prints, on="hotspot_id")
        .with_columns(quarter_start=quarter)
        .join(book.judged(), on=["quarter_start", "cat_group", "hotspot_id", "cells_print"])
    )
    parts = [_of_fit(rows, book, str(fit_id)) for (fit_id,), rows in judged.group_by("fit_id", maintain_order=True)]  # fmt: skip
    if not parts:
        return pl.DataFrame()
    every = pl.concat(parts).sort("hotspot_id", "cat_group", "week_start")
    series = [_of_series(rows) for _, rows in every.group_by("hotspot_id", "cat_group", maintain_order=True)]  # fmt: skip
    changes = [
        percent_change(before, now) if before is not None and now is not None else None
        for before, now in every.select("sum_13_before", "sum_13").iter_rows()
    ]
    return pl.concat(series).with_columns(
        pl.Series("percent_change", changes, dtype=pl.Float64),
        is_provisional=provisional("latest", data_to),
        n_13=pl.col("sum_13"),
        n_13_before=pl.col("sum_13_before"),
    )


def _of_fit(rows: pl.DataFrame, book: Book, fit_id: str) -> pl.DataFrame:
    """With mu, the limits, and for the group ALL score, variance and step of each week."""
    baseline = book.baseline(fit_id)
    asked = rows.rename({"hotspot_id": "place"}).with_columns(exposure=pl.lit(1.0))
    mu = expected(baseline, asked)["mu"].to_numpy()
    n, alpha = rows["n_events"].to_numpy(), baseline.alpha
    found = {"mu": mu, "score": np.full(len(n), np.nan), "variance": np.full(len(n), np.nan), "step": np.full(len(n), np.nan)}  # fmt: skip
    for level, name in zip(LEVELS, ("95", "998"), strict=True):
        found[f"lower_{name}"], found[f"upper_{name}"] = limits(mu, alpha, level)
    if rows["cat_group"][0] == ALL:
        known = np.isfinite(mu)
        found["score"][known], found["variance"][known] = scores(n[known], mu[known], alpha)
        found["step"] = increments(n, mu, alpha, RISE)
    bounds = [c for c in found if c.startswith(("lower", "upper"))]
    return rows.with_columns(**{k: pl.Series(v) for k, v in found.items()}).with_columns(
        pl.when(pl.col(bounds) >= 0).then(pl.col(bounds)), mu=pl.col("mu").fill_nan(None)
    )


def _of_series(rows: pl.DataFrame) -> pl.DataFrame:
    """One hotspot and group in time, with drifts and signals."""
    n, mu = rows["n_events"].to_numpy(), rows["mu"].fill_null(np.nan).to_numpy()
    is_high = rows["n_events"] > rows["upper_998"]
    is_low = rows["n_events"] < rows["lower_998"]
    words: list[list[str]] = [[] for _ in range(len(n))]
    _say(words, is_high.fill_null(False), "above the 99.8 % limit")
    _say(words, is_low.fill_null(False), "below the 99.8 % limit")
    drifts: dict[str, pl.Series] = {}
    if rows["cat_group"][0] == ALL:
        value, spread = ewma_of(rows["score"].to_numpy(), rows["variance"].to_numpy())
        run, is_run = runs(n, mu)
        c, alarm = added_up(rows["step"].to_numpy(), rows["cusum_threshold"].fill_null(np.nan).to_numpy())  # fmt: skip
        found = dict(zip(_SERIES, (value, spread, run, c), strict=True))
        drifts = {k: pl.Series(k, v) for k, v in found.items()}
        _say(words, is_run & (run > 0), "eight weeks or more above what was expected")
        _say(words, is_run & (run < 0), "eight weeks or more below what was expected")
        _say(words, alarm, "a rise is likely (CUSUM)")
    types = {k: pl.Int64 if k == "run_weeks" else pl.Float64 for k in _SERIES}
    return rows.with_columns(
        *(drifts.get(k, pl.lit(None)).cast(t).alias(k) for k, t in types.items()),
        pl.Series("signal", ["; ".join(w) or None for w in words], dtype=pl.String),
    )


def _say(words: list[list[str]], where: Sequence[bool] | pl.Series | np.ndarray, text: str) -> None:  # fmt: skip
    for t, is_so in enumerate(where):
        if is_so:
            words[t].append(text)
