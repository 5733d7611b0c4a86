"""Timestamps: the contract's formats and no others, whichever of them a column mixes."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotspot_pipeline.feeds.contract import ContractError, shipped_contracts
from hotspot_pipeline.feeds.timestamps import read_timestamps, require_clear_formats

FORMATS = (
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S",
    "%d/%m/%Y %H:%M:%S",
    "%d/%m/%Y",
    "%d-%b-%Y %H:%M",
)


def read(
    *texts: str | None, formats: tuple[str, ...] = FORMATS
) -> list[tuple[datetime | None, bool | None]]:
    frame = read_timestamps(pl.DataFrame({"at": texts}, schema={"at": pl.String}), formats)
    assert frame.schema == {"at": pl.Datetime("us"), "has_clock_at": pl.Boolean}
    return list(frame.iter_rows())


@given(
    st.lists(
        st.tuples(
            st.datetimes(datetime(1900, 1, 1), datetime(2099, 12, 31)), st.integers(0, len(FORMATS))
        ),
        max_size=40,
    )
)
def test_any_mix_of_formats_is_read_as_python_reads_it(rows: list[tuple[datetime, int]]) -> None:
    texts: list[str | None] = []
    expected: list[tuple[datetime | None, bool | None]] = []
    for moment, which in rows:
        if which == len(FORMATS):
            texts.append(None)
            expected.append((None, None))
            continue
        text = moment.strftime(FORMATS[which])
        texts.append(text)
        expected.append((datetime.strptime(text, FORMATS[which]), "%H" in FORMATS[which]))
    assert read(*texts) == expected


def test_a_minority_format_is_found_beyond_the_sample() -> None:
    texts = ["2024-01-05 10:00:00"] * 2000 + ["05/01/2024 11:00:00", "05/01/2024", "nonsense"]
    found = read(*texts)
    assert found[:2000] == [(datetime(2024, 1, 5, 10), True)] * 2000
    assert found[2000:] == [
        (datetime(2024, 1, 5, 11), True),
        (datetime(2024, 1, 5), False),
        (None, None),
    ]


@pytest.mark.parametrize("text", ["05/01/24 10:00:00", "01/31/2024 10:00:00", "2024-01-05 24:00:00",
                                  "2024-01-05T10:00:00Z", "2024-01-05", "45296", "05/01/24"])  # fmt: skip
def test_what_no_format_fits_is_not_read(text: str) -> None:
    assert read(text) == [(None, None)]


def test_fractions_of_a_second_as_python_writes_them() -> None:
    found = read("2024-01-05 10:00:00.25", formats=("%Y-%m-%d %H:%M:%S.%f",))
    assert found == [(datetime(2024, 1, 5, 10, 0, 0, 250_000), True)]


def test_day_first_beside_month_first_is_refused() -> None:
    contract = shipped_contracts()["crime_extract"]
    require_clear_formats(contract)
    formats = (*contract.timestamp_formats, "%m/%d/%Y %H:%M")
    with pytest.raises(ContractError, match="03/04 would be two dates"):
        require_clear_formats(replace(contract, timestamp_formats=formats))
    with pytest.raises(ContractError, match="date_formats"):
        require_clear_formats(replace(contract, date_formats=("%d.%m.%Y", "%m.%d.%Y")))
