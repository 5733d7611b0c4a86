"""Which areas cover a hotspot: shared ground by squares that can be counted."""

from __future__ import annotations

import polars as pl
import shapely

from hotspot_pipeline.published.evaluation.areas import areas_of


def square(x: float, size: float = 10.0) -> str:
    return str(shapely.box(x, 0, x + size, size).wkt)


def test_a_tenth_of_the_ground_or_the_same_name() -> None:
    hotspots = pl.DataFrame({"hotspot_id": ["H-a", "H-b", "H-c"], "polygon_wkt": [square(0), square(100), square(200)]})  # fmt: skip
    areas = pl.DataFrame(
        [
            ("P1", "Half", square(5)), ("P1", "Old name", square(2)), ("P2", None, square(9.5)), ("H-b", "Own", square(300)),
            ("P3", None, square(199, 50)),
        ],
        schema=["area_id", "name", "polygon_wkt"], orient="row",
    )  # fmt: skip
    found = areas_of(hotspots, areas, ["P1", "H-b", "H-c"])
    assert found.rows() == [
        ("H-a", "P1", "Half", 0.8),  # the larger of its drawings, by its newest name
        ("H-b", "H-b", "Own", 0.0),  # drawn elsewhere: said as it is
        ("H-c", "H-c", None, 1.0),  # patrolled by its own name, drawn by nobody
        ("H-c", "P3", None, 1.0),
    ]
    assert areas_of(hotspots, areas.clear(), []).is_empty()
