"""The pictures: what is drawn, that nothing covers anything, and that the bytes repeat.

What is on a sheet is asked of its figure, which is caught on its way into the file.
"""

from __future__ import annotations

import gzip
import itertools
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import shapely
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.figure import Figure
from PIL import Image

from hotspot_pipeline.geo.boundary import Boundary
from hotspot_pipeline.published import page
from hotspot_pipeline.published.files import PublishedFile
from hotspot_pipeline.published.pictures import concentration_plot, hotspot_map
from hotspot_pipeline_tests.unit.published.asked_sheets import (
    assert_texts_are_readable,
    texts_of,
    words_of,
)
from hotspot_pipeline_tests.unit.published.made_force import (
    DATA,
    FOOTER,
    WINDOW,
    SmallForce,
    filled,
    make_force,
)

Sheet = tuple[PublishedFile, Figure]
Draw = Callable[..., Sheet]
AREAS = DATA / "boundaries" / "force_areas_warwickshire_leicestershire_derived.geojson"
POLICE_UK = DATA / "police_uk" / "2025_release_2026-07"


@pytest.fixture
def caught(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    figures: list[Figure] = []
    save = page.save_png

    def catch(figure: Figure, path: Path) -> None:
        save(figure, path)
        figures.append(figure)

    monkeypatch.setattr(page, "save_png", catch)
    return figures


@pytest.fixture
def draw_map(tmp_path: Path, caught: list[Figure]) -> Draw:
    def draw(force: SmallForce, **changed: Any) -> Sheet:
        parts: dict[str, Any] = {
            "cells": force.cells,
            "hotspots": force.hotspots,
            "grid": force.grid,
            "boundary": force.boundary,
            "title": "Fosseshire Police",
            "footer": FOOTER,
        }
        return hotspot_map(tmp_path / "map.png", **(parts | changed)), caught[-1]

    return draw


@pytest.fixture
def draw_curve(tmp_path: Path, caught: list[Figure]) -> Draw:
    def draw(curve: pl.DataFrame, summary: pl.DataFrame) -> Sheet:
        path = tmp_path / "curve.png"
        done = concentration_plot(
            path, curve=curve, summary=summary, title="Fosseshire Police", footer=FOOTER
        )
        return done, caught[-1]

    return draw


# --- asking a sheet ------------------------------------------------------------------------------


def panels(figure: Figure) -> list[Any]:
    """The main map, then the zooms."""
    return [axes for axes in figure.axes if any(True for _ in axes.collections)]


def numbers_in(axes: Any) -> list[str]:
    (west, east), (south, north) = sorted(axes.get_xlim()), sorted(axes.get_ylim())
    found = []
    for text in axes.texts:
        x, y = text.get_position()
        if text.get_text().isdigit() and west < x < east and south < y < north:
            found.append(text.get_text())
    return found


def extent_of(axes: Any) -> Any:
    (west, east), (south, north) = axes.get_xlim(), axes.get_ylim()
    return shapely.box(west, south, east, north)


def outlines(axes: Any, *, dashed: bool) -> int:
    """How many black rings of the hotspots' weight are drawn in this style."""
    n = 0
    for lines in axes.collections:
        if isinstance(lines, LineCollection) and lines.get_zorder() == 4:
            (style, *_) = lines.get_linestyle()
            if (style[1] is not None) == dashed:
                n += len(lines.get_segments())
    return n


# --- the map -------------------------------------------------------------------------------------


def test_a_small_force_is_one_map_with_every_number_inside(
    small_force: SmallForce, draw_map: Draw
) -> None:
    done, figure = draw_map(small_force)
    (axes,) = panels(figure)
    assert (done.name, done.kind, done.n_rows) == ("map.png", "png", None)
    assert sorted(numbers_in(axes)) == ["1", "2", "3"]
    # hotspot 2 is borderline, hotspot 3 has two parts
    assert outlines(axes, dashed=True) == 1
    assert outlines(axes, dashed=False) == 3
    assert_texts_are_readable(figure)


def test_the_words_of_the_map(small_force: SmallForce, draw_map: Draw) -> None:
    _, figure = draw_map(small_force)
    words = words_of(figure)
    n_events = small_force.cells.get_column("n_events").sum()
    assert "Fosseshire Police: hotspots" in words
    assert "1 January to 31 December 2025" in words
    assert f"{n_events:,} counted events, 3 hotspots (1 signed off, 2 proposed; 1 bord" in words
    assert "grid north is up" in words
    for fact in ("Data to: 2025-12-31", "Records delivered: 1,310", "Licence: Zoë & Co © “free”"):
        assert fact in words


def test_each_cell_with_events_is_drawn_in_the_shade_of_its_class(
    small_force: SmallForce, draw_map: Draw
) -> None:
    _, figure = draw_map(small_force)
    (axes,) = panels(figure)
    (drawn,) = [c for c in axes.collections if isinstance(c, PolyCollection)]
    assert len(drawn.get_paths()) == small_force.busy.height
    (legend, _) = figure.legends
    keys = {patch.get_label(): patch.get_facecolor() for patch in legend.get_patches()}
    shades = {tuple(np.round(colour, 6)) for colour in drawn.get_facecolors()}
    assert shades == {tuple(np.round(colour, 6)) for colour in keys.values()}
    for text in legend.get_texts():
        span, n_cells = text.get_text().removesuffix(")").split("  (")
        low, *high = (int(end.replace(",", "")) for end in span.split("–"))
        within = small_force.busy.filter(pl.col("n_events").is_between(low, [low, *high][-1]))
        assert int(n_cells.split()[0]) == within.height


def test_a_wide_force_has_zooms_that_show_their_hotspots(
    wide_force: SmallForce, draw_map: Draw
) -> None:
    _, figure = draw_map(wide_force)
    main, *zooms = panels(figure)
    assert len(zooms) == 4
    assert all(numbers_in(axes) for axes in zooms)
    scales = {round(axes.bbox.width / extent_of(axes).area ** 0.5, 6) for axes in zooms}
    assert len(scales) == 1
    # each hotspot has its number somewhere, on the main map only where no zoom has it
    in_zooms = {number for axes in zooms for number in numbers_in(axes)}
    beside = set(numbers_in(main))
    assert in_zooms | beside == {str(rank) for rank in range(1, 15)}
    assert not in_zooms & beside
    letters = [text.get_text() for text in main.texts if text.get_text() in "ABCD"]
    assert sorted(letters) == ["A", "B", "C", "D"]
    assert_texts_are_readable(figure)


def test_cells_of_a_zoom_are_wide_enough_to_read(wide_force: SmallForce, draw_map: Draw) -> None:
    _, figure = draw_map(wide_force)
    _, *zooms = panels(figure)
    width_m = (wide_force.cells.get_column("area_m2").mean() * 2 / 3**0.5) ** 0.5
    for axes in zooms:
        mm = axes.bbox.width / page.DPI * 25.4
        (west, east) = axes.get_xlim()
        assert width_m * mm / (east - west) > 4


def test_the_whole_boundary_is_on_the_main_map(wide_force: SmallForce, draw_map: Draw) -> None:
    _, figure = draw_map(wide_force)
    extent = extent_of(panels(figure)[0])
    assert extent.contains(wide_force.boundary)
    for axes in panels(figure):
        box = axes.bbox
        (west, east), (south, north) = axes.get_xlim(), axes.get_ylim()
        assert box.width / (east - west) == pytest.approx(box.height / (north - south))


def test_a_scale_bar_is_as_long_as_it_says(small_force: SmallForce, draw_map: Draw) -> None:
    _, figure = draw_map(small_force)
    (axes,) = panels(figure)
    (text,) = [t.get_text() for t in axes.texts if t.get_text().endswith(("km", " m"))]
    length_m = float(text.split()[0]) * (1000 if text.endswith("km") else 1)
    bar = next(line for line in axes.lines if line.get_transform() == axes.transAxes)
    start, end = bar.get_xdata()
    (west, east) = axes.get_xlim()
    assert (end - start) * (east - west) == pytest.approx(length_m)


def test_cells_off_the_map_are_counted(small_force: SmallForce, draw_map: Draw) -> None:
    far = make_force(0, [[0]]).cells
    scotland = small_force.grid.index([-3.2], [55.95])
    stray = far.with_columns(
        cell=pl.Series(scotland), cell_id=pl.lit(f"{int(scotland[0]):x}"), n_events=pl.lit(4)
    ).cast(far.schema)
    for boundary in (small_force.boundary, None):
        _, figure = draw_map(
            small_force, cells=pl.concat([small_force.cells, stray]), boundary=boundary
        )
        off = next(t for t in texts_of(figure) if t.get_text().startswith("off the map"))
        n_cells, n_events = (int(word) for word in off.get_text().split() if word.isdigit())
        drawn = extent_of(panels(figure)[0])
        assert drawn.area < 1e9
        assert n_cells >= 1
        assert n_events >= 4
    _, figure = draw_map(small_force)
    assert "off the map" not in words_of(figure)


@pytest.mark.parametrize("n_hotspots", [1, 2, 3, 5, 40])
def test_any_number_of_hotspots_is_readable(
    wide_force: SmallForce, draw_map: Draw, n_hotspots: int
) -> None:
    places = np.random.default_rng(n_hotspots).choice(2_700, n_hotspots, replace=False).tolist()
    force = make_force(30, [[place] for place in places], seed=2)
    _, figure = draw_map(force)
    seen = {number for axes in panels(figure) for number in numbers_in(axes)}
    assert seen == {str(rank) for rank in range(1, n_hotspots + 1)}
    assert_texts_are_readable(figure)


def test_long_footers_and_titles_stay_on_the_page(small_force: SmallForce, draw_map: Draw) -> None:
    footer = {f"measure number {n}": "a long explanation of it " * (n % 5) for n in range(25)}
    _, figure = draw_map(small_force, footer=footer, title="The Constabulary of " + "Long " * 30)
    assert_texts_are_readable(figure)
    assert all(f"Measure number {n}:" in words_of(figure) for n in range(25))


def test_a_name_is_not_taken_for_mathematics(small_force: SmallForce, draw_map: Draw) -> None:
    # as mathematics this is an error
    name = "$\\frac$ & $x_1^2$"
    _, figure = draw_map(small_force, title=name, footer={"$cost": "5 $ a \\row"})
    assert f"{name}: hotspots" in words_of(figure)


def test_a_force_without_events(small_force: SmallForce, draw_map: Draw) -> None:
    quiet = small_force.cells.with_columns(n_events=pl.lit(0, pl.Int64), is_selected=False)
    none = {"hotspots": small_force.hotspots.clear()}
    for cells, boundary in itertools.product(
        (small_force.cells.clear(), quiet), (small_force.boundary, None)
    ):
        done, figure = draw_map(small_force, cells=cells, boundary=boundary, **none)
        assert "No counted events in the window." in [t.get_text() for t in texts_of(figure)]
        assert len(panels(figure)) == (boundary is not None)
        assert Image.open(done.path).size == (1870, 1323)
        assert_texts_are_readable(figure)


def test_events_without_hotspots(wide_force: SmallForce, draw_map: Draw) -> None:
    _, figure = draw_map(wide_force, hotspots=wide_force.hotspots.clear())
    assert len(panels(figure)) == 1
    assert "no hotspots" in words_of(figure)
    assert "borderline" not in words_of(figure)


def test_a_missing_column_is_named(small_force: SmallForce, draw_map: Draw) -> None:
    with pytest.raises(ValueError, match="hotspots: no column is_borderline"):
        draw_map(small_force, hotspots=small_force.hotspots.drop("is_borderline"))


# --- the curve -----------------------------------------------------------------------------------


def curve_of(counts: list[int]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The two tables, computed cell by cell."""
    order = sorted(counts, reverse=True)
    total, busy = sum(order), sum(count > 0 for count in order)
    running = list(itertools.accumulate(order, initial=0))
    curve = filled(
        "concentration_curve",
        [
            {
                "n_cells": n,
                "n_events": held,
                "share_cells": n / len(order),
                "share_populated_cells": min(n, busy) / busy if busy else None,
                "share_events": held / total if total else None,
            }
            for n, held in enumerate(running)
        ],
    )
    rows = []
    for name, n_cells in (("all_study_cells", len(order)), ("populated_cells", busy)):
        row: dict[str, Any] = {
            "denominator": name, "n_cells": n_cells, "n_events": total,
            "window_from": WINDOW[0], "window_to": WINDOW[1],
        }  # fmt: skip
        for percent in (25, 50) if total else ():
            needed = next(n for n, held in enumerate(running) if 100 * held >= percent * total)
            row |= {
                f"n_cells_for_{percent}pct": needed,
                f"share_cells_for_{percent}pct": needed / n_cells,
            }
        rows.append(row)
    return curve, filled("concentration", rows)


COUNTS = [40, 25, 12, 8, 6, 5, 2, 1, 1, *[0] * 91]


def test_the_curve_and_its_marks(draw_curve: Draw) -> None:
    curve, summary = curve_of(COUNTS)
    done, figure = draw_curve(curve, summary)
    assert (done.kind, done.n_rows) == ("png", None)
    for axes in figure.axes:
        lines = {line.get_label(): line for line in axes.lines}
        for label, column in (
            ("share of all study cells", "share_cells"),
            ("share of cells with an event", "share_populated_cells"),
        ):
            xs, ys = lines[label].get_data()
            np.testing.assert_array_equal(xs, curve.get_column(column).to_numpy())
            np.testing.assert_array_equal(ys, curve.get_column("share_events").to_numpy())
        marks = {
            (float(x), float(y))
            for line in axes.lines
            if line.get_marker() == "o"
            for x, y in zip(*line.get_data(), strict=True)
        }
        # 40 of 100 events in the first cell, 65 in the first two; of 100 cells and of 9
        assert marks == {(0.01, 0.4), (0.02, 0.65), (1 / 9, 0.4), (2 / 9, 0.65)}
    styles = {str(line.get_linestyle()) for line in figure.axes[0].lines[1:3]}
    assert len(styles) == 2
    assert_texts_are_readable(figure)


def test_the_words_of_the_curve(draw_curve: Draw) -> None:
    _, figure = draw_curve(*curve_of(COUNTS))
    words = words_of(figure)
    assert "Fosseshire Police: concentration of counted events" in words
    lead = (
        "1 January to 31 December 2025: half of 100 counted events in 2 cells: "
        "2.0 % of all study cells, 22.2 % of cells with an event."
    )
    assert lead in words
    assert "Data to: 2025-12-31" in words
    named = [t.get_text() for t in figure.axes[1].texts]
    assert sorted(named) == ["1.0 %", "11.1 %", "2.0 %", "22.2 %"]
    assert "2 (2.0 %)" in words
    assert "2 (22.2 %)" in words


@pytest.mark.parametrize(
    "counts", [[1], [1, 0], [3, 3, 3], [5, *[1] * 300, *[0] * 5000], [1] * 50, [900, 1]]
)
def test_any_curve_is_readable(draw_curve: Draw, counts: list[int]) -> None:
    _, figure = draw_curve(*curve_of(counts))
    assert_texts_are_readable(figure)


def test_no_events_no_curve(draw_curve: Draw) -> None:
    curve, summary = curve_of([0] * 20)
    for tables in ((curve, summary), (curve.clear(), summary.clear())):
        done, figure = draw_curve(*tables)
        assert figure.axes == []
        assert "No counted events in the window." in [t.get_text() for t in texts_of(figure)]
        assert Image.open(done.path).format == "PNG"


# --- bytes ---------------------------------------------------------------------------------------


def test_a_picture_is_a4_and_says_nothing_of_when_and_with_what(
    small_force: SmallForce, draw_map: Draw
) -> None:
    done, _ = draw_map(small_force)
    with Image.open(done.path) as image:
        width, height = image.size
        assert image.format == "PNG"
        assert width / height == pytest.approx(297 / 210, rel=2e-3)
        assert width >= 1800
        assert image.info.keys() <= {"dpi"}
        assert image.info["dpi"] == pytest.approx((160, 160), abs=0.1)
    raw = done.path.read_bytes()
    assert b"tEXt" not in raw
    assert b"tIME" not in raw
    assert done.n_bytes == len(raw) < 400_000


def test_the_same_tables_give_the_same_bytes(
    wide_force: SmallForce, draw_map: Draw, draw_curve: Draw
) -> None:
    first, _ = draw_map(wide_force)
    shuffled = wide_force.cells.sample(fraction=1, shuffle=True, seed=1)
    again, _ = draw_map(wide_force, cells=shuffled, hotspots=wide_force.hotspots.reverse())
    assert first.sha256 == again.sha256
    other, _ = draw_map(wide_force, title="Other")
    assert other.sha256 != first.sha256
    tables = curve_of(COUNTS)
    assert draw_curve(*tables)[0].sha256 == draw_curve(*tables)[0].sha256


@pytest.mark.usefixtures("no_network")
def test_no_network_is_needed(small_force: SmallForce, draw_map: Draw, draw_curve: Draw) -> None:
    draw_map(small_force)
    draw_curve(*curve_of(COUNTS))


def test_slow_libraries_are_not_imported_on_entry() -> None:
    code = (
        "import sys; from hotspot_pipeline.published import files, layers, pictures, tables; "
        "print([m for m in ('matplotlib', 'geopandas', 'pandas', 'pyogrio', 'pyarrow', 'pyproj', "
        "'dagster', 'duckdb') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# --- real data -----------------------------------------------------------------------------------


def test_the_real_county(draw_map: Draw, tmp_path: Path) -> None:
    """Every located row of Warwickshire 2025 by cell, the ten busiest cells as hotspots."""
    files = sorted(POLICE_UK.glob("2025-*-warwickshire-street.csv.gz"))
    if not files or not AREAS.exists():
        pytest.skip(f"public test data not found below {DATA}")
    months = [pl.read_csv(gzip.decompress(f.read_bytes()), infer_schema=False) for f in files]
    located = pl.concat(months).filter(pl.col("Longitude").is_not_null())
    force = make_force(1, [[0]])
    at = force.grid.index(
        *(located.get_column(c).cast(pl.Float64).to_numpy() for c in ("Longitude", "Latitude"))
    )
    counts = pl.DataFrame({"cell": at}).group_by("cell").len("n_events").sort("n_events", "cell")
    ids = counts.get_column("cell").to_numpy()
    cells = filled(
        "cell_scores",
        [
            {"cell": cell, "cell_id": f"{cell:x}", "n_events": n, "area_m2": float(area),
             "window_from": WINDOW[0], "window_to": WINDOW[1]}
            for (cell, n), area in zip(counts.rows(), force.grid.areas_m2(ids), strict=True)
        ],
    )  # fmt: skip
    tops = force.grid.polygons(ids[-10:][::-1])
    from hotspot_pipeline.geo.transform import to_bng_geometry

    hotspots = filled(
        "hotspots",
        [
            {"hotspot_id": f"H-{rank}", "hotspot_rank": rank, "status": "proposed", "n_cells": 1,
             "n_events": n, "polygon_wkt": to_bng_geometry(shape).wkt}
            for rank, (shape, n) in enumerate(
                zip(tops, counts.get_column("n_events").to_list()[::-1], strict=False), 1
            )
        ],
    )  # fmt: skip
    boundary = Boundary.read(AREAS, where={"force": "Warwickshire"}).polygon_bng
    _, figure = draw_map(
        force, cells=cells, hotspots=hotspots, boundary=boundary, title="Warwickshire"
    )
    assert "51,030 counted events, 10 hotspots" in words_of(figure)
    main, *zooms = panels(figure)
    assert 1 <= len(zooms) <= 4
    assert {n for axes in panels(figure) for n in numbers_in(axes)} == {
        str(rank) for rank in range(1, 11)
    }
    assert extent_of(main).contains(boundary)
    assert_texts_are_readable(figure)
