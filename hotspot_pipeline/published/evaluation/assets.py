"""The pictures of the evaluation as part of the published step: what they read, and what the UI shows of them."""

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from hotspot_pipeline.orchestration.tables import Workshop
from hotspot_pipeline.published.evaluation import rows as week_rows
from hotspot_pipeline.published.files import PublishedFile
from hotspot_pipeline.published.preview import SMALL_WIDTH, preview_markdown
from hotspot_pipeline.warehouse.session import Session

READS = week_rows.TABLES
_OF_A_HOTSPOT = "weeks_of_"


def write(shop: Workshop, session: Session, footer: Mapping[str, str]) -> list[PublishedFile]:
    from hotspot_pipeline.published.evaluation.files import write_evaluation

    return write_evaluation(
        shop.force.published / "evaluation",
        week_rows.read_weeks(session),
        title=shop.force.name,
        footer=footer,
    )


def shown(files: Sequence[PublishedFile]) -> dict[str, Any]:
    """The overviews large, each hotspot small."""
    pictures = [f for f in files if f.kind == "png"]
    if not pictures:
        return {"evaluation": "none: no police week is closed"}
    large = {
        f.path.stem.replace("_", " "): dg.MetadataValue.md(preview_markdown(f.path))
        for f in pictures
        if not f.name.startswith(_OF_A_HOTSPOT)
    }
    small = [preview_markdown(f.path, width=SMALL_WIDTH) for f in pictures if f.name.startswith(_OF_A_HOTSPOT)]  # fmt: skip
    return large | ({"each hotspot": dg.MetadataValue.md("\n\n".join(small))} if small else {})
