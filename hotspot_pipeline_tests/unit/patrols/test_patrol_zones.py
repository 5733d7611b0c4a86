"""Areas of a day and the rings around them."""

from __future__ import annotations

from datetime import date
from math import pi

import numpy as np
import polars as pl
import pytest
import shapely

from hotspot_pipeline.geo.grid import GridSpec, make_grid
from hotspot_pipeline.geo.outlines import polygons_bng
from hotspot_pipeline.patrols.patrol_zones import day_zones, valid_on


def square(x: float, y: float, side: float = 200) -> str:
    return shapely.to_wkt(shapely.box(x, y, x + side, y + side))


def places(**outlines: str) -> pl.DataFrame:
    return pl.DataFrame({"hotspot_id": list(outlines), "polygon_wkt": list(outlines.values())})


def test_rings_are_as_wide_as_they_say() -> None:
    found = day_zones(places(A=square(430_000, 265_000)))
    rows = {r["zone_id"]: r for r in found.table.iter_rows(named=True)}
    assert list(rows) == ["A", "A: 0-100 m around", "A: 100-300 m around"]
    assert found.zones.zone_id == tuple(sorted(rows))
    area = [rows[z]["area_m2"] for z in rows]
    assert area[0] == pytest.approx(40_000)
    # four strips and a circle of the corners
    assert area[1] == pytest.approx(4 * 200 * 100 + pi * 100**2, rel=0.005)
    assert area[2] == pytest.approx(4 * 200 * 200 + pi * (300**2 - 100**2), rel=0.005)


def test_what_lies_in_another_area_belongs_to_it() -> None:
    alone = day_zones(places(A=square(430_000, 265_000))).table
    found = day_zones(places(A=square(430_000, 265_000), B=square(430_200, 265_000))).table
    near = "A: 0-100 m around"
    size = {r[0]: r[1] for r in found.select("zone_id", "area_m2").iter_rows()}
    whole = {r[0]: r[1] for r in alone.select("zone_id", "area_m2").iter_rows()}
    assert size["A"] == whole["A"]
    assert size[near] == pytest.approx(whole[near] - 100 * 200, rel=1e-6)


def test_cells_of_one_area_and_of_neighbours_make_zones() -> None:
    """Outlines of cells meet to a tenth of a millimetre only: what is left between them is nobody's ring."""
    grid = make_grid(GridSpec(resolution=9))
    lon, lat = np.meshgrid(np.linspace(-1.55, -1.52, 7), np.linspace(52.28, 52.30, 7))
    cells = np.unique(grid.index(lon.ravel(), lat.ravel()))
    names = [f"H{n // 3}" for n in range(len(cells))]
    wkt = [shapely.to_wkt(o) for o in polygons_bng(grid, cells)]
    found = day_zones(pl.DataFrame({"hotspot_id": names, "polygon_wkt": wkt}))
    assert found.table.filter(zone_kind="hotspot").height == len(set(names))
    assert set(found.zones.zone_id) == set(found.table["zone_id"])


def test_without_areas_there_are_no_zones() -> None:
    none = day_zones(pl.DataFrame(schema={"hotspot_id": pl.String, "polygon_wkt": pl.String}))
    assert (len(none.zones), none.table.height) == (0, 0)


def test_case_27_outlines_hold_from_day_to_day() -> None:
    drawn = pl.DataFrame(
        {"hotspot_id": ["A", "A", "B"], "polygon_wkt": ["old", "new", "b"],
         "valid_from": [date(2026, 1, 1), date(2026, 6, 1), None], "valid_to": [date(2026, 5, 31), None, date(2026, 7, 1)]}
    )  # fmt: skip
    on = {d: valid_on(drawn, d)["polygon_wkt"].to_list() for d in (date(2026, 5, 31), date(2026, 6, 1), date(2026, 7, 2))}  # fmt: skip
    assert list(on.values()) == [["old", "b"], ["new", "b"], ["new"]]
