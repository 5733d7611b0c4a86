"""A small delivery, and reading it as a stranger would: with the standard library, file by file."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl

from hotspot_pipeline.simulator.delivery.extracts import RENAMED
from hotspot_pipeline.simulator.delivery.plan import DeliveryPlan
from hotspot_pipeline.simulator.delivery.records import RecordsTruth, deliver
from hotspot_pipeline.simulator.streams import Streams
from hotspot_pipeline_tests.unit.simulator.made_records import MadeForce, made_force

START = datetime.fromisoformat("2026-03-02T06:00")  # a Monday; the clocks go forward on day 27
N_DAYS, FIRST_NIGHT = 63, 20
SHOCKS = {
    "lookup_change": 25,
    "batch_regeocode": 30,
    "audit_adds": 33,
    "missing_nights": 38,
    "partial_full": 43,
    "renamed_columns": 50,
    "recording_rule": 45,
}
KEYS = {"crime_extract": "crime_number", "asb_extract": "incident_ref"}
Rows = dict[str, dict[str, str]]
_FIRST_NAMES = {new: old for old, new in RENAMED.items()}


@dataclass(frozen=True)
class Sent:
    """One delivery and what it was made of."""

    out: Path
    plan: DeliveryPlan
    force: MadeForce
    truth: RecordsTruth

    def names(self, feed: str, kind: str) -> list[str]:
        """Names of the files of the nightly job, in order of the night they are of."""
        found = self.truth.deliveries.filter((pl.col("feed") == feed) & (pl.col("kind") == kind))
        return sorted(name for name in found["file"] if name.split(".")[0].endswith("T0200"))

    def file(self, feed: str, name: str) -> bytes:
        data = (self.out / "landing" / feed / name).read_bytes()
        return gzip.decompress(data) if name.endswith(".gz") else data

    def header(self, feed: str, name: str) -> list[str]:
        return self.file(feed, name).split(b"\n", 1)[0].decode().split(",")

    def rows(self, feed: str, name: str) -> Rows:
        """Key -> row under the usual column names; a line repeated by mistake is passed over."""
        reader = csv.reader(io.StringIO(self.file(feed, name).decode(), newline=""))
        header = [_FIRST_NAMES.get(column, column) for column in next(reader)]
        rows: Rows = {}
        for values in reader:
            row = dict(zip(header, values, strict=False))
            if row.get("offence_desc") != "Duplicate line, as exported":
                rows[row[KEYS[feed]]] = row
        return rows

    def nights(self) -> Iterator[str]:
        """Stamps of the nights, as in file names."""
        for night in self.plan.nights():
            yield night.at.item().strftime("%Y%m%dT%H%M")

    def wrong_keys(self) -> set[str]:
        """Keys of the records with an error in the source system."""
        usual = ("no_location", "at_default_geocode", "at_excluded_site", "date_only_window")
        lines = self.truth.defects.filter(pl.col("line").is_not_null())
        return set(lines.filter(~pl.col("kind").is_in(usual))["key"])


def plan_of(nightly: str, shocks: Mapping[str, int]) -> DeliveryPlan:
    return DeliveryPlan(START, N_DAYS, FIRST_NIGHT, 0.1, nightly, True, dict(shocks))  # type: ignore[arg-type]


def send(out: Path, lookup: Path, nightly: str, shocks: Mapping[str, int], seed: int) -> Sent:
    force = made_force(seed, START, N_DAYS, 2400, 700)
    plan = plan_of(nightly, shocks)
    truth = deliver(
        Streams(seed), plan, out, force.crimes, force.asb, force.county, force.premises,
        offence_lookup=lookup,
    )  # fmt: skip
    return Sent(out, plan, force, truth)
