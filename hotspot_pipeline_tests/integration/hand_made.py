"""A force whose deliveries a test writes by hand, so that every number can be counted on the fingers."""

from __future__ import annotations

import gzip
import json
import os
import time
from datetime import date
from pathlib import Path

import yaml
from click.testing import CliRunner

from hotspot_pipeline.cli.main import hotspots
from hotspot_pipeline.cli.running import run_force
from hotspot_pipeline.definitions import warehouse_of
from hotspot_pipeline.settings import Force, Settings, parse_force

HEADER = (
    "source_system,crime_number,ho_offence_code,committed_from_local,committed_to_local,reported_ts_local,"
    "recorded_ts_local,easting,northing,geocode_quality,location_type,flag_da,record_status,cancel_reason"
)
# a square of 20 km around Warwick in EPSG:4326, near enough
BOUNDARY = {
    "type": "Polygon",
    "coordinates": [
        [[-1.75, 52.15], [-1.35, 52.15], [-1.35, 52.45], [-1.75, 52.45], [-1.75, 52.15]]
    ],
}


def crime(
    number: str,
    day: str = "2026-06-10",
    *,
    code: str = "008/06",
    easting: int = 431950,
    northing: int = 265750,
    status: str = "live",
    location: str = "street",
    da: str = "N",
) -> str:
    stamp, reason = f"{day} 21:30:00", "C2" if status == "cancelled" else ""
    return f"sim,{number},{code},{stamp},,{day} 22:00:00,{day} 23:00:00,{easting},{northing},street,{location},{da},{status},{reason}"


class SmallForce:
    """A force in a temporary folder, with `deliver` and `run`."""

    def __init__(self, folder: Path) -> None:
        home = folder / "forces" / "small"
        home.mkdir(parents=True)
        (home / "boundary.geojson").write_text(json.dumps(BOUNDARY))
        document = {
            "force_id": "small",
            "boundary": "boundary.geojson",
            "feeds": {"crime_extract": {}},
            "partitions_start": date(2026, 6, 1),
            "hotspots": {"min_events": 1, "top_k": 3, "bootstrap_draws": 50},
        }
        (home / "force.yml").write_text(yaml.safe_dump(document))
        self.force: Force = parse_force(document, home)
        self.settings = Settings(data=folder, forces=(self.force,), memory_limit="1GB", threads=2)
        self.landing = self.force.landing("crime_extract")
        self.landing.mkdir(parents=True)

    def deliver(self, name: str, *rows: str, content: bytes | None = None) -> Path:
        path = self.landing / name
        data = content if content is not None else ("\n".join((HEADER, *rows)) + "\n").encode()
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") and content is None else data)
        old = time.time() - 3600
        os.utime(path, (old, old))
        return path

    def run(self) -> dict[str, object]:
        outcomes, summary = run_force(self.settings, self.force, quiet=True)
        assert all(o.success for o in outcomes), [o.failure for o in outcomes]
        changed = sorted({name for o in outcomes for name in o.changed})
        return {"changed": changed, **summary.document()}

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        with warehouse_of(self.settings, self.force).session(read_only=True) as session:
            return session.frame(sql).rows()


def command(*arguments: str) -> dict[str, object]:
    """What a command of `hotspots` answers with --json."""
    result = CliRunner().invoke(
        hotspots, [*arguments, "--json"], catch_exceptions=False, standalone_mode=False
    )
    return dict(json.loads(result.output)) if result.output.strip().startswith("{") else {}
