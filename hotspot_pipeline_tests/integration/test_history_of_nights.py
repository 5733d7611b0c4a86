"""The same nights told in three ways give one history, and what was answered stays answered.

The nightly full extracts of the simulator are the ground: from them the test makes deltas (what is new or other than the night before),
and a third telling: both kinds mixed, in a random order, with repeats, over several runs. Truth is computed from the files alone, record by record.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import os
import random
import shutil
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
import yaml

from hotspot_pipeline.cli.running import run_force
from hotspot_pipeline.definitions import warehouse_of
from hotspot_pipeline.hexes.as_known import weekly_as_known
from hotspot_pipeline.settings import PROJECT_ROOT, Force, Settings
from hotspot_pipeline.simulator import PROFILES, Options, simulate
from hotspot_pipeline.sql_models.model import load_models
from hotspot_pipeline.warehouse.contract import read_catalog
from hotspot_pipeline.warehouse.session import Session
from hotspot_pipeline_tests.unit.simulator.small_force import OFFENCE_LOOKUP

pytestmark = pytest.mark.slow

FEEDS = ("crime_extract", "asb_extract", "excluded_sites", "default_geocodes", "venues")
KEYS = {"crime_extract": "crime_number", "asb_extract": "incident_ref"}
KEY = b"0" * 32
_LONG_AGO_S = 1_750_000_000
Rows = list[dict[str, str]]


class Telling:
    """A force whose deliveries a test lays out; `nights` are the full extracts, by feed and moment."""

    def __init__(self, folder: Path, ground: Path, key: bytes) -> None:
        home = folder / "forces" / "fosseshire"
        home.mkdir(parents=True)
        shutil.copy(ground / "boundary.geojson", home)
        document = {
            "force_id": "fosseshire",
            "name": "Fosseshire (fictional)",
            "boundary": {"file": "boundary.geojson"},
            "feeds": {feed: {} for feed in FEEDS},
            "partitions_start": PROFILES["tiny"].start,
        }
        (home / "force.yml").write_text(yaml.safe_dump(document), encoding="utf-8")
        self.settings = Settings.from_env({"HOTSPOTS_DATA": str(folder), "HOTSPOTS_THREADS": "2"})
        self.force: Force = self.settings.force("fosseshire")
        self.force.key_file.parent.mkdir(parents=True, exist_ok=True)
        self.force.key_file.write_bytes(key)
        for feed in FEEDS[2:]:
            shutil.copytree(ground / "landing" / feed, self.force.landing(feed))

    def deliver(self, feed: str, name: str, rows: Rows) -> None:
        folder = self.force.landing(feed)
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        with (folder / name).open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        for path in folder.rglob("*"):
            os.utime(path, (_LONG_AGO_S, _LONG_AGO_S))

    def run(self) -> None:
        outcomes, _ = run_force(self.settings, self.force, quiet=True)
        assert all(o.success for o in outcomes), [o.failure for o in outcomes]

    def session(self) -> Any:
        return warehouse_of(self.settings, self.force).session(read_only=True)


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("ground") / "force"
    simulate(
        out, PROFILES["tiny"], 7, Options(), offence_lookup=OFFENCE_LOOKUP, nightly="full", progress=lambda *told: None
    )  # fmt: skip
    return out


@pytest.fixture(scope="module")
def nights(ground: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Rows]]:
    """feed -> moment (as in the file's name) -> rows; each record once, no night that was cut off or has other names of columns,
    and no record that the gate turns away in some night."""
    found: dict[str, dict[str, Rows]] = {}
    unreadable: dict[str, set[str]] = {feed: set() for feed in KEYS}
    for feed, key in KEYS.items():
        states: dict[str, Rows] = {}
        n_before = 0
        for path in sorted((ground / "landing" / feed).glob("*_full_*.csv.gz")):
            moment = path.name.split("_full_")[1][:13]
            with gzip.open(path, "rt", encoding="utf-8-sig", newline="") as stream:
                rows = list({row[key]: row for row in csv.DictReader(stream)}.values())
            broken = {row[key] for row in rows if None in row or None in row.values()}
            rows = [row for row in rows if row[key] not in broken]
            unreadable[feed] |= broken
            header = list(rows[0])
            if states and header != list(next(iter(states.values()))[0]):
                continue  # the night with other names of columns
            if len(rows) >= n_before:
                states[moment] = rows
                n_before = len(rows)
        found[feed] = states
    probe = Telling(tmp_path_factory.mktemp("probe"), ground, KEY)
    for feed, states in found.items():
        for moment, rows in states.items():
            probe.deliver(feed, f"full_{moment}.csv", rows)
    probe.run()
    with probe.session() as session:
        for feed, key in KEYS.items():
            bad = unreadable[feed] | set(
                session.frame(
                    f"select r.{key} from raw.{TABLE[feed]} r join validated.rejects using (extract_id, source_file, line_no)"
                ).get_column(key)
            )
            found[feed] = {
                moment: [row for row in rows if row[key] not in bad]
                for moment, rows in found[feed].items()
            }
    return found


def deltas(states: Mapping[str, Rows], key: str) -> dict[str, Rows]:
    """Of each night the rows that are new or other than the night before."""
    found, before = {}, {}
    for moment, rows in states.items():
        found[moment] = [row for row in rows if before.get(row[key]) != row]
        before = {row[key]: row for row in rows}
    return {moment: rows for moment, rows in found.items() if rows}


def versions(session: Session) -> pl.DataFrame:
    """The observed states, without what depends on when this force came to know them."""
    columns = "feed, source_system, record_id, version_no, observed_utc, change_mask, record_status, row_hash"
    return pl.concat(
        [
            session.frame(
                f"select '{t}' as t, {columns} from history.{t} where taken_back_utc is null order by all"
            )
            for t in ("crime_versions", "asb_versions")
        ]
    )


@pytest.fixture(scope="module")
def told_whole(
    tmp_path_factory: pytest.TempPathFactory, ground: Path, nights: dict[str, dict[str, Rows]]
) -> Iterator[Telling]:
    telling = Telling(tmp_path_factory.mktemp("whole"), ground, KEY)
    for feed, states in nights.items():
        for moment, rows in states.items():
            telling.deliver(feed, f"full_{moment}.csv", rows)
    telling.run()
    yield telling


def test_full_delta_and_shuffled_deliveries_give_the_same_versions(
    told_whole: Telling, tmp_path: Path, ground: Path, nights: dict[str, dict[str, Rows]]
) -> None:
    with told_whole.session() as session:
        wanted = versions(session)
        assert not session.value(
            "select count(*) from validated.extract_counts where status = 'held'"
        )
    by_deltas = Telling(tmp_path / "deltas", ground, KEY)
    for feed, states in nights.items():
        for moment, rows in deltas(states, KEYS[feed]).items():
            by_deltas.deliver(feed, f"delta_{moment}.csv", rows)
    by_deltas.run()
    with by_deltas.session() as session:
        assert versions(session).equals(wanted)

    shuffled = Telling(tmp_path / "shuffled", ground, KEY)
    files = [
        (feed, f"{kind}_{moment}.csv", rows)
        for feed, states in nights.items()
        for n, moment in enumerate(states)
        # every fourth night whole, the others as what changed: as a real force delivers
        for kind, rows in [("full", states[moment]) if n % 4 == 0 else ("delta", deltas(states, KEYS[feed]).get(moment))]
        if rows
    ]  # fmt: skip
    random.Random(5).shuffle(files)
    third = len(files) // 3
    for part in (files[:third], files[third : 2 * third], files[2 * third :]):
        for feed, name, rows in part:
            shuffled.deliver(feed, name, rows)
        for feed, name, rows in part[::5]:
            shuffled.deliver(feed, f"again/{name}", rows)
        shuffled.run()
    with shuffled.session() as session:
        assert (
            session.value("select count(*) from raw.extract_files where status = 'duplicate'") > 0
        )
        assert session.value("select count(*) from history.extracts where is_late") > 0
        assert versions(session).equals(wanted)


LOUD = {
    "crime_extract": [
        "ho_offence_code", "attempt_flag", "record_status", "cancel_reason", "merged_into", "easting", "northing",
        "geocode_quality", "location_type", "committed_from_local", "committed_to_local", "flag_knife", "flag_firearm",
        "flag_alcohol", "flag_drugs", "flag_da", "flag_hate", "flag_csa", "flag_online", "flag_business",
    ],
    "asb_extract": ["nsir_category", "linked_crime_number", "duplicate_of", "easting", "northing", "geocode_quality",
                    "opened_ts_local", "partner_source"],
}  # fmt: skip
TABLE = {"crime_extract": "crimes", "asb_extract": "asb_incidents"}
TIME = {"crime_extract": "committed_from_local", "asb_extract": "opened_ts_local"}
MODELS = load_models(read_catalog(PROJECT_ROOT / "dbt_like_sql"))


def test_affected_weeks_are_those_of_old_and_new(
    told_whole: Telling, nights: dict[str, dict[str, Rows]]
) -> None:
    """By brute force: every record of every night beside itself the night before."""
    with told_whole.session() as session:
        listed = session.frame(
            "select distinct table_name, known_from_utc, week_start from history.affected_weeks"
        )
        week_of = {feed: weeks(session, feed) for feed in KEYS}
    wanted = set()
    for feed, states in nights.items():
        before: dict[str, dict[str, str]] = {}
        for n, (moment, rows) in enumerate(states.items()):
            now = {row[KEYS[feed]]: row for row in rows}
            for name, row in now.items() if n else ():
                old = before.get(name)
                if old is None or any(old[c] != row[c] for c in LOUD[feed] if c in row):
                    for state in (old, row):
                        if state and state.get("record_status", "live") == "live":
                            week = week_of[feed][name, state[TIME[feed]]]
                            wanted.add((TABLE[feed], utc(moment), week))
            before = now
    assert wanted
    assert {*listed.iter_rows()} == wanted


def weeks(session: Session, feed: str) -> dict[tuple[str, str], date]:
    """(number, time as delivered) -> police week, as the gate gives it."""
    table, number, time = TABLE[feed], KEYS[feed], TIME[feed]
    rows = session.frame(
        f"select distinct r.{number}, r.{time}, v.week_start from raw.{table} r "
        f"join validated.{table} v using (extract_id, source_file, line_no)"
    )
    return {(n, t): week for n, t, week in rows.iter_rows()}


def utc(moment: str) -> datetime:
    local = datetime.strptime(moment, "%Y%m%dT%H%M").replace(tzinfo=ZoneInfo("Europe/London"))
    return local.astimezone(UTC).replace(tzinfo=None)


def test_weeks_built_night_by_night_are_those_of_a_rebuild(
    tmp_path: Path, told_whole: Telling, ground: Path, nights: dict[str, dict[str, Rows]]
) -> None:
    """Nights in batches, each refreshing what it touched, against everything at once."""
    telling = Telling(tmp_path / "nights", ground, KEY)
    moments = sorted({moment for states in nights.values() for moment in states})
    answers: dict[datetime, str] = {}
    issued: dict[datetime, pl.DataFrame] = {}
    draw = random.Random(11)
    for start in range(0, len(moments), 6):
        for moment in moments[start : start + 6]:
            for feed, states in nights.items():
                if moment in states:
                    telling.deliver(feed, f"full_{moment}.csv", states[moment])
        telling.run()
        with telling.session() as session:
            for asked, print_then in answers.items():
                assert as_known(session, asked) == print_then, asked
            for asked, weekly_then in issued.items():
                asked_weeks = weekly_then["week_start"].unique().to_list()
                weekly = weekly_as_known(session, MODELS, asked_weeks, asked)
                assert in_order(weekly).equals(weekly_then), asked
            newest = session.value("select max(known_from_utc) from history.extracts")
            issued[newest] = in_order(session.frame("select * from hexes.crime_weekly"))
            sealed = session.value(
                "select min(m) from (select max(known_from_utc) as m from history.extracts group by feed)"
            )
            first = session.value("select min(known_from_utc) from history.extracts")
            for _ in range(10):
                asked = first + (sealed - first) * draw.random()
                answers[asked] = as_known(session, asked)
            ledger = session.frame("select * from history.count_ledger where live_after <> live_before + n_new + n_reinstated "
                                   "- n_cancelled - n_transferred - n_merged - n_non_crime - n_missing - n_withdrawn")  # fmt: skip
            assert ledger.is_empty()
    assert len(answers) >= 50
    assert len(set(answers.values())) > 20
    assert len({str(weekly.hash_rows().sum()) for weekly in issued.values()}) > 5
    for table in (
        "hexes.crime_weekly",
        "hexes.crime_daily",
        "hexes.crime_monthly",
        "hexes.cuts",
        "hexes.crime_weekly_cuts",
    ):
        with telling.session() as mine, told_whole.session() as other:
            left_out = " exclude (run_id, taken_at_utc)" if table == "hexes.cuts" else ""
            query = f"select *{left_out} from {table} order by all"
            assert mine.frame(query).equals(other.frame(query)), table
    with telling.session() as session:
        touched = session.frame(
            """
            select r.run_id, r.window_start, a.week_start is not null as is_in_ledger
            from hexes.refreshed_windows r
            left join (select distinct run_id, week_start from history.affected_weeks) a
                on a.run_id = r.run_id and a.week_start = r.window_start
            where r.table_name = 'hexes.crime_weekly' and r.is_changed
                and r.run_id not in (select run_id from history.extracts where is_first_load)
            """
        )
    assert touched.height > 5
    assert touched["is_in_ledger"].all()


def in_order(weekly: pl.DataFrame) -> pl.DataFrame:
    return weekly.select(sorted(weekly.columns)).sort(pl.all())


def as_known(session: Session, moment: datetime) -> str:
    """A print of what was known at a moment, of every column but the time of asking."""
    parts = []
    for name in ("crimes_current", "asb_current"):
        model = MODELS[f"history.{name}"]
        rows = session.frame(f"select * from ({model.sql}) order by all", {"known_at": moment})
        parts.append(hashlib.sha256(rows.write_csv().encode()).hexdigest())
    return "".join(parts)
