"""What goes wrong with single files: a line repeated, a comma too many, a picture under the name of a table.

Belongs here: changing a file's text at a known line. Does not belong here: wrong records (`dirt`), on which nights
(`plan`).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from hotspot_pipeline.simulator.delivery import plan

DEFECT_SCHEMA = {
    "kind": pl.String,
    "feed": pl.String,
    "file": pl.String,
    "line": pl.Int64,
    "key": pl.String,
    "column": pl.String,
    "value": pl.String,
    "rule": pl.String,
}
# A line repeated is wrong twice; of a small file fewer are repeated, so that no gate holds it for them.
MOST_REPEATED, MOST_WRONG = 2, 0.05
# Rows of a night's file that a mishap makes wrong.
N_ROWS_WRONG = {
    plan.WRONG_FIELDS: 1,
    plan.SENT_TWICE: 0,
    plan.REPEATED_NUMBERS: 2 * MOST_REPEATED,
    plan.PICTURE: 0,
}


@dataclass(frozen=True, slots=True)
class Defect:
    """One wrong or unusual thing. `line` counts from 1, header included; None for a whole file."""

    kind: str
    feed: str
    file: str
    line: int | None
    key: str
    column: str
    value: str
    rule: str


def repeat_lines(
    rng: np.random.Generator,
    text: str,
    column: str,
    wording: str,
    keys: Sequence[str],
    is_plain: np.ndarray,
    file: str,
) -> tuple[str, list[Defect]]:
    """A few plain crimes once more at the end of the file, with another `wording` in `column`."""
    lines = text.split("\n")[:-1]
    place = lines[0].split(",").index(column)
    plain = np.flatnonzero(is_plain)
    n = min(MOST_REPEATED, int(MOST_WRONG * len(keys) / 2), len(plain))
    rows = np.sort(rng.choice(plain, n, replace=False)).tolist()
    defects = []
    for row in rows:
        (values,) = csv.reader([lines[row + 1]])
        values[place] = wording
        again = io.StringIO()
        csv.writer(again, lineterminator="").writerow(values)
        lines.append(again.getvalue())
        defects.append(
            Defect(
                "duplicate_crime_number", "crime_extract", file, len(lines), keys[row],
                "crime_number", keys[row], "C4",
            )
        )  # fmt: skip
    return "\n".join(lines) + "\n", defects


def break_fields(
    rng: np.random.Generator, text: str, keys: Sequence[str], file: str
) -> tuple[str, list[Defect]]:
    """One line of the crime file gets a comma too many, as from an unquoted free text."""
    if not len(keys):
        return text, []
    lines = text.split("\n")
    row = int(rng.integers(0, len(keys)))
    lines[row + 1] += ",see log"
    defect = Defect(
        "wrong_number_of_fields", "crime_extract", file, row + 2, keys[row], "", "see log", "C1"
    )
    return "\n".join(lines), [defect]


def picture(rng: np.random.Generator) -> bytes:
    """What somebody saved under the wrong name: the beginning of a PNG and noise."""
    return (
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
        + rng.integers(0, 256, 2048, dtype=np.uint8).tobytes()
    )
