"""The dwell map: which cells are shaded, what is said of those that are not, what the outlines are called."""

from __future__ import annotations

from pathlib import Path

import polars as pl
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure

from hotspot_pipeline.published.patrols.dwell_map import dwell_map, labelled, map_lead
from hotspot_pipeline_tests.unit.published.asked_sheets import assert_texts_are_readable, words_of
from hotspot_pipeline_tests.unit.published.made_force import SmallForce

HOUR = 3_600_000


def cells_of(force: SmallForce) -> pl.DataFrame:
    """Twenty cells of one to twenty hours, one of half a minute, one of which nothing may be shown."""
    ids = force.cells["cell"].head(22)
    shown = [HOUR * k for k in range(1, 21)] + [30_000, 0]
    hidden = [0] * 20 + [0, 2 * HOUR]
    return pl.DataFrame({"cell": ids, "device_ms": shown, "hidden_ms": hidden})


def areas_of(force: SmallForce, **more: object) -> pl.DataFrame:
    areas = force.hotspots.select("hotspot_id", "hotspot_rank", "polygon_wkt")
    return areas.with_columns(**{k: pl.lit(v) for k, v in more.items()})


def test_what_is_hidden_is_in_no_shade(small_force: SmallForce, tmp_path: Path, caught: list[Figure]) -> None:  # fmt: skip
    dwell_map(
        tmp_path / "m.png", cells=cells_of(small_force), areas=areas_of(small_force), boundary=small_force.boundary, period="1 June 2026",
        title="Fosseshire", footer=small_force.footer,
    )  # fmt: skip
    (figure,) = caught
    assert_texts_are_readable(figure)
    (cells,) = [c for c in figure.axes[0].collections if isinstance(c, PolyCollection)]
    assert len(cells.get_paths()) == 20
    words = words_of(figure)
    assert "210 hours of devices on duty" in words and "2 hours (1 %)" in words
    assert "1 cell had no other" in words and "hotspot, with its rank" in words


def test_nothing_hidden_is_not_spoken_of() -> None:
    cells = pl.DataFrame({"cell": [1], "device_ms": [HOUR], "hidden_ms": [0]})
    assert map_lead(cells, "1 June") == "1 June: 1 hours of devices on duty, police premises left out."  # fmt: skip


def test_labels_fit_into_a_cell(small_force: SmallForce) -> None:
    ranked, words = labelled(areas_of(small_force))
    assert ranked["label"].to_list() == ["1", "2", "3"] and "rank" in words
    drawn = areas_of(small_force, hotspot_rank=None).with_columns(pl.col("hotspot_rank").cast(pl.Int64))  # fmt: skip
    named, words = labelled(drawn)
    assert named["label"].to_list() == named["hotspot_id"].to_list() and words == "patrol area"
    long = drawn.with_columns(hotspot_id=pl.format("Area {}", "hotspot_id"))
    numbered, words = labelled(pl.concat([long, long]))
    assert numbered["label"].to_list() == ["1", "2", "3"] and "numbered" in words


def test_without_cells_and_areas_it_says_so_and_stands(tmp_path: Path) -> None:
    nothing = pl.DataFrame(schema={"cell": pl.Int64, "device_ms": pl.Int64, "hidden_ms": pl.Int64})
    areas = pl.DataFrame(schema={"hotspot_id": pl.String, "hotspot_rank": pl.Int64, "polygon_wkt": pl.String})  # fmt: skip
    done = dwell_map(tmp_path / "m.png", cells=nothing, areas=areas, boundary=None, period="1 June", title="F", footer={})  # fmt: skip
    assert done.n_bytes == (tmp_path / "m.png").stat().st_size
