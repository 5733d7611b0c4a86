"""The deltas of the nights after a long history: new records, 5 % of them reported weeks late, recodes in 40 scattered weeks, outcomes.

Belongs here: their rows as text, made of the rows of the extract that the history repeats. Does not belong here: the history
(`long_history`).
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.inputs.long_history import LAST_NIGHT

N_NEW, N_RECODED, N_OUTCOMES, N_WEEKS = 1_500, 400, 1_600, 40


def write_nights(delivered: Path, folder: Path, n_nights: int, seed: int = 2) -> int:
    """Writes the deltas of the nights after the history, made of the rows of `delivered` (the extract that the history repeats): new
    records, recodes in 40 scattered weeks, outcomes. Returns the rows of one."""
    rng = np.random.default_rng(seed)
    known = pl.read_csv(delivered, infer_schema=False)
    folder.mkdir(parents=True, exist_ok=True)
    weeks = known["committed_from_local"].str.head(10).str.to_date(strict=False).dt.truncate("1w")
    chosen = rng.choice(weeks.drop_nulls().unique().sort().to_numpy(), size=min(N_WEEKS, weeks.n_unique()), replace=False)  # fmt: skip
    in_weeks = known.filter(weeks.is_in(pl.Series(chosen).cast(pl.Date)))
    for n in range(n_nights):
        taken = datetime.combine(LAST_NIGHT, time(2)) + timedelta(days=n + 1)
        recoded = in_weeks[n::n_nights].head(N_RECODED)
        other = known.sample(recoded.height, seed=n)
        kind = pl.Series(rng.choice(3, size=recoded.height, p=[0.45, 0.35, 0.2]))
        mended = recoded.with_columns(
            ho_offence_code=pl.when(kind == 0).then(other["ho_offence_code"]).otherwise("ho_offence_code"),
            easting=pl.when(kind == 1).then(other["easting"]).otherwise("easting"),
            northing=pl.when(kind == 1).then(other["northing"]).otherwise("northing"),
            record_status=pl.when(kind == 2).then(pl.lit("cancelled")).otherwise("record_status"),
            cancel_reason=pl.when(kind == 2).then(pl.lit("C2")).otherwise("cancel_reason"),
        )  # fmt: skip
        settled = known.join(recoded, on="crime_number", how="anti")[n::n_nights].head(N_OUTCOMES)
        settled = settled.with_columns(ho_outcome_code=pl.lit("18"))
        rows = pl.concat([_new_rows(known, taken, n, rng), mended, settled])
        file = folder / f"crime_delta_{taken:%Y%m%dT%H%M}.csv"
        rows.unique("crime_number", keep="first", maintain_order=True).write_csv(file)
    return rows.height


def _new_rows(known: pl.DataFrame, taken: datetime, n: int, rng: np.random.Generator) -> pl.DataFrame:  # fmt: skip
    rows = known.sample(min(N_NEW, known.height), seed=100 + n)
    hours = rng.uniform(3.0, 40.0, rows.height)
    is_late = rng.random(rows.height) < 0.05
    hours = np.where(is_late, hours + 24 * rng.uniform(28.0, 200.0, rows.height), hours)
    begun = [taken - timedelta(seconds=int(3600 * h)) for h in hours]
    stamps = {
        "committed_from_local": begun,
        "reported_ts_local": [taken - timedelta(hours=2)] * rows.height,
        "recorded_ts_local": [taken - timedelta(hours=1)] * rows.height,
        "source_last_modified": [taken - timedelta(hours=1)] * rows.height,
    }
    number = pl.Series([f"24/{n:02}{i:05}/26" for i in range(rows.height)])
    nothing = pl.lit(None, pl.String)
    return rows.with_columns(
        crime_number=number,
        occurrence_id=nothing,
        incident_ref=nothing,
        committed_to_local=nothing,
        outcome_ts_local=nothing,
        ho_outcome_code=nothing,
        record_status=pl.lit("live"),
        cancel_reason=nothing,
        merged_into=nothing,
        **{k: pl.Series(v).dt.strftime("%Y-%m-%d %H:%M:%S") for k, v in stamps.items()},
    )
