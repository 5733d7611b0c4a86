"""Settings and what a force says: read once, typed, and every mistake told with file, key, value and rule."""

from __future__ import annotations

import textwrap
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from hotspot_pipeline.force import parse_force
from hotspot_pipeline.hot_time_rules import HotTimeRules, ShiftTimes
from hotspot_pipeline.settings import (
    PROJECT_ROOT,
    BoundaryFile,
    Force,
    HotspotRules,
    Settings,
    SettingsError,
    read_force,
)

FULL = """
force_id: fosseshire
name: Fosseshire Police
time_zone: Europe/London
day_starts_hour: 7
boundary: {file: maps/area.geojson, where: {name: Fosseshire, code: 7}}
feeds:
  crime_extract:
    landing: ../../drop/crimes
    columns: {crime_number: [URN, "Crime No."]}
  venues:
reference: {offence_codes: codes.csv}
grid_resolution: 8
hotspots: {window_from: 2025-01-01, window_to: 2026-01-01, groups: [VAP, ASB], top_k: 10, min_events: 0}
hot_times: {hot_hours_budget: 20, prior_strength: 50, shifts: [{name: late, starts: "14:00", ends: "24:00", weekdays: [Fri, Sat]}]}
partitions_start: 2020-01-06
alert_email: night@fosseshire.example
"""


def force_of(tmp_path: Path, text: str, name: str = "fosseshire") -> Force:
    home = tmp_path / "forces" / name
    home.mkdir(parents=True, exist_ok=True)
    (home / "force.yml").write_text(textwrap.dedent(text), encoding="utf-8")
    return read_force(home)


def test_a_force_reads_as_it_is_written(tmp_path: Path) -> None:
    force = force_of(tmp_path, FULL)
    home = tmp_path / "forces" / "fosseshire"
    assert (force.name, force.time_zone, force.day_starts_hour) == ("Fosseshire Police", "Europe/London", 7)  # fmt: skip
    assert force.boundary == BoundaryFile(home / "maps/area.geojson", {"name": "Fosseshire", "code": "7"})  # fmt: skip
    assert force.feeds == {"crime_extract": {"landing": "../../drop/crimes", "columns": {"crime_number": ["URN", "Crime No."]}}, "venues": {}}  # fmt: skip
    assert force.reference == {"offence_codes": home / "codes.csv"}
    assert force.hotspots == HotspotRules(date(2025, 1, 1), date(2026, 1, 1), ("VAP", "ASB"), top_k=10, min_events=0)  # fmt: skip
    late = ShiftTimes("late", "14:00", "24:00", (4, 5))
    assert force.hot_times == HotTimeRules(hot_hours_budget=20, prior_strength=50, shifts=(late,))
    assert (force.grid_resolution, force.partitions_start) == (8, date(2020, 1, 6))
    assert force.config_file == home / "force.yml"


def test_paths_are_relative_to_the_folder_of_the_force(tmp_path: Path) -> None:
    force = force_of(tmp_path, FULL)
    assert force.landing("crime_extract") == tmp_path / "drop" / "crimes"
    assert force.landing("venues") == force.home / "landing" / "venues"
    absolute = force_of(tmp_path, f"feeds: {{venues: {{landing: {tmp_path / 'x'}}}}}")
    assert absolute.landing("venues") == tmp_path / "x"


def test_an_empty_file_is_a_force_with_defaults(tmp_path: Path) -> None:
    force = force_of(tmp_path, "")
    assert (force.force_id, force.name, force.feeds, force.boundary) == ("fosseshire", "fosseshire", {}, None)  # fmt: skip
    assert force.hotspots == HotspotRules()
    assert force_of(tmp_path, "boundary: area.geojson").boundary == BoundaryFile(force.home / "area.geojson")  # fmt: skip


MISTAKES = {
    "unknown key": ("force: x", "unknown key 'force'; known: alert_email, boundary"),
    "home is no key": ("home: elsewhere", "unknown key 'home'"),
    "key twice": ("name: A\nname: B", "key 'name' stands here a second time"),
    "a list": ("- name", "must be a mapping"),
    "capital in the id": ("force_id: Fosseshire", "force_id 'Fosseshire': small letters, digits and underscores only"),
    "id with a hyphen": ("force_id: west-fosse", "force_id 'west-fosse'"),
    "time zone": ("time_zone: London", "time_zone 'London' is not a time zone name such as Europe/London"),
    "time zone is a path": ("time_zone: ../../etc/passwd", "is not a time zone name"),
    "hour of the day": ("day_starts_hour: 24", "day_starts_hour '24' is more than 23"),
    "hour is a text": ('day_starts_hour: "06:00"', "day_starts_hour '06:00' is not a whole number of 0 or more"),
    "hour is true": ("day_starts_hour: true", "day_starts_hour 'True' is not a whole number"),
    "partitions not on a Monday": ("partitions_start: 2022-01-04", "partitions_start '2022-01-04' is not the date of a Monday"),
    "partitions with an hour": ("partitions_start: 2022-01-03 06:00:00", "is not the date of a Monday"),
    "partitions as text": ('partitions_start: "2022-01-03"', "is not the date of a Monday (YYYY-MM-DD)"),
    "resolution": ("grid_resolution: 7", "grid_resolution '7' is not one of 8, 9, 10"),
    "boundary without a file": ("boundary: {where: {a: b}}", "boundary: 'file' is missing"),
    "boundary with an unknown key": ("boundary: {file: a.geojson, layer: x}", "boundary: unknown key 'layer'; known: file, where"),
    "boundary is a list": ("boundary: [a.geojson]", "boundary: must be a mapping"),
    "feeds is a list": ("feeds: [venues]", "feeds: must be a mapping"),
    "a feed is a text": ("feeds: {venues: pubs.csv}", "feeds.venues: must be a mapping"),
    "landing is a list": ("feeds: {venues: {landing: [a, b]}}", "feeds.venues.landing: must be a text"),
    "reference is a text": ("reference: codes.csv", "reference: must be a mapping"),
    "mail": ("alert_email: night desk", "alert_email 'night desk' is not one e-mail address"),
    "two mails": ("alert_email: a@b.example, c@d.example", "is not one e-mail address"),
    "unknown rule": ("hotspots: {topk: 5}", "hotspots: unknown key 'topk'; known: bootstrap_draws, groups"),
    "rules are a list": ("hotspots: [VAP]", "hotspots: must be a mapping"),
    "unknown group": ("hotspots: {groups: [VAP, BURGLARY]}", "hotspots.groups: 'BURGLARY' is not one of ASB, PUBLIC_ORDER"),
    "no group": ("hotspots: {groups: []}", "hotspots.groups: '' is not one of"),
    "top_k nought": ("hotspots: {top_k: 0}", "hotspots.top_k '0' is not a whole number of 1 or more"),
    "top_k a text": ('hotspots: {top_k: "18"}', "hotspots.top_k '18' is not a whole number"),
    "draws below one": ("hotspots: {bootstrap_draws: 0.5}", "hotspots.bootstrap_draws '0.5' is not a whole number"),
    "seed below nought": ("hotspots: {seed: -1}", "hotspots.seed '-1' is not a whole number of 0 or more"),
    "window without an end": ("hotspots: {window_from: 2025-01-01}", "hotspots: window_from stands alone; give window_from and window_to"),
    "window without a start": ("hotspots: {window_to: 2025-01-01}", "hotspots: window_to stands alone"),
    "window turned round": ("hotspots: {window_from: 2025-06-01, window_to: 2025-06-01}", "window_from 2025-06-01 is not before window_to 2025-06-01"),
    "unknown hot time": ("hot_times: {budget: 5}", "hot_times: unknown key 'budget'; known: bootstrap_draws, hot_hours_budget"),
    "windows turned round": ("hot_times: {min_hours: 5, max_hours: 4}", "hot_times: windows of 5 to 4 hours"),
    "windows of a day and more": ("hot_times: {max_hours: 25}", "windows of 2 to 25 hours; min_hours is at most max_hours, and that at most 24"),
    "no hours": ("hot_times: {hot_hours_budget: 1}", "hot_times.hot_hours_budget '1' is not min_hours to 168"),
    "only_hot a text": ("hot_times: {only_hot: often}", "hot_times.only_hot: 'often' is not true or false"),
    "strength nought": ("hot_times: {prior_strength: 0}", "hot_times.prior_strength '0' is not a whole number of 1 or more"),
    "shifts without a list": ("hot_times: {shifts: late}", "hot_times.shifts is not a list of shifts"),
    "shift without an end": ("hot_times: {shifts: [{name: late, starts: '14:00'}]}", "hot_times.shifts[1].ends: must be a text, not nothing"),
    "shift at noon": ("hot_times: {shifts: [{name: late, starts: noon, ends: '24:00'}]}", "hot_times.shifts[1].starts 'noon' is not a time in quotes"),
    "shift on a holiday": ("hot_times: {shifts: [{name: l, starts: '14:00', ends: '24:00', weekdays: [Mon, Feast]}]}", "weekdays 'Feast' is not one of Mon, Tue"),
    "window as text": ("hotspots: {window_from: January, window_to: 2025-01-01}", "hotspots.window_from 'January' is not a date"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "told"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_told_with_file_key_value_and_rule(
    text: str, told: str, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError) as caught:
        force_of(tmp_path, text)
    assert str(caught.value).startswith(str(tmp_path / "forces" / "fosseshire" / "force.yml"))
    assert told in str(caught.value)


def test_a_force_that_is_not_there_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"force\.yml: not found; `hotspots init nowhere` makes one"):  # fmt: skip
        read_force(tmp_path / "nowhere")


def test_the_forces_are_those_below_the_data_folder(tmp_path: Path) -> None:
    force_of(tmp_path, "", "westshire")
    force_of(tmp_path, "", "eastshire")
    env = {"HOTSPOTS_DATA": str(tmp_path)}
    assert [f.force_id for f in Settings.from_env(env).forces] == ["eastshire", "westshire"]
    chosen = Settings.from_env({**env, "HOTSPOTS_FORCES": " westshire ,"})
    assert [f.force_id for f in chosen.forces] == ["westshire"]
    with pytest.raises(SettingsError, match="hotspots init northshire"):
        Settings.from_env({**env, "HOTSPOTS_FORCES": "northshire"})


def test_two_forces_cannot_have_one_id(tmp_path: Path) -> None:
    force_of(tmp_path, "force_id: shire", "westshire")
    force_of(tmp_path, "force_id: shire", "eastshire")
    with pytest.raises(SettingsError, match="force_id 'shire' is also that of .*eastshire"):
        Settings.from_env({"HOTSPOTS_DATA": str(tmp_path)})


def test_defaults_need_no_environment() -> None:
    settings = Settings.from_env({"HOTSPOTS_FORCES": ""})
    assert settings.data == PROJECT_ROOT / "data"
    assert settings.sql == PROJECT_ROOT / "dbt_like_sql"
    assert (settings.memory_limit, settings.lock_timeout_s, settings.smtp) == ("4GB", 600.0, "")
    assert settings.threads >= 1
    assert settings.dagster_home == settings.data / "dagster_home"


def test_the_environment_sets_what_it_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    settings = Settings.from_env(
        {"HOTSPOTS_DATA": "here", "HOTSPOTS_SQL": "sql", "HOTSPOTS_REFERENCE": "ref", "HOTSPOTS_MEMORY_LIMIT": "70%",
         "HOTSPOTS_THREADS": "3", "HOTSPOTS_LOCK_TIMEOUT_S": "1.5", "HOTSPOTS_SMTP": "mail.example:2525"}
    )  # fmt: skip
    assert (settings.data, settings.sql, settings.reference) == (tmp_path / "here", tmp_path / "sql", tmp_path / "ref")  # fmt: skip
    assert (settings.memory_limit, settings.threads, settings.lock_timeout_s, settings.smtp) == ("70%", 3, 1.5, "mail.example:2525")  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("HOTSPOTS_THREADS", "many", "a whole number of 1 or more"),
        ("HOTSPOTS_THREADS", "0", "a whole number of 1 or more"),
        ("HOTSPOTS_LOCK_TIMEOUT_S", "-1", "a number of seconds, 0 or more"),
        ("HOTSPOTS_LOCK_TIMEOUT_S", "nan", "a number of seconds, 0 or more"),
        ("HOTSPOTS_LOCK_TIMEOUT_S", "ten", "a number of seconds, 0 or more"),
        ("HOTSPOTS_MEMORY_LIMIT", "lots", "a size such as 4GB or 70%"),
        ("HOTSPOTS_MEMORY_LIMIT", "4", "a size such as 4GB or 70%"),
        ("HOTSPOTS_SMTP", "mail:smtp", "a mail host, or host:port"),
    ],
)
def test_an_environment_that_cannot_be_used_is_told(name: str, value: str, rule: str, tmp_path: Path) -> None:  # fmt: skip
    with pytest.raises(SettingsError) as caught:
        Settings.from_env({"HOTSPOTS_DATA": str(tmp_path), name: value})
    assert str(caught.value) == f"environment: {name}='{value}' is not {rule}"


def test_the_only_force_needs_no_name(tmp_path: Path) -> None:
    def settings(*names: str) -> Settings:
        return Settings(data=tmp_path, forces=tuple(Force(n, n, tmp_path / n) for n in names))

    assert settings("westshire").force().force_id == "westshire"
    assert settings("westshire", "eastshire").force("eastshire").force_id == "eastshire"
    with pytest.raises(SettingsError, match="several forces: name one with --force; known: westshire, eastshire"):  # fmt: skip
        settings("westshire", "eastshire").force()
    with pytest.raises(SettingsError, match="no force 'north'; known: westshire"):
        settings("westshire").force("north")
    with pytest.raises(SettingsError, match="yet: `hotspots init <force>` makes one"):
        settings().force("north")


def test_memory_sizes_that_duckdb_takes_are_taken(tmp_path: Path) -> None:
    import duckdb

    for size in ("4GB", "1.5 GB", "700MB", "900MiB", "50%"):
        settings: Any = Settings.from_env({"HOTSPOTS_DATA": str(tmp_path), "HOTSPOTS_MEMORY_LIMIT": size})  # fmt: skip
        duckdb.connect(config={"memory_limit": settings.memory_limit}).close()


def test_retention_of_fixes(tmp_path: Path) -> None:
    assert parse_force({"force_id": "f"}, tmp_path).retention.pings_days == 90
    given = {"force_id": "f", "retention": {"pings_days": 30}}
    assert parse_force(given, tmp_path).retention.pings_days == 30
    # late fixes come for 7 days: a day must be there for them
    for wrong in (7, 30.5, True, "90"):
        with pytest.raises(SettingsError, match=r"retention.pings_days '.*' is not a whole number of 8 or more"):  # fmt: skip
            parse_force({"force_id": "f", "retention": {"pings_days": wrong}}, tmp_path)
    with pytest.raises(SettingsError, match="ping_days"):
        parse_force({"force_id": "f", "retention": {"ping_days": 90}}, tmp_path)
