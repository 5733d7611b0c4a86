"""Small models on small tables, written into a folder of their own and loaded as the real ones are."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from hotspot_pipeline.sql_models.model import SqlModel, load_models
from hotspot_pipeline.warehouse.contract import read_catalog

Load = Callable[..., SqlModel]
RAW = """
description: Events. One row per id.
owner: team:analysts
grain: [id]
columns:
  id: {type: BIGINT, required: true}
  cell: {type: BIGINT}
  day: {type: DATE}
  harm: {type: DOUBLE}
  days: {type: "DECIMAL(12,2)"}
  known_utc: {type: TIMESTAMP}
  name: {type: VARCHAR}
"""
PLACES = """
description: Places. One row per cell.
owner: team:analysts
grain: [cell]
columns:
  cell: {type: BIGINT, required: true}
  name: {type: VARCHAR}
  area: {type: DOUBLE}
"""


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """The model `hexes.model` with these columns; `raw.events` and `raw.places` are there to read from."""

    def load_it(
        sql: str,
        columns: str = "{id: {type: BIGINT}}",
        *,
        more: str = "",
        audits: Mapping[str, str] | None = None,
    ) -> SqlModel:
        files = {"raw/events.yml": RAW, "raw/places.yml": PLACES}
        listed = "".join(f"\n  - {{name: {name}}}" for name in audits or {})
        files["hexes/model.yml"] = (
            f"description: A model. One row per id.\nowner: team:analysts\ncolumns: {columns}\n"
            + textwrap.dedent(more)
            + (f"audits:{listed}\n" if listed else "")
        )
        files["hexes/model.sql"] = sql
        files |= {f"audits/{name}.sql": text for name, text in (audits or {}).items()}
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return load_models(read_catalog(tmp_path))["hexes.model"]

    return load_it
