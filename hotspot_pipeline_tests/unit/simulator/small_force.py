"""A force of half a year with two weeks of nights, written once for all tests that read files."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import polars as pl

from hotspot_pipeline.settings import PROJECT_ROOT
from hotspot_pipeline.simulator import PROFILES, Options, Profile, Report, simulate

OFFENCE_LOOKUP = PROJECT_ROOT / "data" / "reference" / "ho_offence_lookup.csv"
N_NIGHTS = 14


def small_profile(n_weeks: int = 26, n_nights: int = N_NIGHTS) -> Profile:
    """Patrols run in the delivered nights only; no scripted shocks."""
    day = 7 * n_weeks - n_nights
    return replace(
        PROFILES["demo"],
        name="small",
        n_weeks=n_weeks,
        n_pairs=4,
        n_devices=6,
        selection_days=day // 2,
        patrol_day=day,
        first_night=day - 1,
        shocks={},
    )


@dataclass(frozen=True)
class Written:
    """A written force; `rows` of a table of the truth as text, empty for null."""

    report: Report

    @cached_property
    def landing(self) -> Path:
        return self.report.out / "landing"

    @property
    def truth(self) -> Path:
        return self.report.out / "truth"

    def rows(self, table: str) -> list[dict[str, str]]:
        frame = pl.read_parquet(self.truth / f"{table}.parquet")
        text = [
            pl.col(name).dt.strftime("%Y-%m-%d %H:%M:%S").alias(name)
            if dtype == pl.Datetime
            else pl.col(name).cast(pl.String)
            for name, dtype in frame.schema.items()
        ]
        return frame.select(text).fill_null("").to_dicts()


def write_force(out: Path, seed: int = 1, profile: Profile | None = None) -> Written:
    report = simulate(
        out, profile or small_profile(), seed, Options(), offence_lookup=OFFENCE_LOOKUP
    )
    return Written(report)
