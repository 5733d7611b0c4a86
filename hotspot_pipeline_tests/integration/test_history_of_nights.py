"""The same nights told in three ways give one history, and what was answered stays answered.

The nightly full extracts of the simulator are the ground: from them the test makes deltas (what is new or other than the night before),
and a third telling: both kinds mixed, in a random order, with repeats, over several runs. Truth is computed from the files alone, record by record.
"""

from __future__ import annotations

import csv
import gzip
import random
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from hotspot_pipeline.hexes.as_known import weekly_as_known
from hotspot_pipeline.simulator import PROFILES, Options, simulate
from hotspot_pipeline.warehouse.session import Session
from hotspot_pipeline_tests.integration.tellings import (
    KEYS,
    LOUD,
    MODELS,
    TABLE,
    TIME,
    Rows,
    Telling,
    as_known,
    deltas,
    in_order,
    unbalanced,
    utc,
    versions,
)
from hotspot_pipeline_tests.unit.simulator.small_force import OFFENCE_LOOKUP

pytestmark = pytest.mark.slow


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
    probe = Telling(tmp_path_factory.mktemp("probe"), ground, PROFILES["tiny"].start)
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


@pytest.fixture(scope="module")
def told_whole(
    tmp_path_factory: pytest.TempPathFactory, ground: Path, nights: dict[str, dict[str, Rows]]
) -> Iterator[Telling]:
    telling = Telling(tmp_path_factory.mktemp("whole"), ground, PROFILES["tiny"].start)
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
    by_deltas = Telling(tmp_path / "deltas", ground, PROFILES["tiny"].start)
    for feed, states in nights.items():
        for moment, rows in deltas(states, KEYS[feed]).items():
            by_deltas.deliver(feed, f"delta_{moment}.csv", rows)
    by_deltas.run()
    with by_deltas.session() as session:
        assert versions(session).equals(wanted)

    shuffled = Telling(tmp_path / "shuffled", ground, PROFILES["tiny"].start)
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


def test_weeks_built_night_by_night_are_those_of_a_rebuild(
    tmp_path: Path, told_whole: Telling, ground: Path, nights: dict[str, dict[str, Rows]]
) -> None:
    """Nights in batches, each refreshing what it touched, against everything at once."""
    telling = Telling(tmp_path / "nights", ground, PROFILES["tiny"].start)
    moments = sorted({moment for states in nights.values() for moment in states})
    answers: dict[datetime, tuple[Any, ...]] = {}
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
            assert unbalanced(session).is_empty()
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
