"""Sensors: what has landed and held still starts the night, a green night the day, a Monday's day the week."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from hotspot_pipeline.orchestration import alerts, sensors
from hotspot_pipeline.orchestration.jobs import BY_HAND, THEN_TAG, WHY_TAG, build_jobs
from hotspot_pipeline.orchestration.sensors import build_sensors
from hotspot_pipeline.orchestration.tables import Workshop

WATCHED = ["hexes.events"]


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as found:
        yield found


@pytest.fixture
def here(shop: Workshop, tmp_path: Path) -> Workshop:
    """The first force in a folder of its own."""
    return replace(shop, force=replace(shop.force, home=tmp_path / "aldershire"))


def sensor(here: Workshop, name: str) -> dg.SensorDefinition:
    found = build_sensors(here, build_jobs(here, list(here.catalog)), WATCHED)
    return next(s for s in found if s.name == f"aldershire__{name}")


class Ticks:
    """Evaluates `new_deliveries` as the daemon does, the cursor kept from tick to tick."""

    def __init__(self, here: Workshop, instance: dg.DagsterInstance) -> None:
        self.sensor, self.instance, self.cursor = sensor(here, "new_deliveries"), instance, None

    def __call__(self) -> str | None:
        """The run key that a tick asks a run for, None where it skips."""
        context = dg.build_sensor_context(self.instance, cursor=self.cursor)
        result = self.sensor.evaluate_tick(context)
        self.cursor = result.cursor
        assert bool(result.run_requests) != bool(result.skip_message)
        return result.run_requests[0].run_key if result.run_requests else None


@pytest.fixture
def tick(here: Workshop, instance: dg.DagsterInstance) -> Ticks:
    return Ticks(here, instance)


def land(here: Workshop, name: str, text: str = "a,b\n1,2\n", feed: str = "crime_extract") -> Path:
    path = here.force.landing(feed) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_files_start_one_run_once_they_hold_still(here: Workshop, tick: Ticks) -> None:
    assert tick() is None, "no landing folder yet"
    land(here, "crimes_20260101.csv")
    assert tick() is None, "seen for the first time: it may still be growing"
    key = tick()
    assert key
    assert [tick(), tick()] == [None, None], "the same files are one run"
    land(here, "crimes_20260102.csv")
    assert tick() is None
    second = tick()
    assert second
    assert second != key


def test_files_that_a_night_took_before_the_first_look_start_nothing(
    here: Workshop, tick: Ticks, instance: dg.DagsterInstance
) -> None:
    path = land(here, "crimes_20260101.csv")
    os.utime(path, (1_750_000_000, 1_750_000_000))
    _green_night(instance)
    assert [tick(), tick(), tick()] == [None, None, None]
    late = land(here, "crimes_20260102.csv")
    os.utime(late, (1_750_000_000, 1_750_000_000))
    assert tick() is None
    assert tick() is not None, "what came after that night is new"


@pytest.mark.parametrize("why", ["it was still being written", "it came after", "no night yet"])
def test_files_that_no_night_can_have_taken_start_one(
    why: str, here: Workshop, tick: Ticks, instance: dg.DagsterInstance
) -> None:
    if why == "it came after":
        _green_night(instance)
    path = land(here, "crimes_20260101.csv")
    if why != "it was still being written":
        os.utime(path, (1_750_000_000, 1_750_000_000))
    if why == "it was still being written":
        _green_night(instance)
    assert tick() is None
    assert tick() is not None


def _green_night(instance: dg.DagsterInstance) -> None:
    @dg.op
    def nothing() -> None: ...

    @dg.job(name="aldershire__nightly_crime")
    def night() -> None:
        nothing()

    assert night.execute_in_process(instance=instance).success


def test_a_growing_file_starts_nothing(here: Workshop, tick: Ticks) -> None:
    for n in range(1, 5):
        land(here, "crimes.csv", "x" * n)
        assert tick() is None
    assert tick() is not None


def test_a_file_that_changed_in_place_is_new(here: Workshop, tick: Ticks) -> None:
    path = land(here, "crimes.csv")
    tick(), tick()
    os.utime(path, ns=(1, 1))
    assert tick() is None
    assert tick() is not None


def test_every_feed_of_the_force_is_watched_and_nothing_else(here: Workshop, tick: Ticks) -> None:
    land(here, "crimes.csv", feed="police_uk_street")
    land(here, ".hidden.csv")
    assert [tick(), tick()] == [None, None]
    land(here, "deep/in/venues.csv", feed="venues")
    assert tick() is None
    assert tick() is not None


def test_emptied_folders_start_nothing(here: Workshop, tick: Ticks) -> None:
    path = land(here, "crimes.csv")
    tick(), tick()
    path.unlink()
    assert [tick(), tick(), tick()] == [None, None, None]
    land(here, "next.csv")
    assert tick() is None
    assert tick() is not None


def test_a_file_taken_away_while_we_look_is_no_failure(
    here: Workshop, tick: Ticks, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, stays = land(here, "a.csv"), land(here, "b.csv")
    tick()
    real = Path.rglob

    def rglob(self: Path, pattern: str) -> Iterator[Path]:
        found = list(real(self, pattern))
        gone.unlink(missing_ok=True)
        return iter(found)

    monkeypatch.setattr(Path, "rglob", rglob)
    assert tick() is None
    assert stays.exists()
    assert tick() is not None


Ask = Callable[..., dg.RunRequest | dg.SkipReason]


@pytest.fixture
def after(here: Workshop, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Asks a sensor what follows on a green run of a job, at a moment."""

    def ask(name: str, job: str, now: datetime, of: Workshop = here, **tags: str) -> Any:
        monkeypatch.setattr(sensors, "now_utc", lambda: now.replace(tzinfo=UTC))
        run = dg.DagsterRun(job_name=f"aldershire__{job}", run_id="0" * 36, tags=tags)
        event = dg.DagsterEvent(dg.DagsterEventType.RUN_SUCCESS.value, run.job_name)
        context = dg.build_run_status_sensor_context(
            sensor_name=name, dagster_event=event, dagster_instance=instance, dagster_run=run
        )
        return sensor(of, name)(context)

    return ask


@pytest.mark.parametrize(
    ("now", "day"),
    [
        (
            datetime(2026, 6, 15, 1, 40),
            "2026-06-13",
        ),  # Monday 02:40 local: Sunday's day is still open
        (datetime(2026, 6, 15, 5, 10), "2026-06-14"),  # Monday 06:10 local
        (datetime(2026, 6, 16, 1, 40), "2026-06-14"),
        (datetime(2026, 3, 29, 1, 40), "2026-03-27"),  # the night of the spring change
        (datetime(2026, 3, 30, 5, 10), "2026-03-29"),
        (datetime(2026, 10, 25, 2, 40), "2026-10-23"),  # the night of the autumn change
        (datetime(2026, 10, 26, 5, 40), "2026-10-24"),  # 05:40, not 06:40
        (datetime(2026, 10, 26, 6, 10), "2026-10-25"),
    ],
)
def test_a_green_night_asks_for_the_last_closed_police_day(
    now: datetime, day: str, after: Ask
) -> None:
    request = after("after_the_night", "nightly_crime", now)
    assert isinstance(request, dg.RunRequest)
    assert (request.partition_key, request.run_key) == (day, "0" * 36)
    assert request.tags == {}


def test_a_monday_s_night_asks_for_sunday_and_says_that_the_week_follows(after: Ask) -> None:
    request = after("after_the_night", "nightly_crime", datetime(2026, 6, 15, 5, 10), **{THEN_TAG: "weekly", "other": "x"})  # fmt: skip
    assert isinstance(request, dg.RunRequest)
    assert (request.partition_key, request.tags) == ("2026-06-14", {THEN_TAG: "weekly"})


def test_the_day_of_a_monday_asks_for_the_week_that_closed(after: Ask) -> None:
    monday = datetime(2026, 6, 15, 5, 20)
    request = after("after_the_day", "patrol_days", monday, **{THEN_TAG: "weekly"})
    assert isinstance(request, dg.RunRequest)
    assert request.partition_key == "2026-06-08"
    skipped = after("after_the_day", "patrol_days", monday)
    assert isinstance(skipped, dg.SkipReason)


def test_a_run_by_hand_is_followed_by_its_own_command(after: Ask) -> None:
    skipped = after("after_the_night", "nightly_crime", datetime(2026, 6, 15, 5, 10), **{WHY_TAG: BY_HAND})  # fmt: skip
    assert isinstance(skipped, dg.SkipReason)
    assert "hotspots run" in str(skipped.skip_message)


def evaluate(here: Workshop, instance: dg.DagsterInstance, check: str, *, passed: bool) -> None:
    instance.report_runless_asset_event(
        dg.AssetCheckEvaluation(asset_key=here.key("hexes.events"), check_name=check, passed=passed, metadata={})
    )  # fmt: skip


def test_a_failing_blocking_check_stops_the_chain_until_it_passes(
    here: Workshop, instance: dg.DagsterInstance, after: Ask
) -> None:
    now = datetime(2026, 6, 16, 1, 40)
    evaluate(here, instance, "grain_is_unique", passed=False)
    skipped = after("after_the_night", "nightly_crime", now)
    assert isinstance(skipped, dg.SkipReason)
    assert "aldershire/hexes/events: grain_is_unique failed" in str(skipped.skip_message)
    evaluate(here, instance, "grain_is_unique", passed=True)
    assert isinstance(after("after_the_night", "nightly_crime", now), dg.RunRequest)


def test_before_the_first_partition_nothing_is_asked_for(here: Workshop, after: Ask) -> None:
    force = replace(here.force, partitions_start=date(2030, 1, 7))
    late = Workshop.of(here.settings, force, here.catalog)
    skipped = after("after_the_night", "nightly_crime", datetime(2026, 6, 16, 1, 40), of=late)
    assert isinstance(skipped, dg.SkipReason)
    assert "2026-06-14 is no police day of this force's partitions_start" in str(skipped.skip_message)  # fmt: skip


def failure(instance: dg.DagsterInstance) -> Any:
    run = dg.DagsterRun(job_name="aldershire__weekly", run_id="1" * 36)
    event = dg.DagsterEvent(dg.DagsterEventType.RUN_FAILURE.value, run.job_name, message="Steps failed: x")  # fmt: skip
    return dg.build_run_status_sensor_context(
        sensor_name="on_failure", dagster_event=event, dagster_instance=instance, dagster_run=run
    ).for_run_failure()


def test_a_failed_run_sends_a_mail(
    here: Workshop, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[tuple[Any, ...]] = []
    monkeypatch.setattr(sensors, "mail_failure", lambda *given: sent.append(given))
    sensor(here, "on_failure")(failure(instance))
    assert sent == [(here.force, "mail.example:2525", "aldershire__weekly", "1" * 36, "Steps failed: x")]  # fmt: skip


def test_a_mail_host_that_does_not_answer_is_no_second_failure(
    here: Workshop, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody(*_: object, **__: object) -> None:
        raise ConnectionRefusedError("nobody there")

    monkeypatch.setattr(alerts.smtplib, "SMTP", nobody)
    sensor(here, "on_failure")(failure(instance))
