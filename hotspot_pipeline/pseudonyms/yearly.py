"""One key a year for officers, devices, crews and callsigns, and the register of the keys in use.

Here: the key files, their fingerprints, and what happens when one is gone or another. Not here: where the register is kept
(`raw.pseudonym_keys`), which moment decides the year of a row (`raw/sealing.py`).

A year is that of a *police day*, so one police day has one key: a night shift of 31 December keeps its pseudonyms until 06:00.
Every key that is used stands in the register with its fingerprint, not with its bytes. A file that is gone or holds another key
than the register says is refused: a new key made in silence would break every link of the year without a word.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from hotspot_pipeline.pseudonyms.hashing import PseudonymKeyError, pseudonymise
from hotspot_pipeline.pseudonyms.keys import pseudonym_key

_WHAT = b"fingerprint of a yearly key of hotspot_pipeline"
SEPARATOR = "|"


def key_path(folder: Path, year: int) -> Path:
    return folder / f"patrol-{year}.key"


def fingerprint(key: bytes) -> str:
    """16 hexadecimal digits that tell two keys apart and do not help to find one (keys have 256 random bits)."""
    return hmac.digest(key, _WHAT, hashlib.sha256).hex()[:16]


@dataclass
class YearlyKeys:
    """The keys in `folder`, each made at first use. `registered`: the fingerprint in use by year; `made`: those of this run, which
    the caller books. Keys and known pseudonyms are held in memory only.
    """

    folder: Path
    registered: Mapping[int, str] = field(default_factory=dict)
    made: dict[int, str] = field(default_factory=dict)
    _keys: dict[int, bytes] = field(default_factory=dict, repr=False)

    def key(self, year: int) -> bytes:
        """The year's key. Raises PseudonymKeyError where the register knows one and the file is gone or holds another."""
        if year not in self._keys:
            path = key_path(self.folder, year)
            wanted = self.registered.get(year) or self.made.get(year)
            if wanted and not path.exists():
                raise PseudonymKeyError(
                    f"{path}: the key of {year} (fingerprint {wanted}) is in use and its file is gone; put it back from "
                    f"the safe copy, or, where there is none, `hotspots keys lost {year} --because …`"
                )
            key = pseudonym_key(path)
            if wanted and fingerprint(key) != wanted:
                raise PseudonymKeyError(
                    f"{path}: fingerprint {fingerprint(key)}, but the key in use for {year} has {wanted}; put that one back "
                    f"from the safe copy, or, where there is none, remove this file and `hotspots keys lost {year} --because …`"
                )
            if not wanted:
                self.made[year] = fingerprint(key)
            self._keys[year] = key
        return self._keys[year]

    def pseudonyms(
        self, values: pl.Series, years: pl.Series, *, is_list: bool = False
    ) -> pl.Series:
        """The pseudonym of each text, blanks around it aside, under the key of its year (Int32); null where either is null.

        A list (separated by bars or semicolons) becomes the list of its pseudonyms, separated by bars.
        """
        given = pl.DataFrame({"value": values, "year": years.cast(pl.Int32)})
        part = pl.col("value")
        if is_list:
            part = part.str.replace_all(";", SEPARATOR, literal=True).str.split(SEPARATOR)
        else:
            part = pl.concat_list(part)
        parts = (
            given.drop_nulls()
            .unique()
            .with_columns(part.alias("part"))
            .explode("part")
            .with_columns(pl.col("part").str.strip_chars())
            .filter(pl.col("part") != "")
        )
        made = [
            mine.with_columns(pseudonymise(mine["part"], self.key(year)).alias("pid"))
            for (year,), mine in parts.partition_by("year", as_dict=True).items()
            if isinstance(year, int)
        ]
        schema = {"value": pl.String, "year": pl.Int32, "part": pl.String, "pid": pl.String}
        table = pl.concat(made) if made else pl.DataFrame(schema=schema)
        # people of a list in the order of their pseudonyms: the delivered order may say who leads
        joined = table.group_by("value", "year").agg(pl.col("pid").sort().str.join(SEPARATOR))
        found = given.join(joined, on=["value", "year"], how="left", maintain_order="left")
        return found.get_column("pid").alias(values.name)
