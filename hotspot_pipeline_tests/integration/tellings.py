"""A force whose deliveries a test lays out as it likes, and what its history then says.

Here: the force, its runs, deliveries made from others, and the questions that several tests ask of a warehouse. Not here: what the
answers should be (`change_list.py` for the county, the tests themselves).
"""

from __future__ import annotations

import csv
import os
import shutil
from collections.abc import Mapping
from contextlib import nullcontext
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from unittest import mock
from zoneinfo import ZoneInfo

import dagster as dg
import polars as pl
import yaml

from hotspot_pipeline.cli import running
from hotspot_pipeline.definitions import warehouse_of
from hotspot_pipeline.settings import PROJECT_ROOT, Force, Settings
from hotspot_pipeline.sql_models.model import load_models
from hotspot_pipeline.warehouse.contract import read_catalog
from hotspot_pipeline.warehouse.session import Session

PLACES = ("excluded_sites", "default_geocodes", "venues")
KEYS = {"crime_extract": "crime_number", "asb_extract": "incident_ref"}
TABLE = {"crime_extract": "crimes", "asb_extract": "asb_incidents"}
TIME = {"crime_extract": "committed_from_local", "asb_extract": "opened_ts_local"}
# the columns that can move a count
LOUD = {
    "crime_extract": [
        "ho_offence_code", "attempt_flag", "record_status", "cancel_reason", "merged_into", "easting", "northing",
        "geocode_quality", "location_type", "committed_from_local", "committed_to_local", "flag_knife", "flag_firearm",
        "flag_alcohol", "flag_drugs", "flag_da", "flag_hate", "flag_csa", "flag_online", "flag_business",
    ],
    "asb_extract": ["nsir_category", "linked_crime_number", "duplicate_of", "easting", "northing", "geocode_quality",
                    "opened_ts_local", "partner_source"],
}  # fmt: skip
MODELS = load_models(read_catalog(PROJECT_ROOT / "dbt_like_sql"))
_KEY = b"0" * 32
_LONG_AGO_S = 1_750_000_000  # files that hold still need not be watched
Rows = list[dict[str, str]]


class Telling:
    """The simulated force in a folder of its own, with the ground's boundary and places and no records yet.

    Its pseudonyms are those of every other telling, so that records can be compared. Dagster's own log is kept in memory.
    """

    def __init__(self, folder: Path, ground: Path, start: date) -> None:
        self.folder = folder
        self._home = folder / "forces" / "fosseshire"
        self._home.mkdir(parents=True)
        shutil.copy(ground / "boundary.geojson", self._home)
        self._document: dict[str, Any] = {
            "force_id": "fosseshire",
            "name": "Fosseshire (fictional)",
            "boundary": {"file": "boundary.geojson"},
            "feeds": {feed: {} for feed in (*KEYS, *PLACES)},
            "partitions_start": start,
        }
        self._read()
        self.force.key_file.parent.mkdir(parents=True, exist_ok=True)
        self.force.key_file.write_bytes(_KEY)
        for feed in PLACES:
            shutil.copytree(ground / "landing" / feed, self.force.landing(feed))
        # its log lives as long as the telling: what was reported once is not reported in every run
        self._dagster = dg.DagsterInstance.ephemeral()

    def _read(self) -> None:
        text = yaml.safe_dump(self._document)
        (self._home / "force.yml").write_text(text, encoding="utf-8")
        self.settings = Settings.from_env(
            {"HOTSPOTS_DATA": str(self.folder), "HOTSPOTS_THREADS": "2"}
        )
        self.force: Force = self.settings.force("fosseshire")

    def take_lookup(self, path: Path) -> None:
        """From the next run on the force has its own offence lookup."""
        self._document["reference"] = {"ho_offence_lookup": str(path)}
        self._read()

    def deliver(self, feed: str, name: str, rows: Rows | pl.DataFrame) -> None:
        """Writes the rows as a CSV file into the landing folder."""
        path = self.force.landing(feed) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(rows, pl.DataFrame):
            rows.write_csv(path)
        else:
            with path.open("w", newline="", encoding="utf-8") as stream:
                writer = csv.DictWriter(stream, list(rows[0]))
                writer.writeheader()
                writer.writerows(rows)
        os.utime(path, (_LONG_AGO_S, _LONG_AGO_S))

    def land(self, feed: str, path: Path, name: str | None = None) -> None:
        """Puts a file as it is into the landing folder, under its own name or another."""
        landed = self.force.landing(feed) / (name or path.name)
        landed.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, landed)
        os.utime(landed, (_LONG_AGO_S, _LONG_AGO_S))

    def try_run(self) -> list[running.JobOutcome]:
        """One `hotspots run`, whatever comes of it."""
        with mock.patch.object(running, "instance", lambda _: nullcontext(self._dagster)):
            outcomes, _ = running.run_force(self.settings, self.force, quiet=True)
        return outcomes

    def run(self) -> None:
        outcomes = self.try_run()
        assert all(o.success for o in outcomes), [o.failure for o in outcomes]

    def session(self) -> Any:
        return warehouse_of(self.settings, self.force).session(read_only=True)


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


def unbalanced(session: Session) -> pl.DataFrame:
    """The moments at which the count ledger does not add up."""
    return session.frame(
        "select * from history.count_ledger where live_after <> live_before + n_new + n_reinstated "
        "- n_cancelled - n_transferred - n_merged - n_non_crime - n_missing - n_withdrawn"
    )


def as_known(session: Session, moment: datetime) -> tuple[Any, ...]:
    """A print of what was known at a moment: of both kinds of records how many, and the sum of their hashes over every column."""
    return tuple(
        session.frame(
            f"select count(*), sum(hash(known)) from ({MODELS[name].sql}) known",
            {"known_at": moment},
        ).row(0)
        for name in ("history.crimes_current", "history.asb_current")
    )


def in_order(weekly: pl.DataFrame) -> pl.DataFrame:
    return weekly.select(sorted(weekly.columns)).sort(pl.all())


def utc(moment: str) -> datetime:
    """Of a moment as in the names of files, which have the force's local time."""
    local = datetime.strptime(moment, "%Y%m%dT%H%M").replace(tzinfo=ZoneInfo("Europe/London"))
    return local.astimezone(UTC).replace(tzinfo=None)
