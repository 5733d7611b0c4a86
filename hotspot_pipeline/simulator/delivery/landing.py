"""Files on disk: names, bytes and the list of deliveries.

Belongs here: writing a landing folder and the truth beside it, the same bytes every time. Does not
belong here: what is in the files (`extracts`, `dirt`).
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import shapely

from hotspot_pipeline.simulator.delivery.dirt import Defect

LANDING, TRUTH, BOUNDARY = "landing", "truth", "boundary.geojson"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivered file. `n_rows`: data rows without header; `kind`: full, delta, unreadable."""

    feed: str
    file: str
    kind: str
    n_rows: int
    sha256: str


@dataclass(slots=True)
class DeliveryFolder:
    """Writes into `root`/landing/<feed>/ and keeps the list."""

    root: Path
    deliveries: list[Delivery] = field(default_factory=list)

    def write_text(self, feed: str, file: str, kind: str, text: str) -> bytes:
        """A CSV text, compressed where the name ends in .gz; returns the bytes written."""
        n_rows = max(text.count("\n") - 1, 0)
        data = text.encode("utf-8")
        return self.write_bytes(
            feed, file, kind, _gzipped(data) if file.endswith(".gz") else data, n_rows
        )

    def write_bytes(self, feed: str, file: str, kind: str, data: bytes, n_rows: int) -> bytes:
        write_file(self.root / LANDING / feed / file, data)
        self.deliveries.append(Delivery(feed, file, kind, n_rows, hashlib.sha256(data).hexdigest()))
        return data


def stamp(at: np.datetime64) -> str:
    """20260615T0200, as in file names."""
    return str(at.astype("datetime64[m]").item().strftime("%Y%m%dT%H%M"))


def csv_text(frame: pl.DataFrame) -> str:
    return frame.write_csv(line_terminator="\n", quote_style="necessary")


def write_truth(root: Path, frames: Mapping[str, pl.DataFrame], facts: Mapping[str, Any]) -> None:
    """`root`/truth: what the pipeline must never read."""
    for name, frame in frames.items():
        write_file(root / TRUTH / f"{name}.csv", csv_text(frame).encode())
    write_file(
        root / TRUTH / "demo.json", (json.dumps(facts, indent=1, sort_keys=True) + "\n").encode()
    )


def records_frame(
    records: list[Delivery] | list[Defect], schema: Mapping[str, Any]
) -> pl.DataFrame:
    return pl.DataFrame([asdict(record) for record in records], schema=dict(schema))


def write_boundary(
    root: Path, polygon_wgs84: shapely.Polygon, properties: Mapping[str, Any]
) -> Path:
    """GeoJSON (EPSG:4326), exterior ring anticlockwise, six decimals (10 cm)."""
    ring = shapely.get_coordinates(shapely.geometry.polygon.orient(polygon_wgs84).exterior)
    coordinates = [[round(float(x), 6), round(float(y), 6)] for x, y in ring]
    feature = {
        "type": "Feature",
        "properties": dict(properties),
        "geometry": {"type": "Polygon", "coordinates": [coordinates]},
    }
    path = root / BOUNDARY
    write_file(
        path, (json.dumps({"type": "FeatureCollection", "features": [feature]}) + "\n").encode()
    )
    return path


def write_file(path: Path, data: bytes) -> None:
    """Whole or not at all: a sensor that looks in between must not see half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(data)
    part.replace(path)


def _gzipped(data: bytes) -> bytes:
    buffer = io.BytesIO()
    # No file name and no time in the header: the same content is the same file.
    with gzip.GzipFile(filename="", mode="wb", fileobj=buffer, compresslevel=6, mtime=0) as archive:
        archive.write(data)
    return buffer.getvalue()
