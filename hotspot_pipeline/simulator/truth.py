"""What really happened, as tables below `<out>/truth`, where the pipeline never looks.

Belongs here: Parquet and JSON of the truth. Does not belong here: what is delivered (`delivery`), the truth of patrols and
surveys, which those rooms write themselves.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from hotspot_pipeline.simulator.delivery.landing import TRUTH, write_file
from hotspot_pipeline.simulator.ground import Ground
from hotspot_pipeline.simulator.profiles import Profile
from hotspot_pipeline.simulator.trial.programme import Options, Programme


def write_frames(out: Path, frames: Mapping[str, pl.DataFrame]) -> None:
    """Parquet files below `out`/truth, the same bytes every time."""
    for name, frame in frames.items():
        path = out / TRUTH / f"{name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        frame.write_parquet(path, compression="zstd", statistics=True)


def events_frame(trial: Programme, crimes: pl.DataFrame, asb: pl.DataFrame) -> pl.DataFrame:
    """Where and when every event really was, with the number under which it is on record."""
    numbers = pl.concat(
        [
            crimes.select("event_id", record="crime_number"),
            asb.filter(pl.col("is_first") & pl.col("linked_crime_number").is_null()).select(
                "event_id", record="incident_ref"
            ),
        ]
    )
    columns = (
        "event_id",
        "kind",
        "group",
        "at_local",
        "cell",
        "true_easting",
        "true_northing",
        "is_deterrable",
    )
    happened = pl.concat([trial.asb.happened.select(columns), crimes.select(columns)])
    return happened.join(numbers, on="event_id", how="left", maintain_order="left")


def cells_frame(ground: Ground) -> pl.DataFrame:
    """Each cell's true share of the events of each surface; rounded, so that no processor's last bit shows."""
    county = ground.county
    return pl.DataFrame(
        {
            "cell": np.arange(len(county.cells)),
            "cell_id": list(county.grid.to_text(county.cells)),
            **{
                f"share_{name}": np.round(share, 12)
                for name, share in ground.world.surfaces.items()
            },
        }
    )


def write_facts(
    out: Path, profile: Profile, seed: int, options: Options, more: Mapping[str, Any]
) -> None:
    facts = {"seed": seed, "profile": asdict(profile), "options": asdict(options), **more}
    text = json.dumps(facts, indent=1, sort_keys=True, default=str) + "\n"
    write_file(out / TRUTH / "simulation.json", text.encode())
