"""Values as files for people hold them: cell ids as text, ISO dates, no infinities.

Here: the changes of type that every format of this stage shares. Not here: the formats themselves
(`layer_formats`, `tables`), the escape against spreadsheet formulas (`tabular`).
"""

from __future__ import annotations

import polars as pl


def cell_as_text(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame without the 64-bit `cell`, which spreadsheets and JavaScript round.

    Its hexadecimal text stands as `cell_id`: the frame's own, or made here in the place of `cell`.
    """
    if "cell" not in frame.columns:
        return frame
    if "cell_id" in frame.columns:
        return frame.drop("cell")
    distinct = frame.get_column("cell").cast(pl.Int64).unique().drop_nulls().to_list()
    texts = {cell: f"{cell:x}" for cell in distinct}
    text = pl.col("cell").replace_strict(texts, default=None, return_dtype=pl.String)
    return frame.select(
        text.alias("cell_id") if name == "cell" else pl.col(name) for name in frame.columns
    )


def finite(frame: pl.DataFrame, table: str) -> pl.DataFrame:
    """The frame with NaN as null; an infinity is refused with its row (ValueError).

    NaN is nothing known, which null says in every format. An infinity is a ratio that was divided
    by zero, and no figure for a map.
    """
    for name, dtype in frame.schema.items():
        if dtype.is_float():
            endless = frame.filter(pl.col(name).is_infinite())
            if endless.height:
                row = endless.row(0, named=True)
                row_id = row.get("hotspot_id") or row.get("cell_id") or next(iter(row.values()))
                raise ValueError(
                    f"{table}: {name} is {row[name]} in the row of {row_id} ({endless.height} such "
                    "rows); a ratio was divided by zero: use nullif(x, 0) where it is computed"
                )
    return frame.with_columns(pl.col(pl.Float32, pl.Float64).fill_nan(None))


def iso_dates(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with dates as 2025-12-31 and timestamps as 2025-12-31T23:59:00, UTC ones with Z."""
    changed = []
    for name, dtype in frame.schema.items():
        if dtype == pl.Date:
            changed.append(pl.col(name).dt.strftime("%Y-%m-%d"))
        elif isinstance(dtype, pl.Datetime):
            zone = "Z" if dtype.time_zone else ""
            moment = pl.col(name).dt.convert_time_zone("UTC") if zone else pl.col(name)
            changed.append(moment.dt.strftime(f"%Y-%m-%dT%H:%M:%S%.f{zone}"))
    return frame.with_columns(changed)


def require_columns(frame: pl.DataFrame, columns: tuple[str, ...], table: str) -> None:
    """ValueError where the table lacks a column that a file is made from."""
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise ValueError(
            f"{table}: no column {', '.join(missing)}; it has {', '.join(frame.columns) or 'none'}"
        )
