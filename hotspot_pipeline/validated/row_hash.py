"""The hash of a row's content: equal content gives an equal hash, in every extract and version.

Belongs here: the arithmetic of `row_hash`. Does not belong here: which columns count as content
(`conform`), pseudonyms (`pseudonyms`), comparing versions (the `history` stage).

The hash is the sum, modulo 2^64, of one well-mixed 64-bit number for each column that has a value.
So it depends neither on the order of columns nor on columns that are empty: a contract that gains a
column leaves the hashes of old content as they were. Nothing in it comes from a library's own hash
function, which may change with its version or seed: texts are hashed by BLAKE2b, numbers by their
bits, and both are mixed with the column's name by the finaliser of SplitMix64 (Steele, Lea and
Flood 2014). It tells changed rows from unchanged ones; it is not a protection against forgery.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np
import polars as pl
from numpy.typing import NDArray

_Words = NDArray[np.uint64]
_GAMMA, _MIX_1, _MIX_2 = (
    np.uint64(word) for word in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB)
)
_SHIFT_1, _SHIFT_2, _SHIFT_3 = (np.uint64(bits) for bits in (30, 27, 31))


def row_hash(columns: Iterable[pl.Series], n_rows: int) -> pl.Series:
    """16 hexadecimal digits for each row of `columns` (each of length `n_rows`, names matter).

    Takes String, Boolean, whole numbers, Float64, Date, Time and Datetime('us'). A text and a
    number of the same column are different content; 0.0 and -0.0 are the same.
    """
    total = np.zeros(n_rows, dtype=np.uint64)
    for column in columns:
        is_filled = column.is_not_null().to_numpy()
        if is_filled.any():
            name = _text_word(column.name)
            total += np.where(is_filled, _mixed(_words(column) + name), np.uint64(0))
    digits = _mixed(total).astype(">u8").tobytes().hex().encode()
    return pl.Series("row_hash", np.frombuffer(digits, dtype="S16")).cast(pl.String)


def _words(column: pl.Series) -> _Words:
    """One 64-bit number for each value (anything where the value is null)."""
    if column.dtype == pl.String:
        distinct = column.drop_nulls().unique()
        table = pl.DataFrame(
            {"value": distinct, "word": [_text_word(text) for text in distinct.to_list()]},
            schema={"value": pl.String, "word": pl.UInt64},
        )
        found = (
            column.alias("value")
            .to_frame()
            .join(table, on="value", how="left", maintain_order="left", validate="m:1")
        )
        return found["word"].fill_null(0).to_numpy()
    if column.dtype == pl.UInt64:
        return column.fill_null(0).to_numpy()
    if column.dtype == pl.Float64:
        # adding 0.0 turns -0.0 into 0.0
        return (column.fill_null(0.0).to_numpy() + 0.0).view(np.uint64)
    return column.to_physical().cast(pl.Int64).fill_null(0).to_numpy().view(np.uint64)


def _text_word(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def _mixed(words: _Words) -> _Words:
    z = words + _GAMMA
    z = (z ^ (z >> _SHIFT_1)) * _MIX_1
    z = (z ^ (z >> _SHIFT_2)) * _MIX_2
    mixed: _Words = z ^ (z >> _SHIFT_3)
    return mixed
