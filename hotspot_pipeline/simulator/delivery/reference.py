"""The offence lookup that comes with a change of the counting rules (DOMAIN §1.5, §8.3).

Belongs here: one code that moves to another group from a date on. Does not belong here: what the codes mean
(`data/reference/ho_offence_lookup.csv`, which is given and never changed).
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import polars as pl

from hotspot_pipeline.simulator.delivery.landing import csv_text, write_file

REFERENCE = "reference"
MOVED_CODE, FROM_GROUP, TO_GROUP = "066/01", "PUBLIC_ORDER", "VAP"
_SOURCE = "demo force: a change of the rules that was made up"


def write_lookup_change(out: Path, offence_lookup: Path, day: date) -> Path:
    """The lookup as it is from `day` on, below `out`/reference.

    The code's open row ends on the day before; a new row with the other group begins. Raises ValueError where the
    given lookup has no open row of that code and group.
    """
    lookup = pl.read_csv(offence_lookup, infer_schema=False)
    is_moved = (pl.col("ho_offence_code") == MOVED_CODE) & (pl.col("cat_group") == FROM_GROUP)
    is_moved &= pl.col("valid_to").is_null()
    moved = lookup.filter(is_moved)
    if len(moved) != 1:
        raise ValueError(
            f"{offence_lookup}: {len(moved)} open rows of code {MOVED_CODE} in group {FROM_GROUP}, one is needed"
        )
    ended = lookup.with_columns(
        valid_to=pl.when(is_moved.fill_null(False))
        .then(pl.lit((day - timedelta(days=1)).isoformat()))
        .otherwise(pl.col("valid_to"))
    )
    new = moved.with_columns(
        cat_group=pl.lit(TO_GROUP),
        valid_from=pl.lit(day.isoformat()),
        source=pl.lit(_SOURCE),
        source_version=pl.lit(f"demo-{day.isoformat()}"),
    )
    path = out / REFERENCE / f"ho_offence_lookup_{day.isoformat()}.csv"
    both = pl.concat([ended, new]).sort("ho_offence_code", "valid_from", maintain_order=True)
    write_file(path, csv_text(both).encode())
    return path
