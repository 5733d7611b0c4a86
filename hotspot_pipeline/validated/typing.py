"""From delivered text to typed columns, as the feed's contract says, and what could not be typed.

Belongs here: one expression per column type, all columns in one pass. Does not belong here: reading
files and headers (`raw`), how a timestamp's format is found (`timestamps`), what a value may be
beside other values (`rules_*`), the four location columns (`places`: an easting may be delivered as
a grid reference, so their text is judged there).

Nothing is guessed: a value that the contract's formats and codes do not read is a problem of its
row, never an empty value.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from hotspot_pipeline.feeds.contract import ContractError, FeedColumn, FeedContract
from hotspot_pipeline.feeds.timestamps import FIRST_YEAR, clock_column, read_timestamps
from hotspot_pipeline.validated.broken import broken_rows, joined

ROW_NAMES = ("source_file", "line_no")
LOCATION_COLUMNS = ("easting", "northing", "lon", "lat")

_Typer = Callable[[pl.Expr, FeedColumn, FeedContract], pl.Expr]


@dataclass(frozen=True)
class TypedFrame:
    """`frame`: `row` (UInt32 from 0), `source_file`, `line_no`, the contract's columns typed, and
    beside every timestamp column `has_clock_<column>` (null where the timestamp is). `problems`:
    see `broken`.
    """

    frame: pl.DataFrame
    problems: pl.DataFrame


def stripped_columns(raw: pl.DataFrame, contract: FeedContract) -> pl.DataFrame:
    """`row`, `source_file`, `line_no` and every contract column as stripped text; what is then
    empty is null.

    The contract's constants fill what is null. Raises ContractError where `raw` lacks a column.
    """
    absent = [n for n in (*ROW_NAMES, *contract.column_names) if n not in raw.columns]
    if absent:
        raise ContractError(
            f"feed {contract.feed}: the raw frame has no column '{absent[0]}'; it must have "
            "source_file, line_no and every column of the contract, absent ones filled with null"
        )
    names = contract.column_names
    constants = [
        pl.col(name).fill_null(pl.lit(value)) for name, value in contract.constants.items()
    ]
    return (
        raw.select(
            pl.int_range(pl.len(), dtype=pl.UInt32).alias("row"),
            pl.col("source_file").cast(pl.String),
            pl.col("line_no").cast(pl.Int64),
            *(pl.col(name).cast(pl.String).str.strip_chars() for name in names),
        )
        .with_columns(pl.when(pl.col(name) != "").then(pl.col(name)) for name in names)
        .with_columns(constants)
    )


def type_columns(raw: pl.DataFrame, contract: FeedContract) -> TypedFrame:
    """Types `raw`: `source_file`, `line_no` and every contract column as String; others are left
    out.

    text, code and codes -> String (codes joined by a bar), integer -> Int64, decimal -> Float64,
    boolean -> Boolean, timestamp -> Datetime('us') without a zone, date and month -> Date (a month
    is its first day), time -> Time. Raises ContractError as `stripped_columns` does.
    """
    return type_stripped(stripped_columns(raw, contract), contract)


def type_stripped(stripped: pl.DataFrame, contract: FeedContract) -> TypedFrame:
    """`type_columns` on the frame that `stripped_columns` made."""
    clocks = [column.name for column in contract.columns if column.type == "timestamp"]
    times = read_timestamps(stripped.select(clocks), contract.timestamp_formats)
    others = stripped.select(
        "row",
        *ROW_NAMES,
        *(
            _TYPERS[column.type](_source(stripped, column), column, contract).alias(column.name)
            for column in contract.columns
            if column.type != "timestamp"
        ),
    )
    order = [
        name
        for column in contract.columns
        for name in (
            (column.name, clock_column(column.name))
            if column.type == "timestamp"
            else (column.name,)
        )
    ]
    frame = pl.concat([others, times], how="horizontal").select("row", *ROW_NAMES, *order)
    problems = [
        problem
        for column in contract.columns
        for problem in _problems(stripped, frame, column, contract)
    ]
    return TypedFrame(frame, joined(problems))


def _problems(
    stripped: pl.DataFrame, frame: pl.DataFrame, column: FeedColumn, contract: FeedContract
) -> list[pl.DataFrame]:
    name = column.name
    delivered, typed = stripped[name], frame[name]
    found: list[pl.DataFrame] = []
    if name not in LOCATION_COLUMNS and typed.null_count() > delivered.null_count():
        rule, wanted = _wanted(column, contract)
        unread = delivered.is_not_null() & typed.is_null()
        message = f"{name} is not {wanted}"
        found.append(broken_rows(stripped, unread, column=name, rule=rule, message=message))
    if column.has_value and delivered.null_count():
        message = f"{name} is empty and must have a value"
        found.append(
            broken_rows(
                stripped, delivered.is_null(), column=name, rule="value_missing", message=message
            )
        )
    return found


def _source(stripped: pl.DataFrame, column: FeedColumn) -> pl.Expr:
    """The text to type. A list of codes is cut up once per distinct list, not once per row."""
    if column.type != "codes":
        return pl.col(column.name)
    lists = stripped[column.name].drop_nulls().unique()
    if lists.is_empty():
        return pl.col(column.name)
    parts = (
        pl.DataFrame({"delivered": lists, "code": lists.str.replace_all(";", "|", literal=True)})
        .with_columns(pl.col("code").str.split("|"))
        .explode("code")
        .with_columns(pl.col("code").str.strip_chars())
        .filter(pl.col("code") != "")
        .with_columns(_text(pl.col("code"), column, None).alias("ours"))
        .group_by("delivered", maintain_order=True)
        .agg(pl.col("ours").str.join("|"), is_known=pl.col("ours").is_not_null().all())
        .filter("is_known")
    )
    return pl.col(column.name).replace_strict(
        parts["delivered"], parts["ours"], default=None, return_dtype=pl.String
    )


def _text(text: pl.Expr, column: FeedColumn, contract: FeedContract | None) -> pl.Expr:
    if not column.codes and not column.allowed:
        return text
    # lower case as delivered -> our spelling; a force's own codes win over the allowed names
    mapping = {code.lower(): code for code in column.allowed}
    mapping.update({theirs.strip().lower(): ours for theirs, ours in column.codes.items()})
    found = text.str.to_lowercase().replace_strict(
        list(mapping), list(mapping.values()), default=None, return_dtype=pl.String
    )
    # without a closed list, what the map does not know passes as delivered
    return found if column.allowed else found.fill_null(text)


def _codes(text: pl.Expr, column: FeedColumn, contract: FeedContract) -> pl.Expr:
    return text


def _integer(text: pl.Expr, column: FeedColumn, contract: FeedContract) -> pl.Expr:
    # spreadsheets deliver 12 as 12.0
    return text.str.replace(r"\.0+$", "").cast(pl.Int64, strict=False)


def _decimal(text: pl.Expr, column: FeedColumn, contract: FeedContract) -> pl.Expr:
    number = text.cast(pl.Float64, strict=False)
    return pl.when(number.is_finite()).then(number)


def _boolean(text: pl.Expr, column: FeedColumn, contract: FeedContract) -> pl.Expr:
    words = {word.lower(): True for word in contract.true_values}
    words.update({word.lower(): False for word in contract.false_values})
    return text.str.to_lowercase().replace_strict(
        list(words), list(words.values()), default=None, return_dtype=pl.Boolean
    )


def _date(text: pl.Expr, column: FeedColumn, contract: FeedContract) -> pl.Expr:
    read = [text.str.to_date(each, strict=False) for each in contract.date_formats]
    return pl.coalesce(pl.when(each.dt.year() >= FIRST_YEAR).then(each) for each in read)


def _time(text: pl.Expr, column: FeedColumn, contract: FeedContract) -> pl.Expr:
    # registers write the end of the day as 24:00
    clock = text.str.replace(r"^24:00(:00)?$", "00:00")
    return pl.coalesce(clock.str.to_time(each, strict=False) for each in ("%H:%M:%S", "%H:%M"))


def _month(text: pl.Expr, column: FeedColumn, contract: FeedContract) -> pl.Expr:
    return (text.str.extract(r"^(\d{4}-\d{2})$") + "-01").str.to_date("%Y-%m-%d", strict=False)


def _wanted(column: FeedColumn, contract: FeedContract) -> tuple[str, str]:
    """The rule a value of this column breaks when it cannot be typed, and what it should have
    been.
    """
    kind = column.type
    if kind in ("text", "code", "codes"):
        return "not_allowed_code", f"one of {', '.join(column.allowed)}"
    if kind == "boolean":
        return (
            "not_a_boolean",
            f"one of {', '.join((*contract.true_values, *contract.false_values))}",
        )
    if kind == "timestamp":
        return "not_a_timestamp", f"a time written as {' or '.join(contract.timestamp_formats)}"
    return {
        "integer": ("not_an_integer", "a whole number"),
        "decimal": ("not_a_number", "a number"),
        "date": ("not_a_date", f"a date written as {' or '.join(contract.date_formats)}"),
        "time": ("not_a_time", "a time of day such as 02:30"),
        "month": ("not_a_month", "a month written as %Y-%m"),
    }[kind]


_TYPERS: dict[str, _Typer] = {
    "text": _text,
    "code": _text,
    "codes": _codes,
    "integer": _integer,
    "decimal": _decimal,
    "boolean": _boolean,
    "date": _date,
    "time": _time,
    "month": _month,
}
