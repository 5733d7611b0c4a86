"""Reading delivered files: CSV, Parquet and XLSX, packed or not, as text with line numbers.

Belongs here: from a path to tables of text, every record counted out as read or bad. Not here:
taking files from the landing folder and archiving them (`raw`), what a feed's columns mean
(`feeds`), typing and rejecting values (`validated`).
"""

from __future__ import annotations

from hotspot_pipeline.raw.reading.pieces import read_pieces
from hotspot_pipeline.raw.reading.read import read_file
from hotspot_pipeline.raw.reading.tables import (
    LINE_COLUMN,
    ReadLimits,
    SourceTable,
    UnreadableFile,
)

__all__ = [
    "LINE_COLUMN",
    "ReadLimits",
    "SourceTable",
    "UnreadableFile",
    "read_file",
    "read_pieces",
]
