"""Events as drawn have the concentration, hours, seasons and noise of DOMAIN §8.2, over several seeds."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import cache

import numpy as np
import polars as pl
import pytest

from hotspot_pipeline.simulator import PROFILES
from hotspot_pipeline.simulator.crime.calendar import bank_holidays, hour_multipliers
from hotspot_pipeline.simulator.crime.clock import WINDOWS
from hotspot_pipeline.simulator.crime.events import ASB, SOURCES, Moments, World
from hotspot_pipeline.simulator.crime.kinds import KINDS
from hotspot_pipeline.simulator.crime.records import potential_crimes
from hotspot_pipeline.simulator.ground import Ground, make_ground
from hotspot_pipeline.simulator.streams import Streams

SEEDS = (1, 2, 3)
SIX_GROUPS = ("asb", "violence", "public_order", "damage", "robbery", "weapons")
COUNTY = PROFILES["county"]


@cache
def ground(seed: int) -> Ground:
    return make_ground(Streams(seed), COUNTY)


@cache
def drawn(seed: int, name: str) -> Moments:
    return ground(seed).world.draw(SOURCES[name])


@cache
def crimes(seed: int, name: str) -> pl.DataFrame:
    kind = next(k for k in KINDS if k.name == name)
    place = ground(seed)
    return potential_crimes(
        Streams(seed), [kind], place.county, place.premises, {name: drawn(seed, name)}
    )


def share_of_cells_with_half(counts: np.ndarray) -> float:
    cumulative = np.cumsum(np.sort(counts)[::-1]) / counts.sum()
    return float((np.searchsorted(cumulative, 0.5) + 1) / len(counts))


@pytest.mark.parametrize("seed", SEEDS)
def test_half_of_the_events_fall_in_few_cells(seed: int) -> None:
    n = len(ground(seed).county.cells)
    counts = sum(np.bincount(drawn(seed, name).cell, minlength=n) for name in SIX_GROUPS)
    assert share_of_cells_with_half(counts) == pytest.approx(0.017, rel=0.10)
    ordered = np.sort(counts)[::-1]
    for share, expected in ((0.01, 0.36), (0.05, 0.80)):
        assert ordered[: round(share * n)].sum() / counts.sum() == pytest.approx(expected, rel=0.10)


@pytest.mark.parametrize("name", SIX_GROUPS)
def test_yearly_numbers_are_those_of_the_table(name: str) -> None:
    expected = {
        "asb": 8000,
        "violence": 4000,
        "public_order": 3200,
        "damage": 3100,
        "robbery": 220,
        "weapons": 380,
    }
    found = [len(drawn(seed, name)) / COUNTY.n_weeks * 365.25 / 7 for seed in SEEDS]
    # growth of 1 % a year, drift and season move a year by a few percent
    assert np.mean(found) == pytest.approx(expected[name], rel=0.10)


def hour_of_week(at: np.ndarray) -> np.ndarray:
    hours = at.astype("datetime64[h]").astype(np.int64)
    return (hours + 3 * 24) % 168  # 1970-01-01 was a Thursday


def test_night_life_has_its_share_of_weekend_nights_and_afternoons() -> None:
    """45 % Friday and Saturday 21 to 03, 25 % daily 15 to 18, 30 % diffuse, where people go out."""
    hours = np.concatenate(
        [
            hour_of_week(
                drawn(s, "violence").at[ground(s).world.is_centre[drawn(s, "violence").cell]]
            )
            for s in SEEDS
        ]
    )
    nights = np.zeros(168, bool)
    afternoons = np.zeros(168, bool)
    for day in (4, 5):
        nights[(day * 24 + np.arange(21, 27)) % 168] = True
    for day in range(7):
        afternoons[day * 24 + np.arange(15, 18)] = True
    diffuse = np.array(
        [5, 4, 3, 2, 1, 1, 2, 4, 6, 7, 7, 8, 9, 9, 9, 10, 11, 11, 11, 10, 10, 9, 8, 7], float
    )
    flat = np.tile(diffuse / diffuse.sum() / 7, 7)
    for block, own in ((nights, 0.45), (afternoons, 0.25)):
        expected = own + 0.30 * flat[block].sum()
        assert block[hours].mean() == pytest.approx(expected, rel=0.10)


def test_incidents_peak_from_afternoon_to_night() -> None:
    hours = np.concatenate([hour_of_week(drawn(s, "asb").at) for s in SEEDS])
    peak = (hours % 24 >= 15) & (hours % 24 < 22)
    by_day = np.bincount(hours[peak] // 24, minlength=7)
    assert np.bincount(hours % 24, minlength=24).argmax() in range(15, 22)
    assert by_day[5:].mean() / by_day[:5].mean() == pytest.approx(1.2 / 1.0, rel=0.10)


def test_season_of_incidents() -> None:
    """June to August are a quarter above the other months."""
    month = np.concatenate(
        [drawn(s, "asb").at.astype("datetime64[M]").astype(np.int64) % 12 for s in SEEDS]
    )
    per_day = np.bincount(month, minlength=12) / np.array(
        [31, 28.25, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    )
    others = np.delete(per_day, [5, 6, 7, 11])  # New Year's Eve lifts December
    assert per_day[5:8].mean() / others.mean() == pytest.approx(1.25, rel=0.05)


def test_cells_drift_from_year_to_year() -> None:
    drift = ground(1).world.drift("asb")
    assert drift.mean() == pytest.approx(1.0, rel=0.01)
    assert drift.std() == pytest.approx(0.25, rel=0.02)


def test_weeks_are_noisier_than_poisson() -> None:
    """Variance = mean + mean² / 6 for weekly counts of a cell, given its rate."""
    world: World = ground(1).world
    source = ASB
    cell = np.argsort(-world.surfaces["asb"])[:40]
    extra, rate = [], []
    # twenty times the volume: in a cell with one event a week the noise hardly shows
    busy = replace(COUNTY, volume=20.0)
    for seed in (20, 21, 22):
        mine = World(
            Streams(seed), busy, ground(1).county, ground(1).premises, world.surfaces, cell_cv=0.0
        )
        moments = mine.draw(source)
        week = ((moments.at - world.start).astype(np.int64) // 604_800).clip(0, COUNTY.n_weeks - 1)
        counts = np.zeros((len(world.county.cells), COUNTY.n_weeks))
        np.add.at(counts, (moments.cell, week), 1)
        hourly = mine.expected(source, cell, np.ones(len(cell)))
        mean = hourly.reshape(len(cell), COUNTY.n_weeks, 168).sum(axis=2)
        extra.append(((counts[cell] - mean) ** 2 - mean).sum())
        rate.append((mean**2).sum())
    assert np.sum(rate) / np.sum(extra) == pytest.approx(6.0, rel=0.10)


def test_windows_have_the_mix_of_their_kind() -> None:
    for name, mix in (
        ("violence", "vap"),
        ("robbery", "robbery"),
        ("damage", "damage"),
        ("public_order", "public_order"),
    ):
        frame = pl.concat([crimes(seed, name) for seed in SEEDS])
        known = frame.filter(
            ~(
                (pl.col("committed_from_local").dt.time() == pl.time(0, 0))
                & (pl.col("committed_to_local").dt.time() == pl.time(23, 59))
            ).fill_null(False)
        )
        hours = (
            known["committed_to_local"] - known["committed_from_local"]
        ).dt.total_minutes().fill_null(0) / 60
        edges = [-1, 0, 1, 24, 168, 10_000]
        found = np.histogram(hours.to_numpy(), bins=np.nextafter(edges, np.inf))[0] / len(known)
        for share, expected in zip(found, WINDOWS[mix].shares, strict=True):
            noise = 4 * np.sqrt(expected * (1 - expected) / len(known))
            assert share == pytest.approx(expected, rel=0.10, abs=noise), (name, found)
        date_only = 1 - len(known) / len(frame)
        assert date_only == pytest.approx(0.03, rel=0.10, abs=4 * np.sqrt(0.03 * 0.97 / len(frame)))


def test_late_reports_have_their_share() -> None:
    for name, same_day in (
        ("violence", 0.68),
        ("damage", 0.85),
        ("robbery", 0.92),
        ("public_order", 0.88),
    ):
        frame = pl.concat([crimes(seed, name) for seed in SEEDS])
        delay = frame["reported_ts_local"] - frame["committed_to_local"].fill_null(
            frame["committed_from_local"]
        )
        hours = delay.dt.total_minutes() / 60
        # of the late ones, lognormal around two days, 31 in 100 come within a day after all
        expected = (1 - same_day) * 0.69
        late = (hours > 24).mean()
        noise = 3 * np.sqrt(expected * (1 - expected) / len(frame))
        assert late == pytest.approx(expected, rel=0.10, abs=noise), name


def test_domestic_and_online_shares_of_violence() -> None:
    frame = pl.concat([crimes(s, n) for s in SEEDS for n in ("violence", "violence_home")])
    assert frame["flag_da"].fill_null(False).mean() == pytest.approx(0.33, rel=0.10)
    assert frame["flag_online"].fill_null(False).mean() == pytest.approx(0.06, rel=0.15)
    sites = frame["location_type"].is_in(["police_custody", "hospital", "prison"]).mean()
    assert sites == pytest.approx(0.04, rel=0.10)
    is_public = ~frame["location_type"].is_in(["dwelling", "online"]) & ~frame["flag_da"].fill_null(
        False
    )
    assert is_public.sum() / len(SEEDS) / COUNTY.n_weeks * 365.25 / 7 == pytest.approx(
        3900, rel=0.10
    )


def test_geocode_errors_by_quality() -> None:
    frame = pl.concat([crimes(s, "violence") for s in SEEDS]).filter(
        ~pl.col("location_type").is_in(["police_custody", "hospital", "prison"])
    )
    share = dict(frame["geocode_quality"].value_counts(normalize=True).iter_rows())
    assert share["uprn"] == pytest.approx(0.60, rel=0.10)
    assert share["street"] + share["junction"] == pytest.approx(0.25, rel=0.10)
    assert share["postcode"] == pytest.approx(0.10, rel=0.10)
    located = frame.filter(pl.col("easting").is_not_null()).with_columns(
        off2=(pl.col("easting") - pl.col("true_easting")) ** 2
        + (pl.col("northing") - pl.col("true_northing")) ** 2
    )
    for quality, sigma, n_axes in (("uprn", 3, 2), ("street", 25, 1), ("postcode", 60, 2)):
        off2 = located.filter(pl.col("geocode_quality") == quality)["off2"].mean()
        assert np.sqrt(off2 / n_axes) == pytest.approx(sigma, rel=0.10), quality  # type: ignore[operator]


@pytest.mark.parametrize(
    ("year", "expected"),
    [
        # as listed on gov.uk for England and Wales, without the coronation of 2023
        (2022, ["01-03", "04-15", "04-18", "05-02", "05-30", "08-29", "12-26", "12-27"]),
        (2024, ["01-01", "03-29", "04-01", "05-06", "05-27", "08-26", "12-25", "12-26"]),
        (2025, ["01-01", "04-18", "04-21", "05-05", "05-26", "08-25", "12-25", "12-26"]),
        (2026, ["01-01", "04-03", "04-06", "05-04", "05-25", "08-31", "12-25", "12-28"]),
    ],
)
def test_bank_holidays_by_rule(year: int, expected: list[str]) -> None:
    # in 2022 spring was moved to June by proclamation: the rule gives the last Monday of May
    assert [d.strftime("%m-%d") for d in bank_holidays(year)] == expected


def test_new_years_eve_is_three_times_an_evening() -> None:
    start = np.datetime64("2025-12-22T06:00:00")
    level = hour_multipliers(np.random.default_rng(1), "vap", start, 14 * 24)
    hours = start.astype("datetime64[h]") + np.arange(14 * 24)
    eve = (hours >= np.datetime64("2025-12-31T18")) & (hours < np.datetime64("2026-01-01T04"))
    plain = (hours >= np.datetime64("2025-12-29T18")) & (hours < np.datetime64("2025-12-30T04"))
    # December is a busy month for violence, January is not
    assert level[eve][:6].mean() / level[plain].mean() == pytest.approx(3.0, rel=0.02)
    assert date(2025, 12, 31) not in bank_holidays(2025)
