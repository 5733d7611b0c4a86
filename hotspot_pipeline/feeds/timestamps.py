"""Reading delivered timestamps: only with the contract's formats, and quickly.

Belongs here: finding which format a column uses, reading it, and knowing whether the format has a
clock time (a bare date is a day, not its midnight). Does not belong here: local time to UTC
(`timebase`), what a window without a clock means (`committed`).

Most columns use one format throughout, and a format that does not fit costs more to try than one
that does. So a sample says which format fits most, that one reads the whole column, and the others
read only what is left. The order cannot change a value, because formats that would read one text as
two times are refused (`require_clear_formats`).
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from hotspot_pipeline.feeds.contract import ContractError, FeedContract

FIRST_YEAR = 1000
"""A year below this is a two-digit year read as a whole one: the format does not fit."""

_SAMPLE = 500
_CLOCK_PARTS = ("%H", "%I", "%k", "%l", "%T", "%R", "%r", "%X", "%c", "%s")


def clock_column(timestamp: str) -> str:
    """The name of the column that says whether a timestamp was delivered with a clock time."""
    return f"has_clock_{timestamp}"


def read_timestamps(text: pl.DataFrame, formats: Sequence[str]) -> pl.DataFrame:
    """Each String column of `text` as Datetime('us'), each followed by its `has_clock_` Boolean.

    Null where no format reads the text, and where the text is null.
    """
    best = {column.name: _best_format(column, formats) for column in text.get_columns()}
    first = text.select(_read(pl.col(name), best[name]).alias(name) for name in text.columns)
    columns: list[pl.Series] = []
    for name in text.columns:
        columns.extend(_read_rest(text[name], first[name], best[name], formats))
    return pl.DataFrame(columns)


def has_clock(text_format: str) -> bool:
    return any(part in text_format for part in _CLOCK_PARTS)


def require_clear_formats(contract: FeedContract) -> None:
    """Raises ContractError where two formats read one text as two dates (03/04: March or April)."""
    for kind, formats in (
        ("timestamp_formats", contract.timestamp_formats),
        ("date_formats", contract.date_formats),
    ):
        for one in formats:
            for other in formats:
                if _swapped_day_and_month(one) == other:
                    raise ContractError(
                        f"feed {contract.feed}: {kind} has both '{one}' and '{other}', so 03/04 "
                        "would be two dates; keep the one this feed uses"
                    )


def _swapped_day_and_month(text_format: str) -> str:
    swapped = text_format.replace("%d", "\0").replace("%m", "%d").replace("\0", "%m")
    return swapped if swapped != text_format else ""


def _read(text: pl.Expr, text_format: str) -> pl.Expr:
    # Python writes fractions of a second as .%f, chrono (which polars uses) as %.f
    chrono = text_format.replace(".%f", "%.f")
    read = text.str.to_datetime(chrono, strict=False, time_unit="us", cache=False)
    return pl.when(read.dt.year() >= FIRST_YEAR).then(read)


def _best_format(column: pl.Series, formats: Sequence[str]) -> str:
    sample = column.drop_nulls().head(_SAMPLE).to_frame("text")
    read = sample.select(_read(pl.col("text"), f).count().alias(f) for f in formats)
    # the first of equals: the contract's order
    return max(formats, key=lambda each: read[each][0] if len(sample) else 0)


def _read_rest(
    text: pl.Series, read: pl.Series, best: str, formats: Sequence[str]
) -> tuple[pl.Series, pl.Series]:
    clock = pl.select(pl.when(read.is_not_null()).then(pl.lit(has_clock(best)))).to_series()
    for each in formats:
        unread = (read.is_null() & text.is_not_null()).arg_true()
        if not len(unread):
            break
        if each == best:
            continue
        values = (
            text.gather(unread).to_frame("text").select(_read(pl.col("text"), each)).to_series()
        )
        is_read = values.is_not_null()
        rows = unread.filter(is_read)
        read = read.scatter(rows, values.filter(is_read))
        clock = clock.scatter(rows, has_clock(each))
    return read.alias(text.name), clock.alias(clock_column(text.name))
