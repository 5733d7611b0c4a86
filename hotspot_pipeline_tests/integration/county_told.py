"""The county told as it is delivered, run by run, and what is seen on the way: the fixture of the county's tests.

As delivered: a delta a night, a full extract a week, two nights late, files twice, one cut off, a week under other names of columns, a
new lookup that comes a week after its rules; in runs of one night to many. A held night is released, as a person would. The tests that
ask it go to one worker (conftest), so that it is told once. Not here: what ought to be seen (`change_list.py`, the tests).
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest import mock

from click.testing import CliRunner

from hotspot_pipeline.cli.main import hotspots
from hotspot_pipeline.history import guard
from hotspot_pipeline.warehouse.session import Session
from hotspot_pipeline_tests.integration import county
from hotspot_pipeline_tests.integration.change_list import Lives, Rules
from hotspot_pipeline_tests.integration.county import Ground, Run
from hotspot_pipeline_tests.integration.tellings import KEYS, Telling, as_known, unbalanced
from hotspot_pipeline_tests.integration.touched import Lookup, Touched, affected
from hotspot_pipeline_tests.unit.simulator.small_force import OFFENCE_LOOKUP

N_DATES = 50
N_NIGHTS_LATER = 200 * county.N_WEEKS // 157
# The simulator's batch of corrected places moves 10 to 17 % of what its night shows, less than the guard lets through. Here the guard is
# stricter, so that a night is held and released in the midst of the others.
MOVED_AT_MOST, MIN_MOVED = 0.08, 30


@dataclass
class Told:
    """The county as delivered, run by run, and what was seen on the way."""

    ground: Ground
    telling: Telling
    rules: Rules
    runs: list[Run] = field(default_factory=list)
    run_ids: dict[int, list[str]] = field(default_factory=dict)  # last night -> its runs
    held: dict[str, int] = field(default_factory=dict)  # extract -> last night of the run
    unbalanced: list[int] = field(default_factory=list)
    prints: dict[datetime, tuple[Any, ...]] = field(default_factory=dict)
    printed_after: int = -1
    other_prints: dict[int, list[datetime]] = field(default_factory=dict)  # last night -> dates
    seconds: float = 0.0

    @cached_property
    def lives(self) -> dict[str, Lives]:
        return {feed: Lives.of(self.ground, feed) for feed in KEYS}

    @cached_property
    def touched(self) -> dict[str, tuple[Touched, Touched]]:
        """Feed -> what `touched.affected` says of it."""
        return {feed: affected(self.lives[feed], self.rules, self.lookups) for feed in KEYS}

    @cached_property
    def lookups(self) -> tuple[Lookup, Lookup]:
        """Before and after the change of the rules."""
        return Lookup(OFFENCE_LOOKUP), Lookup(self.ground.new_lookup)


def tell(folder: Path) -> Told:
    with mock.patch.multiple(guard, MOVED_AT_MOST=MOVED_AT_MOST, MIN_MOVED=MIN_MOVED):
        return _tell(folder)


def _tell(folder: Path) -> Told:
    profile = county.county(county.VOLUME, county.N_WEEKS)
    ground = county.make_ground(folder / "ground", profile, "delta")
    telling = Telling(folder / "as_delivered", ground.out, profile.start)
    runs = list(ground.runs())
    rules = Rules(
        frozenset(ground.late_nights),
        late_after=next(r.last_night for r in runs if r.last_night > max(ground.late_nights)),
        new_lookup_from=next(
            before.last_night + 1
            for before, run in pairwise(runs)
            if run.has_new_lookup and not before.has_new_lookup
        ),
    )
    found = Told(ground, telling, rules, runs)
    started = time.monotonic()
    for before, run in pairwise([None, *runs]):
        assert run is not None
        if run.has_new_lookup and not (before and before.has_new_lookup):
            telling.take_lookup(ground.new_lookup)
        county.deliver(telling, run)
        _run(found, run)
    found.seconds = time.monotonic() - started
    return found


def _run(told: Told, run: Run) -> None:
    telling, last = told.telling, run.last_night
    outputs = _outputs(telling)
    outcomes = telling.try_run()
    told.run_ids[last] = [o.run_id for o in outcomes]
    with telling.session() as session:
        held = session.frame(
            "select extract_id from history.extracts where is_held and extract_id not in "
            "(select extract_id from raw.decisions) order by 1"
        )["extract_id"].to_list()
    if held:
        assert "publication_is_released" in outcomes[0].failure, outcomes[0].failure
        assert _outputs(telling) == outputs
        assert all(e in (telling.force.published / guard.BANNER).read_text() for e in held)
        told.held |= dict.fromkeys(held, last)
        for extract_id in held:
            _release(telling, extract_id)
        outcomes = telling.try_run()
        told.run_ids[last] += [o.run_id for o in outcomes]
        assert not (telling.force.published / guard.BANNER).exists()
        assert _outputs(telling) != outputs
    assert all(o.success for o in outcomes), (last, [o.failure for o in outcomes])
    with telling.session() as session:
        told.unbalanced += [last] * unbalanced(session).height
        _ask_as_known(told, session, last)


def _outputs(telling: Telling) -> dict[str, bytes]:
    """The published tables and layers; the banner stands beside them."""
    folder = telling.force.published
    return {
        str(p.relative_to(folder)): p.read_bytes()
        for p in sorted(folder.rglob("*.csv"))
        if p.is_file()
    }


def _release(telling: Telling, extract_id: str) -> None:
    arguments = ["release", extract_id, "--by", "an analyst", "--because", "the gazetteer was corrected", "--no-run"]  # fmt: skip
    result = CliRunner().invoke(hotspots, arguments, env={"HOTSPOTS_DATA": str(telling.folder)})
    assert result.exit_code == 0, result.output


def _ask_as_known(told: Told, session: Session, last: int) -> None:
    n_nights = len(told.ground.nights)
    if not told.prints and last >= n_nights * 2 // 5:
        draw = random.Random(county.SEED)
        first = county.utc_of(told.ground.nights[0])
        until = county.utc_of(told.ground.nights[last])
        dates = sorted(first + (until - first) * draw.random() for _ in range(N_DATES))
        told.prints = {moment: as_known(session, moment) for moment in dates}
        told.printed_after = last
    elif told.prints and (
        last == n_nights - 1
        or (not told.other_prints and last >= told.printed_after + N_NIGHTS_LATER)
    ):
        told.other_prints[last] = [
            m for m, was in told.prints.items() if as_known(session, m) != was
        ]


def moments(session: Session, told: Told, table: str) -> dict[datetime, float]:
    """known_from of every delivery of a table -> the moment as the list of changes counts it."""
    nights = {county.utc_of(n): float(n.number) for n in told.ground.nights}
    rows = session.frame(
        "select known_from_utc, date_trunc('second', known_from_utc), is_late from history.extracts where table_name = $t",
        {"t": table},
    )
    return {
        known: told.rules.late_after + 0.5 if is_late else nights[second]
        for known, second, is_late in rows.iter_rows()
    }
