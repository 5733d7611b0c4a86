"""Pseudonyms: keyed hashes in place of crime and incident numbers, and masks in rejects.

Belongs here: making the pseudonym of a value and hiding a value. Does not belong here: the key (it
comes in as bytes and is kept apart from the data), which columns are identifiers (the feed's
contract says), and the hash of a whole row (`row_hash`).

One value has one pseudonym whatever its column, so that an incident's linked crime number meets the
crime's own. The key is what protects: crime numbers are few enough to try them all, so without it
no hash would hide them.
"""

from __future__ import annotations

import hashlib

import polars as pl

_BLOCK = 64
_N_DIGITS = 16
MIN_KEY_BYTES = 16


class PseudonymKeyError(ValueError):
    """A key that cannot protect: empty or too short."""


def pseudonymise(values: pl.Series, key: bytes) -> pl.Series:
    """HMAC-SHA256 (RFC 2104) of each text, its first 64 bits as 16 hexadecimal digits; null stays
    null.

    Two of a million numbers share a pseudonym with a chance of 3 in 10^8. Raises PseudonymKeyError
    for a key under 16 bytes.
    """
    if len(key) < MIN_KEY_BYTES:
        raise PseudonymKeyError(
            f"the pseudonym key has {len(key)} bytes and needs {MIN_KEY_BYTES} or more; "
            "check the force's key file"
        )
    distinct = values.drop_nulls().unique()
    if distinct.is_empty():
        return pl.Series(values.name, [None], dtype=pl.String).new_from_index(0, len(values))
    table = pl.DataFrame(
        {"value": distinct, "pseudonym": _hex_digests(distinct.to_list(), key)},
        schema={"value": pl.String, "pseudonym": pl.String},
    )
    found = (
        values.alias("value")
        .to_frame()
        .join(table, on="value", how="left", maintain_order="left", validate="m:1")
    )
    return found["pseudonym"].alias(values.name)


def mask(value: pl.Expr) -> pl.Expr:
    """What a reject shows of a value that must not be shown: that there was one, and how long."""
    return pl.format("*** ({} characters)", value.str.len_chars())


def _hex_digests(texts: list[str], key: bytes) -> list[str]:
    # Both key blocks are hashed once and copied: three times as fast as hmac.digest on each text.
    padded = (hashlib.sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in padded))
    outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in padded))
    copy_inner, copy_outer = inner.copy, outer.copy
    found = []
    for text in texts:
        inside = copy_inner()
        inside.update(text.encode())
        outside = copy_outer()
        outside.update(inside.digest())
        found.append(outside.hexdigest()[:_N_DIGITS])
    return found
