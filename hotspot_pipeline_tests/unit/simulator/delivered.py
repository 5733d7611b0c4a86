"""Reading what a demo delivered with nothing but the standard library, as a stranger would."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

RECORD_FEEDS = (
    "crime_extract",
    "asb_extract",
    "venues",
    "excluded_sites",
    "default_geocodes",
)
PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class DeliveredFile:
    feed: str
    name: str
    data: bytes

    @property
    def content(self) -> bytes:
        return gzip.decompress(self.data) if self.name.endswith(".gz") else self.data

    @property
    def is_csv(self) -> bool:
        return not self.content.startswith(PNG)

    @property
    def kind(self) -> str:
        return self.name.split("_")[1] if self.feed.endswith("extract") else "full"

    @property
    def taken_local(self) -> datetime:
        return datetime.fromisoformat(self.name.split(".")[0].split("_")[-1])

    def lines(self) -> Iterator[tuple[int, list[str]]]:
        """(line number with the header as 1, fields); no field of these feeds spans lines."""
        text = io.StringIO(self.content.decode("utf-8"), newline="")
        yield from enumerate(csv.reader(text, strict=True), start=1)

    def rows(self) -> Iterator[tuple[int, dict[str, str]]]:
        """(line number, row); surplus fields of a broken line are left off."""
        lines = self.lines()
        _, header = next(lines)
        for number, fields in lines:
            yield number, dict(zip(header, fields, strict=False))


def delivered_files(landing: Path, feed: str | None = None) -> list[DeliveredFile]:
    """In order of feed and time taken; all of RECORD_FEEDS where no feed is named."""
    files = [
        DeliveredFile(path.parent.name, path.name, path.read_bytes())
        for folder in (RECORD_FEEDS if feed is None else (feed,))
        for path in (landing / folder).iterdir()
    ]
    return sorted(files, key=lambda file: (file.feed, file.taken_local, file.name))
