"""The file object over byte ranges reads what a local file reads, and asks for little more."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hotspot_pipeline.raw.fetching import remote_file
from hotspot_pipeline.raw.fetching.errors import FetchError
from hotspot_pipeline.raw.fetching.remote_file import TAIL_BYTES, RangeReader, RemoteFile
from hotspot_pipeline.raw.fetching.transport import RetryPolicy, Transport

NOT_USED = Transport(RetryPolicy())


class LocalRanges(RangeReader):
    """The reader with its network replaced by bytes in memory; keeps what was asked for."""

    def __init__(self, content: bytes) -> None:
        remote = RemoteFile("http://x/y.zip", "http://x/y.zip", len(content), None, None, True)
        super().__init__(NOT_USED, remote)
        self.content = content
        self.asked: list[tuple[int, int]] = []

    def _fetch(self, start: int, stop: int) -> bytes:
        assert 0 <= start < stop <= len(self.content)
        self.asked.append((start, stop))
        return self.content[start:stop]


steps = st.lists(
    st.one_of(
        st.tuples(st.just("seek"), st.integers(0, 4_000)),
        st.tuples(st.just("seek_from_end"), st.integers(-3_500, 50)),
        st.tuples(st.just("read"), st.integers(-1, 2_500)),
        st.tuples(st.just("expect"), st.integers(0, 4_000)),
    ),
    max_size=25,
)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 3_500), steps)
def test_reads_what_a_file_in_memory_reads(size: int, steps: list[tuple[str, int]]) -> None:
    content = random.Random(size).randbytes(size)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(remote_file, "TAIL_BYTES", 600)
        patch.setattr(remote_file, "READ_AHEAD_BYTES", 500)
        compare_step_by_step(LocalRanges(content), io.BytesIO(content), steps)


def compare_step_by_step(
    reader: LocalRanges, plain: io.BytesIO, steps: list[tuple[str, int]]
) -> None:
    size = len(reader.content)
    for word, number in steps:
        if word == "seek":
            assert reader.seek(number) == plain.seek(number)
        elif word == "seek_from_end" and size + number >= 0:
            assert reader.seek(number, io.SEEK_END) == plain.seek(number, io.SEEK_END)
        elif word == "read":
            assert reader.read(number) == plain.read(number)
            assert reader.tell() == plain.tell()
        elif word == "expect":
            reader.expect(number)


def test_opening_a_zip_costs_the_tail_and_the_directory_each_byte_once(
    make_archive: Callable[..., bytes],
) -> None:
    names = {f"2026-07/{'x' * 100}-{n}.txt": b"" for n in range(900)}
    content = make_archive(n_months=3, extra=names)
    reader = LocalRanges(content)
    archive = zipfile.ZipFile(reader)
    directory_start = archive.start_dir
    tail_start = len(content) - TAIL_BYTES
    assert len(content) - directory_start > 100_000
    assert reader.asked == [(tail_start, len(content)), (directory_start, tail_start)]


def test_read_ahead_stops_at_the_window_and_fetches_nothing_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(remote_file, "READ_AHEAD_BYTES", 10_000)
    content = random.Random(1).randbytes(300_000)
    reader = LocalRanges(content)
    reader.expect(135_000)
    reader.seek(100_000)
    read = b"".join(reader.read(3_000) for _ in range(11)) + reader.read(2_000)
    assert read == content[100_000:135_000]
    assert reader.asked[0] == (100_000, 110_000)
    assert reader.asked[-1][1] == 135_000
    for (_, stop), (start, _) in zip(reader.asked, reader.asked[1:], strict=False):
        assert stop == start


def test_refuses_one_read_of_gigabytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_file, "MAX_READ_BYTES", 1_000)
    reader = LocalRanges(bytes(5_000))
    with pytest.raises(FetchError, match="damaged"):
        reader.read()
    assert reader.asked == []


def test_seek_before_the_start_is_an_error() -> None:
    reader = LocalRanges(bytes(10))
    with pytest.raises(OSError, match="before the start"):
        reader.seek(-11, io.SEEK_END)
