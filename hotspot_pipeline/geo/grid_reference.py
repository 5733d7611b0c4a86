"""Letter references of the National Grid ("SP 319 657") to metres.

Belongs here: the two letters and their 100 km squares, and every way the halves of a reference are
spread over two columns. Does not belong here: what a row's status becomes (`coordinates`).

Source of the lettering: Ordnance Survey, A guide to coordinate systems in Great Britain, section on
the National Grid: 500 km squares by the first letter, 100 km squares by the second, each set of
25 running A to Z without I from the north-west corner.
"""

from __future__ import annotations

import polars as pl

_LETTERS = "ABCDEFGHJKLMNOPQRSTUVWXYZ"


def _squares() -> dict[str, tuple[int, int]]:
    """The south-west corner, in metres, of each 100 km square on the 700 by 1,300 km grid."""
    corners = {}
    for big, first in enumerate(_LETTERS):
        for small, second in enumerate(_LETTERS):
            # The false origin is the south-west corner of square SV: 2 and 1 big squares in.
            east = (big % 5 - 2) * 5 + small % 5
            north = (3 - big // 5) * 5 + 4 - small // 5
            if 0 <= east < 7 and 0 <= north < 13:
                corners[first + second] = (east * 100_000, north * 100_000)
    return corners


SQUARES = _squares()

# A whole reference has its digits in one run or in two halves; a half stands in its own column.
_WHOLE = r"^([A-HJ-Z]{2})\s*(\d+)(?:\s+(\d+))?$"
_HALF = r"^([A-HJ-Z]{2})?\s*(\d{1,5})$"

LOOKS_LIKE_ONE = r"^[A-HJ-Z]{2}\s*\d"
"""Pattern of a text that is meant as a letter reference: two letters (no I), then a digit."""


def parse(easting: pl.Series, northing: pl.Series) -> pl.DataFrame:
    """Metres from letter references held in two text columns (upper case, trimmed, null if blank).

    Read are: a whole reference of 2 to 10 digits in one column with the other blank ("SP 319 657",
    "SP319657"); the same whole reference in both; and one half in each ("SP 31912" and "SP 65734",
    or the letters on one of them only). Returns, one row a row in, `easting` and `northing` Float64
    and `square_m` Int64 (1 to 10,000), all null where it is not a reference or names no square of
    the grid.

    A reference names a square by its south-west corner. The point returned is the square's middle,
    so that places given to 10 m or coarser are not all moved to the south-west; a ten-figure
    reference (1 m) is returned as it stands.
    """
    parts = pl.DataFrame({"e": easting, "n": northing})
    e, n = pl.col("e"), pl.col("n")
    whole = pl.when(n.is_null() | (e == n)).then(e).when(e.is_null()).then(n)
    run, second_run = whole.str.extract(_WHOLE, 2), whole.str.extract(_WHOLE, 3)
    middle_of_run = run.str.len_chars() // 2
    even = run.str.len_chars() % 2 == 0
    e_letters, n_letters = e.str.extract(_HALF, 1), n.str.extract(_HALF, 1)
    parts = parts.select(
        letters=pl.coalesce(whole.str.extract(_WHOLE, 1), e_letters, n_letters),
        clash=(e_letters != n_letters).fill_null(value=False),
        e_digits=pl.when(second_run.is_not_null())
        .then(run)
        .when(even)
        .then(run.str.head(middle_of_run))
        .when(whole.is_null())
        .then(e.str.extract(_HALF, 2)),
        n_digits=pl.when(second_run.is_not_null())
        .then(second_run)
        .when(even)
        .then(run.str.tail(middle_of_run))
        .when(whole.is_null())
        .then(n.str.extract(_HALF, 2)),
    )
    n_figures = pl.col("e_digits").str.len_chars()
    usable = (
        (n_figures == pl.col("n_digits").str.len_chars())
        & n_figures.is_between(1, 5)
        & ~pl.col("clash")
        & pl.col("letters").is_in(list(SQUARES))
    )
    square_m = n_figures.replace_strict(
        {figures: 10 ** (5 - figures) for figures in range(1, 6)},
        default=None,
        return_dtype=pl.Int64,
    )
    side = pl.col("square_m")
    middle = pl.when(side > 1).then(side / 2).otherwise(0.0)
    return parts.with_columns(square_m=pl.when(usable).then(square_m)).select(
        easting=_corner(0) + pl.col("e_digits").cast(pl.Float64) * side + middle,
        northing=_corner(1) + pl.col("n_digits").cast(pl.Float64) * side + middle,
        square_m=side,
    )


def _corner(axis: int) -> pl.Expr:
    """The corner of a row's square along one axis: 0 for easting, 1 for northing."""
    corners = {name: corner[axis] for name, corner in SQUARES.items()}
    return pl.col("letters").replace_strict(corners, default=None, return_dtype=pl.Float64)
