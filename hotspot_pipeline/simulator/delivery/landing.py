"""Files on disk: names, bytes, manifests and the list of deliveries.

Belongs here: writing a landing folder, its manifests and the truth beside it, the same bytes every time. Does not
belong here: what is in the files (`extracts`, `dirt`).

Manifests stand in a folder of their own: every CSV below a landing folder is taken for a delivery.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import polars as pl
import shapely

LANDING, TRUTH, MANIFESTS, BOUNDARY = "landing", "truth", "manifests", "boundary.geojson"
# Nearly as small as level 6 at a third of the time.
COMPRESS_LEVEL = 3
_N_WRITERS, _MOST_WAITING = 2, 4
DELIVERY_SCHEMA = {
    "feed": pl.String,
    "file": pl.String,
    "kind": pl.String,
    "n_rows": pl.Int64,
    "sha256": pl.String,
    "extract_ts_local": pl.String,
    "arrived_ts_local": pl.String,
}


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivered file. `n_rows`: data rows without header; `kind`: full, delta, unreadable; local moments of what it
    holds and of its coming."""

    feed: str
    file: str
    kind: str
    n_rows: int
    sha256: str
    extract_ts_local: str
    arrived_ts_local: str


@dataclass(frozen=True, slots=True)
class Parcel:
    """A file to be written, under each of its names with the moment it arrives there.

    `n_rows_stated`: what the manifest says; None where no manifest names the file, because it was sent by hand.
    """

    feed: str
    names: Sequence[tuple[str, np.datetime64]]
    kind: str
    content: str | bytes
    n_rows: int
    at: np.datetime64
    n_rows_stated: int | None


@dataclass(slots=True)
class DeliveryFolder:
    """Writes into `root`/landing/<feed>/ and `root`/manifests/<feed>/ and keeps the list of deliveries.

    Files are compressed and written beside the caller's work; leaving the `with` block waits for all of them and then
    writes the manifests.
    """

    root: Path
    deliveries: list[Delivery] = field(default_factory=list)
    _stated: dict[tuple[str, str], list[tuple[str, int, str]]] = field(default_factory=dict)
    _waiting: deque[tuple[Parcel, Future[str]]] = field(default_factory=deque)
    _writers: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(_N_WRITERS, thread_name_prefix="deliver")
    )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            while self._waiting and error is None:
                self._settle()
        finally:
            self._writers.shutdown(cancel_futures=True)
        if error is None:
            self._write_manifests()

    def send(self, parcel: Parcel) -> None:
        """Takes a file to be written; waits while too many are under way."""
        while len(self._waiting) >= _MOST_WAITING:
            self._settle()
        self._waiting.append((parcel, self._writers.submit(self._write, parcel)))

    def _write(self, parcel: Parcel) -> str:
        data = parcel.content.encode() if isinstance(parcel.content, str) else parcel.content
        if parcel.names[0][0].endswith(".gz"):
            data = _gzipped(data)
        for name, _ in parcel.names:
            write_file(self.root / LANDING / parcel.feed / name, data)
        return hashlib.sha256(data).hexdigest()

    def _settle(self) -> None:
        parcel, written = self._waiting.popleft()
        sha256 = written.result()
        for k, (name, arrives) in enumerate(parcel.names):
            arrived = str(arrives.astype("datetime64[s]")).replace("T", " ")
            taken = str(parcel.at.astype("datetime64[s]")).replace("T", " ")
            self.deliveries.append(
                Delivery(parcel.feed, name, parcel.kind, parcel.n_rows, sha256, taken, arrived)
            )
            # Only the first sending is the system's own.
            if k == 0 and parcel.n_rows_stated is not None:
                rows = self._stated.setdefault((parcel.feed, stamp(arrives)), [])
                rows.append((name, parcel.n_rows_stated, sha256))

    def _write_manifests(self) -> None:
        for (feed, arrived), rows in self._stated.items():
            lines = ["file,rows,sha256", *(f"{name},{n},{sha256}" for name, n, sha256 in rows)]
            path = self.root / MANIFESTS / feed / f"{feed}_manifest_{arrived}.csv"
            write_file(path, ("\n".join(lines) + "\n").encode())


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


def deliveries_frame(deliveries: Sequence[Delivery]) -> pl.DataFrame:
    return pl.DataFrame([asdict(delivery) for delivery in deliveries], schema=DELIVERY_SCHEMA)


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
    with gzip.GzipFile(
        filename="", mode="wb", fileobj=buffer, compresslevel=COMPRESS_LEVEL, mtime=0
    ) as archive:
        archive.write(data)
    return buffer.getvalue()
