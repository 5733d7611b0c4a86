"""The dated lookup tables, from the files that ship or from a force's own in their place.

A force names its own file in `force.yml` under `reference`, with the same columns (`data/reference/SOURCES.md`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl


class LookupFileError(ValueError):
    """A lookup file that cannot be used; names file, column and rule."""


@dataclass(frozen=True)
class Lookup:
    """`rows` as the table of the same name wants them; `delivered` as in the file; `version` of the file's bytes."""

    path: Path
    version: str
    rows: pl.DataFrame
    delivered: pl.DataFrame


LOOKUPS = {
    "offence_codes": "ho_offence_lookup.csv",
    "policeuk_categories": "policeuk_categories.csv",
}
_TEXT = ("ho_offence_code", "ho_class_code", "prc_group", "prc_subgroup", "cat_group")


def read_lookups(folder: Path, own: Mapping[str, Path]) -> dict[str, Lookup]:
    """Both lookups, by table name."""
    found = {}
    for name, file in LOOKUPS.items():
        path = own.get(Path(file).stem, folder / file)
        try:
            content = path.read_bytes()
        except OSError as error:
            raise LookupFileError(
                f"{path}: cannot be read ({error.strerror}); see data/reference/SOURCES.md"
            ) from error
        # every column as text: a code keeps its leading zeros
        delivered = pl.read_csv(content, infer_schema=False)
        version = hashlib.sha256(content).hexdigest()[:12]
        rows = _offences(delivered) if name == "offence_codes" else _categories(delivered)
        found[name] = Lookup(
            path, version, rows.with_columns(lookup_version=pl.lit(version)), delivered
        )
    return found


def _offences(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select(
        *_TEXT,
        _flag("police_generated"),
        _days(),
        pl.col("valid_from").str.to_date("%Y-%m-%d"),
        pl.col("valid_to").str.to_date("%Y-%m-%d"),
    )


def _categories(frame: pl.DataFrame) -> pl.DataFrame:
    days = (
        _days()
        if "cchi_days" in frame.columns
        else pl.lit(None, pl.Decimal(12, 2)).alias("cchi_days")
    )
    current = frame.filter(pl.col("valid_to").is_null()) if "valid_to" in frame.columns else frame
    return current.select(
        pl.col("crime_type").alias("policeuk_category"),
        "cat_group",
        _flag("police_generated"),
        days,
    )


def _flag(name: str) -> pl.Expr:
    return (pl.col(name).str.to_lowercase() == "true").alias(name)


def _days() -> pl.Expr:
    return pl.col("cchi_days").cast(pl.Decimal(12, 2)).alias("cchi_days")
