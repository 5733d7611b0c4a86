"""The pictures of patrols as part of the published step: what they read, and what the UI shows of them."""

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from hotspot_pipeline.orchestration.tables import Workshop
from hotspot_pipeline.published.files import PublishedFile
from hotspot_pipeline.published.patrols import rows as patrol_rows
from hotspot_pipeline.published.preview import SMALL_WIDTH, preview_markdown
from hotspot_pipeline.warehouse.session import Session

READS = patrol_rows.TABLES
_N_LARGE = 3


def write(shop: Workshop, session: Session, footer: Mapping[str, str]) -> list[PublishedFile]:
    from hotspot_pipeline.published.patrols.files import write_patrol_sheets

    boundary = shop.boundary
    return write_patrol_sheets(
        shop.force.published / "patrols",
        patrol_rows.read_rows(session, shop.grid, shop.police_time),
        title=shop.force.name,
        footer=footer,
        boundary=boundary.polygon_bng if boundary else None,
        day_starts_hour=shop.force.day_starts_hour,
    )


def shown(files: Sequence[PublishedFile]) -> dict[str, Any]:
    """The overviews and the map large, each hotspot small."""
    if not files:
        return {"patrols": "none: no plan, no fixes"}
    large = {
        f.path.stem.replace("_", " "): dg.MetadataValue.md(preview_markdown(f.path))
        for f in files[:_N_LARGE]
    }
    small = [preview_markdown(f.path, width=SMALL_WIDTH) for f in files[_N_LARGE:]]
    return large | ({"each hotspot": dg.MetadataValue.md("\n\n".join(small))} if small else {})
