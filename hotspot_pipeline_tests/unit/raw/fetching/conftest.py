"""A server on the loopback interface that behaves like the archive's, well or badly, and its zips.

Faults are queued by path and used up one per request, so that a test states exactly what goes wrong
and when.
"""

from __future__ import annotations

import hashlib
import io
import random
import re
import socket
import struct
import threading
import zipfile
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO, Any, Literal

import pytest

FORCES = ("city-of-london", "leicestershire", "warwickshire")
HEADER = (
    "Crime ID,Month,Reported by,Falls within,Longitude,Latitude,Location,LSOA code,LSOA name,"
    "Crime type,Last outcome category,Context\r\n"
)


@dataclass
class Fault:
    """One bad answer. `after` is the number of body bytes sent before it happens."""

    kind: Literal["status", "drop", "reset", "stall", "headers"]
    status: int = 503
    after: int = 0
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Seen:
    """One request as it came in, and the body bytes that were sent for it."""

    path: str
    range: str | None
    status: int = 0
    n_sent: int = 0


class ArchiveServer:
    """Serves `files` by path; `ranges` says how far it honours the Range header."""

    def __init__(self) -> None:
        self.files: dict[str, bytes | Path] = {}
        self.redirects: dict[str, str] = {}
        self.ranges: Literal["all", "open-ended", "none"] = "all"
        self.etags: dict[str, str] = {}
        self.content_types: dict[str, str] = {}
        self.has_validators = True
        self.has_length = True
        self.faults: defaultdict[str, deque[Fault | None]] = defaultdict(deque)
        self.seen: list[Seen] = []
        self.stalled = threading.Event()
        self.released = threading.Event()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._http.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def n_bytes_sent(self) -> int:
        return sum(seen.n_sent for seen in self.seen)

    def publish(self, release: str, archive: bytes | Path, *, is_newest: bool = True) -> str:
        """Put a release where the public site has it: behind a redirect to a bucket."""
        bucket = f"/bucket/archive/{release}.zip"
        self.files[bucket] = archive
        self.redirects[f"/data/archive/{release}.zip"] = self.url + bucket
        if is_newest:
            self.redirects["/data/archive/latest.zip"] = self.url + bucket
        return bucket

    def wrap_tls(self, context: Any) -> None:
        self._http.socket = context.wrap_socket(self._http.socket, server_side=True)

    def close(self) -> None:
        self.released.set()
        self._http.shutdown()
        self._http.server_close()

    def _handler(server: ArchiveServer) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *args: Any) -> None:
                pass

            def do_GET(self) -> None:
                server.answer(self)

        return Handler

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        seen = Seen(request.path, request.headers.get("Range"))
        self.seen.append(seen)
        queue = self.faults[request.path]
        fault = queue.popleft() if queue else None
        if fault is not None and fault.kind == "status":
            seen.status = fault.status
            request.send_response(fault.status)
            for name, value in fault.headers.items():
                request.send_header(name, value)
            request.send_header("Content-Length", "0")
            request.end_headers()
        elif request.path in self.redirects:
            seen.status = 302
            request.send_response(302)
            request.send_header("Location", self.redirects[request.path])
            request.send_header("Content-Length", "0")
            request.end_headers()
        elif request.path in self.files:
            self._send_file(request, seen, fault)
        else:
            seen.status = 404
            request.send_error(404)

    def _send_file(self, request: BaseHTTPRequestHandler, seen: Seen, fault: Fault | None) -> None:
        content = self.files[request.path]
        with open_content(content) as source:
            n_all = source.seek(0, io.SEEK_END)
            start, stop, seen.status = 0, n_all, 200
            wanted = re.fullmatch(r"bytes=([0-9]+)-([0-9]*)", seen.range or "")
            is_honoured = self.ranges == "all" or (
                self.ranges == "open-ended" and wanted is not None and not wanted[2]
            )
            if wanted and is_honoured:
                start, seen.status = int(wanted[1]), 206
                stop = min(int(wanted[2]) + 1, n_all) if wanted[2] else n_all
            request.send_response(seen.status)
            if seen.status == 206:
                request.send_header("Content-Range", f"bytes {start}-{stop - 1}/{n_all}")
            kind = self.content_types.get(request.path, "application/zip")
            request.send_header("Content-Type", kind)
            if self.has_length:
                request.send_header("Content-Length", str(stop - start))
            if self.has_validators:
                default = f'"{n_all:x}-{request.path}"'
                request.send_header("ETag", self.etags.get(request.path, default))
            for name, value in (fault.headers if fault else {}).items():
                request.send_header(name, value)
            request.end_headers()
            if fault is not None and fault.kind in ("drop", "reset", "stall"):
                stop = min(stop, start + fault.after)
            source.seek(start)
            while start < stop and (block := source.read(min(65536, stop - start))):
                start += len(block)
                seen.n_sent += len(block)  # before it goes out: the test may look right after
                try:
                    request.wfile.write(block)
                except OSError:
                    return
        if fault is not None and fault.kind == "stall":
            request.wfile.flush()
            self.stalled.set()
            self.released.wait(60)
        if fault is not None and fault.kind == "reset":
            linger = struct.pack("ii", 1, 0)
            request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            request.connection.close()


def open_content(content: bytes | Path) -> IO[bytes]:
    return content.open("rb") if isinstance(content, Path) else io.BytesIO(content)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ArchiveServer]:
    """A server of one's own, and no proxy of the machine in between."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    started = ArchiveServer()
    yield started
    started.close()


@pytest.fixture
def fault() -> type[Fault]:
    return Fault


def street_csv(month: str, force: str, n_rows: int = 40) -> bytes:
    """A street file of made-up rows that compress about as badly as real ones."""
    rng = random.Random(f"{month} {force}")
    rows = [HEADER]
    for number in range(n_rows):
        crime_id = hashlib.sha256(f"{month}{force}{number}".encode()).hexdigest()
        lon, lat = rng.uniform(-2, -1), rng.uniform(52, 53)
        rows.append(
            f"{crime_id},{month},{force},{force},{lon:.6f},{lat:.6f},On or near,"
            f"E0{rng.randrange(10**7)},Town,Other theft,Under investigation,\r\n"
        )
    return "".join(rows).encode()


@pytest.fixture
def csv_of() -> Callable[..., bytes]:
    return street_csv


def months_up_to(release: str, n_months: int) -> list[str]:
    last = int(release[:4]) * 12 + int(release[5:]) - 1
    return [f"{n // 12:04d}-{n % 12 + 1:02d}" for n in range(last - n_months + 1, last + 1)]


@pytest.fixture
def make_archive() -> Callable[..., bytes]:
    """Build the zip of a release in the publisher's layout."""

    def build(
        release: str = "2026-07",
        *,
        n_months: int = 36,
        forces: tuple[str, ...] = FORCES,
        without: tuple[tuple[str, str], ...] = (),
        extra: dict[str, bytes] | None = None,
        folder: str = "",
        compression: int = zipfile.ZIP_DEFLATED,
        comment: bytes = b"",
    ) -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", compression) as archive:
            for month in months_up_to(release, n_months):
                for force in forces:
                    if (month, force) in without:
                        continue
                    stem = f"{folder}{month}/{month}-{force}"
                    archive.writestr(f"{stem}-street.csv", street_csv(month, force))
                    archive.writestr(f"{stem}-outcomes.csv", b"Crime ID\r\n")
            for name, content in (extra or {}).items():
                archive.writestr(name, content)
            archive.comment = comment
        return buffer.getvalue()

    return build
