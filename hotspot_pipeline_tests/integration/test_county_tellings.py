"""The county's three years told by full extracts, by deltas, and by both in a random order with repeats and late files: one history.

Every scripted shock is in it (moved records, audit, late nights, a cut-off file, other names of columns). Not full size, for a full extract
of every night grows with the square of the years: VOLUME of a county's events, and every THIRD night, with all nights around a shock.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

from hotspot_pipeline.simulator.delivery.extracts import RENAMED
from hotspot_pipeline.simulator.delivery.landing import stamp
from hotspot_pipeline.simulator.delivery.plan import Night
from hotspot_pipeline_tests.integration import change_list, county
from hotspot_pipeline_tests.integration.county import Ground
from hotspot_pipeline_tests.integration.figures import record
from hotspot_pipeline_tests.integration.tellings import KEYS, Telling, versions

pytestmark = pytest.mark.slow

VOLUME = min(0.03, county.VOLUME)
EVERY = 3
N_PARTS = 3


@dataclass(frozen=True)
class Extract:
    """A night's rows of a feed under its own names of columns; `fresh`: those that are new or other than in the extract before."""

    night: Night
    rows: pl.DataFrame
    fresh: pl.DataFrame

    def file(self, kind: str) -> tuple[str, pl.DataFrame]:
        rows = self.rows if kind == "full" else self.fresh
        names = {k: v for k, v in RENAMED.items() if k in rows.columns}
        name = f"{kind}_{stamp(self.night.at)}.csv"
        return name, rows.rename(names) if self.night.is_renamed else rows


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    profile = county.county(VOLUME, county.N_WEEKS)
    return county.make_ground(tmp_path_factory.mktemp("ground") / "force", profile, "full")


@pytest.fixture(scope="module")
def extracts(ground: Ground) -> dict[str, list[Extract]]:
    """Each record once a night, without those that the gate turns away or that some night holds in an unreadable line."""
    found: dict[str, list[Extract]] = {}
    for feed, key in KEYS.items():
        dirt = ground.truth("dirt").filter(feed=feed)
        wrong = (*change_list.REJECTED, change_list.REJECTED_IF_CLOSED, change_list.UNREADABLE)
        bad = dirt.filter(pl.col("kind").is_in(wrong))["key"].implode()
        found[feed] = []
        before: pl.DataFrame | None = None
        for night in ground.nights:
            if night.is_partial or not _is_told(ground, night):
                continue
            rows = (
                pl.read_csv(
                    ground.file(feed, "full", night), infer_schema=False, truncate_ragged_lines=True
                )
                .rename({v: k for k, v in RENAMED.items()}, strict=False)
                .filter(~pl.col(key).is_in(bad))
                .unique(key, keep="last", maintain_order=True)
            )
            is_same = {"on": rows.columns, "how": "anti", "nulls_equal": True}
            fresh = rows if before is None else rows.join(before, **is_same, maintain_order="left")
            found[feed].append(Extract(night, rows, fresh))
            before = rows
    return found


def _is_told(ground: Ground, night: Night) -> bool:
    n = night.number
    is_near = any(-1 <= n - day <= 8 for day in ground.profile.shocks.values())
    return is_near or n % EVERY == 0 or n == len(ground.nights) - 1


@pytest.fixture(scope="module")
def by_fulls(
    ground: Ground, extracts: dict[str, list[Extract]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Telling]:
    telling = Telling(tmp_path_factory.mktemp("fulls"), ground.out, ground.profile.start)
    for feed, nights in extracts.items():
        for extract in nights:
            telling.deliver(feed, *extract.file("full"))
    for night in ground.nights:
        if night.is_partial:
            for feed in KEYS:
                telling.land(feed, ground.file(feed, "full", night))
    telling.run()
    yield telling


def _nothing_was_turned_away(telling: Telling, n_held: int) -> None:
    with telling.session() as session:
        assert session.value("select count(*) from validated.rejects") == 0
        held = "select count(*) from validated.extract_counts where status = 'held'"
        assert session.value(held) == n_held


def test_deltas_give_the_versions_of_full_extracts(
    by_fulls: Telling, ground: Ground, extracts: dict[str, list[Extract]], tmp_path: Path
) -> None:
    telling = Telling(tmp_path / "deltas", ground.out, ground.profile.start)
    for feed, nights in extracts.items():
        for extract in nights:
            if extract.fresh.height:
                telling.deliver(feed, *extract.file("delta"))
    telling.run()
    _nothing_was_turned_away(by_fulls, n_held=len(KEYS))
    _nothing_was_turned_away(telling, n_held=0)
    _compare("deltas only", by_fulls, telling)


def test_shuffled_repeated_and_late_deliveries_give_the_versions_of_full_extracts(
    by_fulls: Telling, ground: Ground, extracts: dict[str, list[Extract]], tmp_path: Path
) -> None:
    telling = Telling(tmp_path / "shuffled", ground.out, ground.profile.start)
    files = [
        (feed, *extract.file(kind))
        for feed, nights in extracts.items()
        for n, extract in enumerate(nights)
        # every fourth night whole, the others as what changed: as a real force delivers
        if (kind := "full" if n % 4 == 0 else "delta") == "full" or extract.fresh.height
    ]
    random.Random(county.SEED).shuffle(files)
    for part in (files[k::N_PARTS] for k in range(N_PARTS)):
        for feed, name, rows in part:
            telling.deliver(feed, name, rows)
        for feed, name, rows in part[::5]:
            telling.deliver(feed, f"again/{name}", rows)
        telling.run()
    with telling.session() as session:
        n_repeated = session.value(
            "select count(*) from raw.extract_files where status = 'duplicate'"
        )
        n_late = session.value("select count(*) from history.extracts where is_late")
    assert n_repeated > 0
    assert n_late > 0
    _compare("shuffled, repeated, late", by_fulls, telling, repeated=n_repeated, late=n_late)


def _compare(name: str, by_fulls: Telling, other: Telling, **figures: int) -> None:
    with by_fulls.session() as mine, other.session() as theirs:
        wanted, found = versions(mine), versions(theirs)
        n_extracts = theirs.value("select count(*) from history.extracts")
    assert wanted.height > 0
    assert found.equals(wanted)
    record(
        "the county's versions against those of full extracts",
        telling=name,
        extracts=n_extracts,
        versions=wanted.height,
        that_differ=0,
        **figures,
    )
