"""A small copy of a picture for the asset's page in the UI.

The event log keeps every night's metadata for ever, so the copy is scaled down and compressed: tens of kilobytes,
not hundreds. The picture itself stays in the published folder.
"""

from __future__ import annotations

import base64
import io
from pathlib import Path

PREVIEW_WIDTH = 1200
SMALL_WIDTH = 640
WEBP_QUALITY = 60


def preview_markdown(path: Path, *, width: int = PREVIEW_WIDTH) -> str:
    """The picture at `path` as a Markdown image with its bytes inside."""
    from PIL import Image  # comes with matplotlib

    with Image.open(path) as full:
        height = round(full.height * width / full.width)
        small = full.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    small.save(buffer, "WEBP", quality=WEBP_QUALITY, method=4)
    return f"![{path.stem}](data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()})"
