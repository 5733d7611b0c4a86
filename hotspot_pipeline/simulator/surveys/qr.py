"""The form behind the QR code on posters at the treated places (DOMAIN §5.7, §8.6).

Belongs here: who sends a form, when and what it says. Does not belong here: files (`feeds`). Those who answer chose to, and
more of them are dissatisfied than in the sample of the survey; what they write in their own words is not delivered.
"""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl

from hotspot_pipeline.simulator.crime.clock import skip_missing_hour, time_column
from hotspot_pipeline.simulator.profiles import Profile
from hotspot_pipeline.simulator.surveys.answers import COEFFICIENTS, Texts, pick

FORMS, FORMS_AT_PAIRS = (
    900,
    18,
)  # over the patrol period; in proportion to the number of treated places
POSTERS_A_PLACE = 3
PLACE_SPREAD = 0.5  # of the log of a place's forms
PLACE_EFFECT_SD = 0.25
# the score of the rating: more dissatisfied than the survey's
OPT_IN_SHIFT = -0.45
_CUTS = np.array([-0.9, -0.2, 0.5, 1.3])
SENT_TWICE = 0.02
NOVELTY, NOVELTY_DAYS = 0.35, 20.0  # a third of the forms comes while the posters are new
_BY_HOUR = np.array(
    [2, 1, 1, 0.5, 0.2, 0.2, 0.5, 2, 4, 4, 4, 5, 7, 6, 5, 6, 7, 8, 8, 7, 7, 6, 5, 4], float
)
_THEMES = {
    "lighting": 0.22, "groups_hanging_about": 0.30, "drugs": 0.21, "drinking": 0.18, "litter": 0.12, "harassment": 0.10,
    "traffic": 0.06, "more_patrols": 0.20, "thanks": 0.07, "other": 0.08,
}  # fmt: skip
_LANGUAGES = {"en": 0.93, "pl": 0.03, "ro": 0.015, "pa": 0.015, "gu": 0.01}
QR_COLUMNS = (
    "qr_id", "poster_id", "hotspot_id", "submitted_ts_local", "safe_rating", "time_of_day_visited", "seen_patrol", "theme_codes",
    "device_hash", "lang",
)  # fmt: skip


def make_forms(
    rng: np.random.Generator, profile: Profile, places: pl.DataFrame, patrol_minutes: pl.DataFrame
) -> pl.DataFrame:
    """`QR_COLUMNS` in order of time, all text but `submitted_ts_local`, and of the truth `place`, `p_seen`, `score` and
    `repeat_of` (the number of the form that was sent twice)."""
    treated = places.filter(pl.col("arm") == "treat").sort("place").join(
        patrol_minutes.select("place", pl.col("minutes_per_day").cast(pl.Float64)), on="place", how="left", maintain_order="left"
    )  # fmt: skip
    total = round(FORMS * profile.n_pairs / FORMS_AT_PAIRS)
    n_twice = round(SENT_TWICE * total)
    n = total - n_twice
    pull = np.exp(PLACE_SPREAD * rng.standard_normal(len(treated)))
    which = rng.choice(len(treated), n, p=pull / pull.sum())
    day = _days(rng, n, profile.n_patrol_days)
    hour = np.minimum(
        np.searchsorted(np.cumsum(_BY_HOUR), rng.uniform(size=n) * _BY_HOUR.sum(), side="right"), 23
    )
    second = day * 86_400 + hour * 3600 + rng.integers(0, 3600, n)
    midnight = np.datetime64(profile.start + timedelta(days=profile.patrol_day), "s")
    at = skip_missing_hour(midnight + second.astype("timedelta64[s]"))
    minutes = treated["minutes_per_day"].fill_null(0.0).to_numpy()[which]
    is_late = (hour >= 20) | (hour < 6)
    p_seen = 1 / (
        1
        + np.exp(
            -(
                COEFFICIENTS.intercept
                + COEFFICIENTS.per_minute * minutes
                + COEFFICIENTS.nte_user * is_late
            )
        )
    )
    has_seen = rng.uniform(size=n) < p_seen
    effect = PLACE_EFFECT_SD * rng.standard_normal(len(treated))
    score = OPT_IN_SHIFT + COEFFICIENTS.aware * has_seen + effect[which] + rng.standard_normal(n)
    visited = np.select([is_late, hour >= 17], ["night", "evening"], "day")
    forms = pl.DataFrame(
        {
            "poster": rng.integers(1, POSTERS_A_PLACE + 1, n),
            "place": treated["place"].gather(which),
            "hotspot_id": treated["hotspot_id"].gather(which),
            "submitted_ts_local": time_column(at),
            "safe_rating": 1 + np.searchsorted(_CUTS, score),
            "time_of_day_visited": visited,
            "seen_patrol": np.where(has_seen, "y", "n"),
            "theme_codes": _themes(rng, n),
            "device_hash": _hashes(rng, n),
            "lang": pick(rng, n, _LANGUAGES),
            "p_seen": p_seen,
            "score": score,
        }
    ).with_row_index("form")
    again = forms[np.sort(rng.choice(n, n_twice, replace=False))].with_columns(
        pl.col("submitted_ts_local")
        + pl.Series(rng.integers(60, 600, n_twice) * 1_000_000).cast(pl.Duration("us")),
        repeat_of=pl.col("form"),
    )
    everything = pl.concat([forms.with_columns(repeat_of=pl.lit(None, pl.UInt32)), again]).sort(
        "submitted_ts_local", "form", "repeat_of", nulls_last=False
    )
    number = pl.format("Q{}", pl.int_range(1, pl.len() + 1).cast(pl.String).str.zfill(5))
    everything = everything.with_columns(
        qr_id=number, poster_id=pl.format("{}-{}", "hotspot_id", "poster")
    )
    original = everything.filter(pl.col("repeat_of").is_null()).select(
        repeat_of="form", first_id="qr_id"
    )
    return (
        everything.join(original, on="repeat_of", how="left", maintain_order="left")
        .with_columns(pl.col("safe_rating").cast(pl.String), repeat_of=pl.col("first_id"))
        .select(*QR_COLUMNS, "place", "p_seen", "score", "repeat_of")
    )


def _days(
    rng: np.random.Generator, n: int, n_days: int
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Days from 1 to the last but one of the patrol period: the first begins and the last ends at 06:00."""
    span = n_days - 1
    uniform = rng.uniform(size=n) * span
    early = rng.exponential(min(NOVELTY_DAYS, span / 3), n) % span
    return 1 + np.floor(np.where(rng.uniform(size=n) < NOVELTY, early, uniform)).astype(np.int64)


def _themes(rng: np.random.Generator, n: int) -> pl.Series:
    ticked = rng.uniform(size=(n, len(_THEMES))) < np.array(list(_THEMES.values()))
    columns = [
        pl.when(pl.Series(ticked[:, k])).then(pl.lit(name)) for k, name in enumerate(_THEMES)
    ]
    return pl.select(pl.concat_str(columns, separator="|", ignore_nulls=True)).to_series()


def _hashes(rng: np.random.Generator, n: int) -> Texts:
    return np.frombuffer(rng.bytes(8 * n).hex().encode(), dtype="S16").astype(str)
