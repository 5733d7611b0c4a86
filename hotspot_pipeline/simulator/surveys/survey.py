"""One wave of the survey: who is asked, who answers, what is missing or wrong in the file, and the truth of it.

Belongs here: sampling, non-response, fieldwork dates and dirt (DOMAIN §5.6, §8.6). Does not belong here: the answers
themselves (`answers`), weighting (`weights`), files (`feeds`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from hotspot_pipeline.simulator.crime.clock import skip_missing_hour, time_column
from hotspot_pipeline.simulator.force.county import Ints
from hotspot_pipeline.simulator.profiles import Profile
from hotspot_pipeline.simulator.surveys import answers, weights

INTERVIEWS = 2000  # a wave, in 24 areas at volume 1
N_AREAS = 24
NON_RESPONSE = 0.15
_NON_RESPONSE_BY_AGE = np.array([1.50, 1.25, 1.00, 0.85, 0.70, 0.55])  # against each other
N_SMALL, WAVE_OF_SMALL = 4, 2  # DOMAIN §10.30
_ASKED_IN_SMALL = 16
FIELDWORK_DAYS = 28
N_FIELDWORKERS = 12
STRAIGHT_LINERS = 0.02
MISSING = 0.03  # of the answers to each question that may be left out
DONT_KNOW_AWARE, DONT_KNOW_EFFECTIVE, DONT_KNOW_EFFECTIVE_UNAWARE = 0.05, 0.08, 0.30
_NOT_SAID = {"age_band": 0.02, "sex": 0.01, "ethnicity5": 0.03, "disability": 0.04, "tenure": 0.04}
NO_CONSENT = 0.005
SAME_NUMBER = 0.003  # rows whose number stands there twice, half of them with other answers
_HOURS = {"f2f": (10, 20), "phone": (9, 21), "online": (7, 24)}
SURVEY_COLUMNS = (
    "resp_id", "wave", "mode", "area_id", "area_type", "respondent_type", "interview_ts_local", "fieldworker_pid", "age_band", "sex",
    "ethnicity5", "disability", "tenure", "nte_user", "business_type", "q_aware_patrols", *answers.RATINGS, "q_sv_aware", "consent",
    "base_weight", "cal_weight",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wave:
    """`rows`: the file, all text, in its order; and of the truth `own_id`, the number each row should have, and
    `is_straight`. `people`: everybody asked, with what they would have answered."""

    number: int
    first_day: date
    last_day: date
    delivered_on: date
    rows: pl.DataFrame
    people: pl.DataFrame


def fieldwork(profile: Profile, wave: int) -> tuple[date, date, date]:
    """First and last day of interviews and the day of delivery: before the patrol day, or late in the patrol period."""
    n_days = min(FIELDWORK_DAYS, profile.patrol_day // 3, profile.n_patrol_days // 3)
    ends_before = profile.patrol_day if wave == 1 else profile.n_days - n_days // 2 - 1
    last = profile.start + timedelta(days=ends_before - 1)
    return last - timedelta(days=n_days - 1), last, last + timedelta(days=n_days // 2 + 1)


def make_wave(rng: np.random.Generator, profile: Profile, wave: int, areas: pl.DataFrame) -> Wave:
    first, last, delivered = fieldwork(profile, wave)
    people = answers.make_people(rng, wave, areas, _n_asked(profile, wave, areas))
    n = len(people)
    age = weights.positions(people["age_band"].to_numpy().astype(str), answers.AGE_BANDS)
    refusal = NON_RESPONSE * _NON_RESPONSE_BY_AGE[age] / _NON_RESPONSE_BY_AGE[age].mean()
    answered = rng.uniform(size=n) >= refusal
    people = people.with_columns(
        outcome=np.where(answered, "interviewed", "no_answer"),
        interview_ts_local=_interview_times(
            rng, people["mode"].to_numpy().astype(str), first, last
        ),
    )
    if wave == WAVE_OF_SMALL:
        is_small = pl.col("area").is_in(areas.filter("is_small")["area"].implode()) & (
            pl.col("outcome") == "interviewed"
        )
        too_many = is_small & (pl.col("outcome").cum_count().over("area", "outcome") > N_SMALL)
        people = people.with_columns(
            outcome=pl.when(too_many).then(pl.lit("not_worked")).otherwise("outcome")
        )
    interviewed = (people["outcome"] == "interviewed").to_numpy()
    straight = interviewed & (rng.uniform(size=n) < STRAIGHT_LINERS)
    straight_value = np.where(straight, rng.choice([2, 3, 4], n, p=[0.2, 0.6, 0.2]), 0)
    people = people.with_columns(straight_line=straight_value)
    rows = _as_answered(rng, people.filter(pl.col("outcome") == "interviewed"))
    rows = _with_weights(rows, people, areas).sort("interview_ts_local", "resp_id")
    rows = _same_numbers(rng, rows)
    text = rows.select(
        pl.col(name).cast(pl.String).fill_null("")
        for name in SURVEY_COLUMNS
        if name != "interview_ts_local"
    )
    text = text.with_columns(rows["interview_ts_local"].dt.strftime("%Y-%m-%d %H:%M")).select(
        SURVEY_COLUMNS
    )
    hidden = rows.select("own_id", is_straight=pl.col("straight_line") > 0)
    return Wave(wave, first, last, delivered, text.hstack(hidden), people)


def _n_asked(profile: Profile, wave: int, areas: pl.DataFrame) -> Ints:
    """(n_areas,): as many in each area, so that the expected number of interviews is that of the profile."""
    wanted = INTERVIEWS * len(areas) / N_AREAS * min(1.0, profile.volume)
    is_small = areas["is_small"].to_numpy() & (wave == WAVE_OF_SMALL)
    each = (wanted - N_SMALL * is_small.sum()) / (1 - NON_RESPONSE) / (~is_small).sum()
    even = np.diff(np.round(each * np.arange(len(areas) + 1))).astype(np.int64)
    return np.where(is_small, _ASKED_IN_SMALL, even)


def _interview_times(
    rng: np.random.Generator, mode: answers.Texts, first: date, last: date
) -> pl.Series:
    begin, end = np.array(list(_HOURS.values()), float).T
    which = weights.positions(mode, tuple(_HOURS))
    day = rng.integers(0, (last - first).days + 1, len(mode))
    hours = begin[which] + rng.uniform(size=len(mode)) * (end - begin)[which]
    minute = np.floor(hours * 60)
    at = np.datetime64(first, "s") + (day * 1440 + minute.astype(np.int64)).astype("timedelta64[m]")
    return time_column(skip_missing_hour(at))


def _as_answered(rng: np.random.Generator, people: pl.DataFrame) -> pl.DataFrame:
    """The answers as they were taken down: not said, not known, left out, or all on one line."""
    n = len(people)

    def some(share: float) -> pl.Series:
        return pl.Series(rng.uniform(size=n) < share)

    is_aware, line = people["is_aware"], people["straight_line"]
    unsure = pl.select(
        pl.when(is_aware).then(DONT_KNOW_EFFECTIVE).otherwise(DONT_KNOW_EFFECTIVE_UNAWARE)
    ).to_series()
    number = pl.Series(rng.integers(1, N_FIELDWORKERS + 1, n)).cast(pl.String).str.zfill(2)
    worker = pl.select(pl.format("FW{}", number))
    changed: dict[str, pl.Expr] = {
        "fieldworker_pid": pl.when(pl.col("mode") != "online")
        .then(worker.to_series())
        .otherwise(pl.lit("")),
        "consent": pl.when(some(NO_CONSENT)).then(pl.lit("n")).otherwise(pl.lit("y")),
        "q_sv_aware": pl.when(~some(MISSING)).then("q_sv_aware"),
    }
    for name, share in _NOT_SAID.items():
        is_asked = pl.col(name) != ""
        changed[name] = pl.when(is_asked & some(share)).then(pl.lit("pns")).otherwise(name)
    aware = (
        pl.when(some(DONT_KNOW_AWARE))
        .then(pl.lit("dk"))
        .when(is_aware)
        .then(pl.lit("y"))
        .otherwise(pl.lit("n"))
    )
    changed["q_aware_patrols"] = pl.when(~some(MISSING)).then(aware)
    for name, rating in answers.RATINGS.items():
        answer = pl.col(name).cast(pl.String)
        if name == "q_patrols_effective":
            answer = (
                pl.when(pl.Series(rng.uniform(size=n)) < unsure)
                .then(pl.lit("dk"))
                .otherwise(answer)
            )
        on_line = pl.when(line > 0).then(line.clip(1, len(rating.cuts) + 1).cast(pl.String))
        changed[name] = on_line.when(~some(MISSING)).then(answer)
    return people.with_columns(**changed)


def _with_weights(rows: pl.DataFrame, people: pl.DataFrame, areas: pl.DataFrame) -> pl.DataFrame:
    population = areas["population"].to_numpy().astype(np.float64)
    base, raked = np.empty(len(rows)), np.empty(len(rows))
    is_business = (rows["respondent_type"] == "business").to_numpy()
    asked_business = (people["respondent_type"] == "business").to_numpy()
    for group in (False, True):
        mine = is_business == group
        area = rows["area"].to_numpy()[mine]
        n_asked = np.bincount(
            people["area"].to_numpy()[asked_business == group], minlength=len(areas)
        )
        base[mine] = weights.selection_weights(population, n_asked.astype(np.float64), area)
        margins = [(area, population / population.sum())]
        if not group:
            age = weights.positions(
                rows["age_band"].to_numpy().astype(str)[mine], answers.AGE_BANDS
            )
            sex = weights.positions(rows["sex"].to_numpy().astype(str)[mine], ("female", "male"))
            margins = [
                *margins,
                (age, answers.POPULATION_AGE),
                (sex, np.array([answers.FEMALE_SHARE, 1 - answers.FEMALE_SHARE])),
            ]
        raked[mine] = weights.rake(base[mine], margins)
    return rows.with_columns(base_weight=np.round(base, 4), cal_weight=np.round(raked, 4))


def _same_numbers(rng: np.random.Generator, rows: pl.DataFrame) -> pl.DataFrame:
    """Some rows twice, and some numbers given to two people; `own_id` is the number that a row should have."""
    n = max(1, round(SAME_NUMBER * len(rows) / 2))
    position = rng.choice(len(rows), 3 * n, replace=False)
    again, first, second = position[:n], position[n : 2 * n], position[2 * n :]
    given = rows["resp_id"].to_numpy().copy()
    given[second] = given[first]
    rows = rows.with_columns(own_id=pl.col("resp_id"), resp_id=given)
    return pl.concat([rows, rows[np.sort(again)]])
