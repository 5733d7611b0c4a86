"""Hours, windows and delays against the parameters they are drawn from, and the clock change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotspot_pipeline.simulator.crime import clock

LONDON = ZoneInfo("Europe/London")
N = 40_000


@given(
    st.one_of(
        st.datetimes(datetime.fromisoformat("2000-01-01"), datetime.fromisoformat("2037-12-31")),
        # Around the clock change of every year.
        st.builds(
            lambda year, minutes: (
                datetime.fromisoformat(f"{year}-03-25") + timedelta(minutes=minutes)
            ),
            st.integers(2000, 2037),
            st.integers(0, 7 * 1440),
        ),
    )
)
def test_the_missing_hour_is_the_one_the_time_zone_lacks(moment: datetime) -> None:
    moment = moment.replace(microsecond=0)
    back = moment.replace(tzinfo=LONDON).astimezone(UTC).astimezone(LONDON).replace(tzinfo=None)
    (moved,) = clock.skip_missing_hour(np.array([moment], dtype="datetime64[s]"))
    assert moved.item() == back


def test_hour_of_week_follows_its_shape() -> None:
    rng = np.random.default_rng(1)
    start = np.datetime64("2025-04-07T06:00:00")  # a Monday; no clock change in these weeks
    week = rng.integers(0, 20, N)
    shape = clock.SHAPES["night_centre"]
    times = clock.event_times(rng, start, week, shape)
    assert ((times - start) // np.timedelta64(7, "D") == week).all()
    monday = np.datetime64("2025-04-07T00:00:00")
    hour = ((times - monday) // np.timedelta64(1, "h")) % 168
    expected = N * shape / shape.sum()
    chi2 = ((np.bincount(hour.astype(int), minlength=168) - expected) ** 2 / expected).sum()
    assert chi2 < 230  # 99.9 % point of chi-square with 167 degrees of freedom: 229.6


def test_nights_out_peak_at_the_weekend() -> None:
    shape = clock.SHAPES["night_centre"] / clock.SHAPES["night_centre"].sum()
    friday, saturday = (sum(shape[(day * 24 + h) % 168] for h in range(21, 27)) for day in (4, 5))
    # 45 % by the mixture plus what the diffuse part and the softened edges bring and take.
    assert 0.40 < friday + saturday < 0.50
    damage = clock.SHAPES["overnight"] / clock.SHAPES["overnight"].sum()
    night = sum(damage[day * 24 + h] for day in range(7) for h in (*range(18, 24), *range(8)))
    assert night > 0.60


@pytest.mark.parametrize("name", sorted(clock.WINDOWS))
def test_windows_have_the_lengths_of_their_mix(name: str) -> None:
    rng = np.random.default_rng(2)
    at = np.datetime64("2025-06-02T00:00:00") + rng.integers(0, 10**7, N).astype("timedelta64[s]")
    mix = clock.WINDOWS[name]
    begin, end, is_point = clock.windows(rng, at, mix)
    width_h = (end - begin).astype("timedelta64[m]").astype(float) / 60
    assert (width_h >= 0).all() and (width_h[is_point] == 0).all()
    bands = [
        (width_h == 0), (width_h > 0) & (width_h <= 1), (width_h > 1) & (width_h <= 24),
        (width_h > 24) & (width_h <= 168), width_h > 168,
    ]  # fmt: skip
    for band, share in zip(bands, mix.shares, strict=True):
        assert band.mean() == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / N) + 0.001)
    assert np.median(width_h[bands[2]]) == pytest.approx(mix.median_h, rel=0.05)
    # The true moment lies in the window, but for the rounding to five minutes.
    slack = np.timedelta64(5, "m")
    assert ((begin - slack <= at) & (at <= end + slack)).all()


def test_most_reports_come_soon_and_some_very_late() -> None:
    rng = np.random.default_rng(3)
    end = np.full(N, np.datetime64("2025-06-02T12:00:00"))
    delay_h = (clock.report_times(rng, end, 0.68) - end).astype(float) / 3600
    assert (delay_h >= 0).all()
    late = delay_h[delay_h > 24]
    # Lognormal with median 48 h and sigma 1.4: 69 % of the 32 % exceed a day.
    assert len(late) / N == pytest.approx(0.32 * 0.69, abs=0.01)
    assert np.mean(delay_h > 28 * 24) / 0.32 == pytest.approx(0.0297, abs=0.006)


def test_recording_takes_a_day_at_most_for_most() -> None:
    rng = np.random.default_rng(4)
    reported = np.full(N, np.datetime64("2025-06-02T12:00:00"))
    delay_h = (clock.record_times(rng, reported) - reported).astype(float) / 3600
    assert np.mean(delay_h <= 24) == pytest.approx(0.92, abs=0.006)
    assert np.mean(delay_h[delay_h > 24]) == pytest.approx(24 + 5 * 24, rel=0.06)
