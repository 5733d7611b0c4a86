"""Pictures as metadata of an asset: what the UI shows of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import dagster as dg

from hotspot_pipeline.published.at_once import AtOnce
from hotspot_pipeline.published.files import PublishedFile
from hotspot_pipeline.published.preview import SMALL_WIDTH, preview_markdown


def large(files: Sequence[PublishedFile], at_once: AtOnce) -> dict[str, dg.MetadataValue]:
    """Each picture by its name in words."""
    shown = at_once([partial(preview_markdown, f.path) for f in files])
    return {
        f.path.stem.replace("_", " "): dg.MetadataValue.md(text)
        for f, text in zip(files, shown, strict=True)
    }


def small(files: Sequence[PublishedFile], at_once: AtOnce) -> dg.MetadataValue:
    """All pictures one below the other; the log keeps every night's."""
    shown = at_once([partial(preview_markdown, f.path, width=SMALL_WIDTH) for f in files])
    return dg.MetadataValue.md("\n\n".join(shown))
