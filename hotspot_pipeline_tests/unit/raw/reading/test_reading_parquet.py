"""Parquet as text: nothing of a value is lost."""

from __future__ import annotations

import datetime as dt
import io
import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotspot_pipeline.raw.reading import ReadLimits, SourceTable, UnreadableFile
from hotspot_pipeline.raw.reading.parquet_file import read_parquet
from hotspot_pipeline.raw.reading.unpacking import Content

Read = Callable[..., SourceTable]
Refuse = Callable[..., UnreadableFile]
_at = dt.datetime.fromisoformat


def parquet(table: pa.Table, **options: Any) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer, **options)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (pa.array([1, None, -(2**63)]), ["1", None, "-9223372036854775808"]),
        (pa.array([2**64 - 1], pa.uint64()), ["18446744073709551615"]),
        (pa.array([0.1, 1e30, None]), ["0.1", "1e+30", None]),
        (pa.array([0.1], pa.float32()), ["0.1"]),
        (pa.array([True, False]), ["true", "false"]),
        (pa.array(["a", "", None, " b "]), ["a", None, None, " b "]),
        (pa.array(["x", "y", "x"]).dictionary_encode(), ["x", "y", "x"]),
        (pa.array([b"abc"]), ["abc"]),
        (pa.array([Decimal("1.50")]), ["1.50"]),
        (pa.array([dt.date(2025, 1, 31)]), ["2025-01-31"]),
        (pa.array([dt.time(6, 5), dt.time(6, 5, 1, 5000)]), ["06:05:00", "06:05:01.005"]),
        (
            pa.array([_at("2025-01-31T23:59:01"), _at("2025-01-01T00:00:00.000001")]),
            ["2025-01-31T23:59:01", "2025-01-01T00:00:00.000001"],
        ),
        (pa.array([1], pa.timestamp("ns")), ["1970-01-01T00:00:00.000000001"]),
        (
            pa.array([1_751_364_000], pa.timestamp("s", "Europe/London")),
            ["2025-07-01T11:00:00+01:00"],
        ),
        (pa.array([dt.timedelta(hours=30)]), ["P1DT6H"]),
        (pa.nulls(2), [None, None]),
    ],
)
def test_text_of_each_type(table: Read, values: pa.Array, text: list[str | None]) -> None:
    read = table(parquet(pa.table({" v ": values})), "a.parquet")
    assert read.frame["v"].to_list() == text
    assert read.frame["_line"].to_list() == list(range(2, 2 + len(text)))
    assert (read.delimiter, read.n_records) == (None, len(text))


@settings(deadline=None)
@given(st.lists(st.floats(), max_size=30))
def test_floats_come_back_the_same(values: list[float]) -> None:
    content = parquet(pa.table({"v": pa.array(values, pa.float64())}))
    read = read_parquet(Content("a.parquet", lambda: io.BytesIO(content)), ReadLimits())
    back = [float(text) for text in read.frame["v"]]
    assert [math.copysign(1, x) for x in back if x == x] == [
        math.copysign(1, x) for x in values if x == x
    ]
    assert [repr(x) for x in back] == [repr(abs(x) if x != x else x) for x in values]


def test_many_row_groups_and_no_rows(table: Read) -> None:
    many = pa.table({"v": list(range(150_000))})
    read = table(parquet(many, row_group_size=1000), "a.parquet")
    assert read.frame["v"].to_list() == [str(i) for i in range(150_000)]
    empty = table(parquet(many.slice(0, 0)), "b.parquet")
    assert (empty.frame.columns, empty.frame.height) == (["v", "_line"], 0)


def test_column_that_holds_lists_is_refused(refusal: Refuse) -> None:
    found = refusal(parquet(pa.table({"v": [[1, 2]]})), "a.parquet")
    assert found.rule == "nested_column"
    assert "'v'" in found.message


def test_bytes_that_are_not_text_are_refused(refusal: Refuse) -> None:
    assert refusal(parquet(pa.table({"v": [b"\xff"]})), "a.parquet").rule == "unsupported_type"


def test_duplicate_names_are_refused(refusal: Refuse) -> None:
    table = pa.table([pa.array([1]), pa.array([2])], names=["v", " v"])
    assert refusal(parquet(table), "a.parquet").rule == "duplicate_header"


def test_damaged_and_truncated_files_are_refused(refusal: Refuse) -> None:
    content = parquet(pa.table({"v": list(range(1000))}))
    assert refusal(content[: len(content) // 2], "a.parquet").rule == "truncated"
    assert refusal(b"PAR1" + bytes(100) + b"PAR1", "a.parquet").rule == "corrupt"
    damaged = bytearray(content)
    damaged[10:40] = bytes(30)
    assert refusal(bytes(damaged), "a.parquet").rule == "corrupt"


def test_one_value_repeated_beyond_the_limit_is_refused(refusal: Refuse) -> None:
    content = parquet(pa.table({"v": ["a"] * 2_000_000}))
    assert len(content) < 10_000
    found = refusal(content, "a.parquet", limits=ReadLimits(max_unpacked_bytes=1_000_000))
    assert found.rule == "unpacked_too_large"
