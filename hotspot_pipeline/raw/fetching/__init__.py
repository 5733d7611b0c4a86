"""Fetching public crime data over the network into the landing folder.

Belongs here: downloading. Not here: reading what has landed (elsewhere in `raw`), the command line
and its progress bar (`hotspot_pipeline.cli`). Nothing else in the pipeline opens a connection.
"""

from __future__ import annotations

from hotspot_pipeline.raw.fetching.errors import FetchError
from hotspot_pipeline.raw.fetching.police_uk import fetch_police_uk
from hotspot_pipeline.raw.fetching.progress import ProgressCallback
from hotspot_pipeline.raw.fetching.report import (
    ATTRIBUTION,
    FetchedFile,
    FetchReport,
    MonthCoverage,
)
from hotspot_pipeline.raw.fetching.request import DEFAULT_BASE_URL

__all__ = [
    "ATTRIBUTION",
    "DEFAULT_BASE_URL",
    "FetchError",
    "FetchReport",
    "FetchedFile",
    "MonthCoverage",
    "ProgressCallback",
    "fetch_police_uk",
]
