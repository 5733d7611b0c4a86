"""What is wrong on purpose, and the list of it.

Belongs here: errors that real deliveries have (DOMAIN §1.9), put into the text of a file at a known
line, and a list of the unusual rows that come from the generator itself. Does not belong here:
writing files (`landing`).

The list is truth: it goes to a folder the pipeline does not read. Its `rule` is the check of DOMAIN
§1.9 that should see the row; "" where a row is unusual but right.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from hotspot_pipeline.simulator.delivery.extracts import TIME_FORMAT

UNKNOWN_CODE = "777/77"
_Change = Callable[[dict[str, str | None]], dict[str, str]]


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


def spoil_crimes(
    rng: np.random.Generator, frame: pl.DataFrame, keep_clean: pl.Series, file: str
) -> tuple[pl.DataFrame, list[Defect]]:
    """A full crime extract with a few dozen errors, never in the crime numbers of `keep_clean`."""
    candidates = frame.with_row_index("row").filter(
        ~pl.col("crime_number").is_in(keep_clean.implode())
        & pl.col("geocode_quality").is_in(["uprn", "street"])
        & ~pl.col("location_type").is_in(["police_custody", "hospital", "prison"])
        & ~pl.col("committed_from_local").str.ends_with("00:00:00")
        & (pl.col("record_status") == "live")
    )["row"]
    plan: tuple[tuple[str, int, str, str, _Change], ...] = (
        ("swapped_coordinates", 8, "easting", "C12", _swap),
        ("zero_coordinates", 5, "easting", "C12", _zero),
        ("grid_letters", 2, "easting", "C12", _grid_letters),
        ("outside_force", 3, "easting", "C11", _far_east),
        ("inverted_window", 6, "committed_to_local", "C5", _inverted),
        ("future_date", 3, "committed_from_local", "C6", _future),
        ("date_without_time", 6, "committed_from_local", "C8", _date_without_time),
        (
            "unknown_offence_code",
            5,
            "ho_offence_code",
            "C9",
            lambda row: {"ho_offence_code": UNKNOWN_CODE},
        ),
    )
    return _spoil(rng, frame, candidates.to_numpy(), plan, "crime_extract", file, "crime_number")


def spoil_asb(
    rng: np.random.Generator, frame: pl.DataFrame, keep_clean: pl.Series, file: str
) -> tuple[pl.DataFrame, list[Defect]]:
    candidates = frame.with_row_index("row").filter(
        ~pl.col("incident_ref").is_in(keep_clean.implode())
        & pl.col("geocode_quality").is_in(["uprn", "street"])
        & pl.col("closed_ts_local").is_not_null()
        & pl.col("linked_crime_number").is_null()
    )["row"]
    plan: tuple[tuple[str, int, str, str, _Change], ...] = (
        ("swapped_coordinates", 3, "easting", "C12", _swap),
        ("zero_coordinates", 3, "easting", "C12", _zero),
        ("closed_before_opened", 3, "closed_ts_local", "A1", _closed_early),
    )
    return _spoil(rng, frame, candidates.to_numpy(), plan, "asb_extract", file, "incident_ref")


def repeat_crimes(
    rng: np.random.Generator, frame: pl.DataFrame, n: int, file: str
) -> tuple[pl.DataFrame, list[Defect]]:
    """`n` crime numbers once more at the end of the file, with another wording."""
    rows = np.sort(rng.choice(len(frame), min(n, len(frame)), replace=False))
    again = frame[rows].with_columns(offence_desc=pl.lit("Duplicate line, as exported"))
    defects = [
        Defect(
            "duplicate_crime_number",
            "crime_extract",
            file,
            len(frame) + 2 + k,
            key,
            "crime_number",
            key,
            "C4",
        )
        for k, key in enumerate(again["crime_number"])
    ]
    return pl.concat([frame, again]), defects


def break_fields(
    rng: np.random.Generator, text: str, keys: Sequence[str], file: str
) -> tuple[str, list[Defect]]:
    """One line of the crime file gets a comma too many, as from an unquoted free text."""
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


def unusual_rows(
    frame: pl.DataFrame, default_geocodes: pl.DataFrame, feed: str, file: str
) -> list[Defect]:
    """Unusual rows of the generator's own: no location, default geocode, site, date only."""
    key = "crime_number" if feed == "crime_extract" else "incident_ref"
    rows = frame.with_row_index("row")
    east, north = (pl.col(name).cast(pl.Float64, strict=False) for name in ("easting", "northing"))
    is_default = pl.lit(False)
    for e, n, radius in default_geocodes.select("easting", "northing", "radius_m").iter_rows():
        is_default = is_default | ((east - e) ** 2 + (north - n) ** 2 <= radius**2).fill_null(False)
    kinds = {
        "no_location": (
            pl.col("easting").is_null() & pl.col("northing").is_null(),
            "easting",
            "C10",
        ),
        "at_default_geocode": (is_default, "easting", "C13"),
    }
    if feed == "crime_extract":
        is_whole_day = pl.col("committed_from_local").str.ends_with("00:00:00") & pl.col(
            "committed_to_local"
        ).str.ends_with("23:59:00")
        at_site = pl.col("location_type").is_in(["police_custody", "hospital", "prison"])
        kinds |= {
            "date_only_window": (is_whole_day.fill_null(False), "committed_from_local", "C8"),
            "at_excluded_site": (at_site, "location_type", ""),
        }
    return [
        Defect(kind, feed, file, row["row"] + 2, row[key], column, row[column] or "", rule)
        for kind, (condition, column, rule) in kinds.items()
        for row in rows.filter(condition).iter_rows(named=True)
    ]


def _spoil(
    rng: np.random.Generator,
    frame: pl.DataFrame,
    candidates: np.ndarray,
    plan: Sequence[tuple[str, int, str, str, _Change]],
    feed: str,
    file: str,
    key: str,
) -> tuple[pl.DataFrame, list[Defect]]:
    wanted = sum(n for _, n, *_ in plan)
    if len(candidates) < wanted:
        raise ValueError(
            f"{file}: {len(candidates)} clean rows for {wanted} errors; generate more weeks"
        )
    chosen = iter(rng.choice(candidates, wanted, replace=False).tolist())
    values: dict[str, list[str | None]] = {}
    defects = []
    for kind, n, column, rule, change in plan:
        for row in (next(chosen) for _ in range(n)):
            for name, value in change(frame.row(row, named=True)).items():
                values.setdefault(name, frame[name].to_list())[row] = value or None
            spoiled = values[column][row] or ""
            defects.append(
                Defect(kind, feed, file, row + 2, frame[key][row], column, spoiled, rule)
            )
    new = [pl.Series(name, column, dtype=pl.String) for name, column in values.items()]
    return frame.with_columns(new), sorted(defects, key=lambda d: (d.line or 0, d.kind))


def _swap(row: dict[str, str | None]) -> dict[str, str]:
    return {"easting": row["northing"] or "", "northing": row["easting"] or ""}


def _zero(row: dict[str, str | None]) -> dict[str, str]:
    return {"easting": "0", "northing": "0"}


def _far_east(row: dict[str, str | None]) -> dict[str, str]:
    return {"easting": str(int(row["easting"] or 0) + 45_000)}


def _grid_letters(row: dict[str, str | None]) -> dict[str, str]:
    # The county lies in the 100 km square SP, whose south-west corner is (400000, 200000).
    east, north = int(row["easting"] or 0) - 400_000, int(row["northing"] or 0) - 200_000
    return {"easting": f"SP {east // 100:03d} {north // 100:03d}", "northing": ""}


def _shifted(text: str | None, hours: int) -> str:
    moment = np.datetime64((text or "").replace(" ", "T"), "s") + np.timedelta64(hours, "h")
    return str(moment.item().strftime(TIME_FORMAT))


def _inverted(row: dict[str, str | None]) -> dict[str, str]:
    return {"committed_to_local": _shifted(row["committed_from_local"], -49)}


def _future(row: dict[str, str | None]) -> dict[str, str]:
    # A wrong clock dates the whole record, so that nothing but the future is wrong with it.
    names = ("committed_from_local", "committed_to_local", "reported_ts_local", "recorded_ts_local")
    return {name: _shifted(row[name], 24 * 365 * 10) if row[name] else "" for name in names}


def _date_without_time(row: dict[str, str | None]) -> dict[str, str]:
    return {
        "committed_from_local": (row["committed_from_local"] or "")[:10],
        "committed_to_local": "",
    }


def _closed_early(row: dict[str, str | None]) -> dict[str, str]:
    return {"closed_ts_local": _shifted(row["opened_ts_local"], -3)}
