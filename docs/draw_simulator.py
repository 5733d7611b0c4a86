"""Draws the pictures of docs/simulator.md: `python docs/draw_simulator.py` (part of `make docs`).

Everything in them is generated here from the county profile, seed 1; colours are told apart in black and white too.
"""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path

import matplotlib as mpl
import numpy as np
import polars as pl
import shapely

mpl.use("agg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from PIL import Image

from hotspot_pipeline.geo.transform import to_bng
from hotspot_pipeline.simulator import MODES, PROFILES, Options, Streams
from hotspot_pipeline.simulator.counts import count_events
from hotspot_pipeline.simulator.force.county import County
from hotspot_pipeline.simulator.force.streets import ARTERIAL, LANE
from hotspot_pipeline.simulator.ground import Ground, make_ground
from hotspot_pipeline.simulator.trial.places import Zones
from hotspot_pipeline.simulator.trial.programme import Programme, run_programme

FOLDER = Path(__file__).resolve().parent / "img"
PROFILE, SEED = PROFILES["county"], 1
INK, PALE, TREAT, CONTROL = "#222222", "#d9d4c7", "#a3123a", "#1f5fa8"
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def trial(ground: Ground, **options: str) -> Programme:
    return run_programme(
        Streams(SEED), PROFILE, ground.county, ground.premises, ground.world, Options(**options), only_deterrable=True  # type: ignore[arg-type]
    )  # fmt: skip


def draw_county(ground: Ground, found: Programme) -> None:
    county = ground.county
    figure, (whole, part) = plt.subplots(1, 2, figsize=(12, 6.4), layout="constrained")
    outline = np.array(county.outline_bng.exterior.coords)
    busiest = county.towns[0]
    reach = 3200
    built = county.is_built_up
    whole.scatter(county.easting[built], county.northing[built], s=4, marker="h", color=PALE, lw=0)
    near = built & (
        np.hypot(county.easting - busiest.easting, county.northing - busiest.northing) < 1.6 * reach
    )
    part.add_collection(
        PolyCollection(_hexagons(county, near), facecolor=PALE, edgecolor="white", lw=0.5)
    )
    for axis in (whole, part):
        axis.plot(*outline.T, color=INK, lw=1)
        _lines(axis, county)
        axis.set_aspect("equal")
        axis.axis("off")
    for town in county.towns:
        whole.annotate(f"{town.name} {town.population:,.0f}", (town.easting, town.northing + town.radius_m + 700), fontsize=8,
                       ha="center", color=INK, zorder=5, bbox={"facecolor": "white", "alpha": 0.8, "lw": 0, "pad": 1})  # fmt: skip
    venues = ground.premises.venues.select("easting", "northing").cast(pl.Float64).to_numpy()
    part.scatter(*venues.T, s=14, marker="^", color=INK, label="licensed venue", zorder=3)
    polygons = [np.array(p.exterior.coords) for p in Zones(found.places).polygons]
    for arm, colour, style in (("treat", TREAT, "solid"), ("control", CONTROL, "dashed")):
        mine = [polygons[k] for k in np.flatnonzero((found.places["arm"] == arm).to_numpy())]
        label = {"treat": "patrolled place", "control": "control place"}[arm]
        part.add_collection(
            PolyCollection(
                mine,
                facecolor="none",
                edgecolor=colour,
                lw=2,
                linestyle=style,
                label=label,
                zorder=4,
            )
        )
        centre = np.array([p.mean(axis=0) for p in mine])
        whole.scatter(
            *centre.T,
            s=16,
            color=colour,
            marker="o" if arm == "treat" else "x",
            label=label,
            zorder=4,
        )
    part.set_xlim(busiest.easting - reach, busiest.easting + reach)
    part.set_ylim(busiest.northing - reach, busiest.northing + reach)
    part.set_title(f"{busiest.name}, 6.4 km across", loc="left", fontsize=11)
    whole.set_title(
        f"Fosseshire: {PROFILE.area_km2:,.0f} km², {county.population.sum():,.0f} people",
        loc="left",
        fontsize=11,
    )
    part.legend(loc="lower right", fontsize=8, framealpha=0.9)
    _save(figure, "simulator_county")


def _hexagons(county: County, which: np.ndarray) -> list[np.ndarray]:
    rings = [shapely.get_coordinates(p) for p in county.grid.polygons(county.cells[which])]
    return [np.column_stack(to_bng(*ring.T)) for ring in rings]


def _lines(axis: Axes, county: County) -> None:
    streets = county.streets
    ends = np.stack([streets.easting, streets.northing], axis=1)
    segments = ends[np.stack([streets.start, streets.end], axis=1)]
    for kind, width in ((LANE, 0.5), (ARTERIAL, 1.0)):
        axis.add_collection(
            LineCollection(list(segments[streets.kind == kind]), color="#8a8578", lw=width)
        )


def draw_week(ground: Ground, found: Programme) -> None:
    """Events without patrols and patrols, by hour of the week; what a visit does; what one seed shows of it."""
    figure, axes = plt.subplots(2, 2, figsize=(12, 7), layout="constrained")
    (events_axis, visits_axis), (effect_axis, twin_axis) = axes
    _heat(
        events_axis,
        found.deterrable.fate["at_local"],
        "Events that patrols can prevent, without patrols",
    )
    _heat(visits_axis, found.visits["start_local"], "Visits to the 18 patrolled places")
    hours = np.linspace(0, 80, 400)
    styles = {"base": "-", "strong": "--", "beds": ":", "reversed": "-."}
    for name, style in styles.items():
        mode = MODES[name]  # type: ignore[index]
        if mode.half_life_h is None:
            share = np.where(hours < 9, mode.delta, 0.0)
        else:
            share = np.where(
                hours < mode.cut_h, mode.delta * 0.5 ** (hours / mode.half_life_h), 0.0
            )
        effect_axis.plot(hours, 100 * share, style, color=INK, label=name)
    effect_axis.axhline(0, color=INK, lw=0.5)
    effect_axis.set(
        xlabel="hours since a full visit ended (here at 21:00)", ylabel="events prevented, %"
    )
    effect_axis.set_title("What one visit does, by mode", loc="left", fontsize=11)
    effect_axis.legend(frameon=False)
    _twins(twin_axis, ground)
    _save(figure, "simulator_week_and_effect")


def _heat(axis: Axes, at: pl.Series, title: str) -> None:
    grid = np.zeros((7, 24))
    np.add.at(grid, (at.dt.weekday().to_numpy() - 1, at.dt.hour().to_numpy()), 1)
    image = axis.imshow(100 * grid / grid.sum(), aspect="auto", cmap="Greys")
    axis.set_yticks(range(7), _DAYS)
    axis.set_xticks(range(0, 24, 3), [f"{h:02d}" for h in range(0, 24, 3)])
    axis.set_title(title, loc="left", fontsize=11)
    axis.figure.colorbar(image, ax=axis, label="% of all", shrink=0.8)


def _twins(axis: Axes, ground: Ground) -> None:
    """In treated places and patrol days: what happened in this seed beside what happens on average."""
    first = PROFILE.start_local + timedelta(days=PROFILE.patrol_day)
    rows = []
    for mode in MODES:
        found = trial(ground, mode=mode)
        counts = count_events(PROFILE, found.places, found.deterrable, found.rates)
        treated = found.places.filter(pl.col("arm") == "treat")["place"].implode()
        mine = counts.filter(
            pl.col("place").is_in(treated)
            & (pl.col("zone") == "core")
            & (pl.col("bin_start_local") >= first)
        )
        rows.append(
            (mode, mine["n_true"].sum() / mine["n_without"].sum() - 1, found.estimands["value"][0])
        )
    y = np.arange(len(rows))
    axis.barh(
        y,
        [100 * r[2] for r in rows],
        height=0.55,
        color=PALE,
        edgecolor=INK,
        label="true programme effect",
    )
    axis.plot(
        [100 * r[1] for r in rows],
        y,
        "o",
        color=INK,
        label="happened in this seed, against its twin",
    )
    axis.set_yticks(y, [r[0] for r in rows])
    axis.invert_yaxis()
    axis.axvline(0, color=INK, lw=0.5)
    axis.set(xlabel="change of events in patrolled places, %")
    axis.set_title("The same year with and without patrols", loc="left", fontsize=11)
    axis.legend(frameon=False, fontsize=8)


def _save(figure: plt.Figure, name: str) -> None:
    drawn = io.BytesIO()
    figure.savefig(drawn, dpi=100, metadata={"Software": None})
    # a palette of 128 colours is a quarter of the bytes, and nobody sees it
    Image.open(drawn).convert("RGB").quantize(128).save(FOLDER / f"{name}.png", optimize=True)
    plt.close(figure)


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    ground = make_ground(Streams(SEED), PROFILE)
    found = trial(ground, mode="base")
    draw_county(ground, found)
    draw_week(ground, found)


if __name__ == "__main__":
    main()
