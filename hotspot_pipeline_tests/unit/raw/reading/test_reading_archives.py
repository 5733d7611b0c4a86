"""Zips: every member by itself, the unsafe ones refused, the rest still loaded."""

from __future__ import annotations

import gzip
import io
import stat
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from hotspot_pipeline.raw.reading import ReadLimits, SourceTable, UnreadableFile, read_file

Deliver = Callable[[str, bytes], Path]
CSV = b"id,when\n1,2025-01-01\n"


def zipped(*members: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zipfile warns of names that occur twice
        for name, content in members:
            archive.writestr(name, content)
    return buffer.getvalue()


def parquet_bytes() -> bytes:
    buffer = io.BytesIO()
    pl.DataFrame({"id": [7]}).write_parquet(buffer)
    return buffer.getvalue()


def xlsx_bytes() -> bytes:
    buffer = io.BytesIO()
    pl.DataFrame({"id": [8]}).write_csv(buffer)
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.append(["id"])
    book.active.append([8])
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def test_members_of_every_kind(deliver: Deliver) -> None:
    path = deliver(
        "night.zip",
        zipped(
            ("2025-01/", b""),
            ("2025-01/a.csv", CSV),
            ("2025-01/b.csv.gz", gzip.compress(CSV)),
            ("c.parquet", parquet_bytes()),
            ("d.xlsx", xlsx_bytes()),
            ("e.parquet.gz", gzip.compress(parquet_bytes())),
            ("__MACOSX/2025-01/._a.csv", b"\0\1\2"),
            ("2025-01/.DS_Store", b"\0\1\2"),
        ),
    )
    items = read_file(path)
    assert [item.source for item in items] == [
        "night.zip!2025-01/a.csv",
        "night.zip!2025-01/b.csv.gz",
        "night.zip!c.parquet",
        "night.zip!d.xlsx",
        "night.zip!e.parquet.gz",
    ]
    ids = [item.frame["id"].to_list() for item in items if isinstance(item, SourceTable)]
    assert ids == [["1"], ["1"], ["7"], ["8"], ["7"]]


def test_only_wanted_members_are_read(deliver: Deliver) -> None:
    path = deliver(
        "a.zip", zipped(("x-street.csv", CSV), ("x-outcomes.csv", b"\0"), ("r.txt", b""))
    )
    [item] = read_file(path, members=lambda name: name.endswith("street.csv"))
    assert isinstance(item, SourceTable)
    [none] = read_file(path, members=lambda name: name == "nothing")
    assert isinstance(none, UnreadableFile)
    assert none.rule == "no_members"


def test_one_bad_member_leaves_the_others(deliver: Deliver) -> None:
    content = bytearray(zipped(("a.csv", CSV), ("b.csv", CSV * 3), ("c.csv", b""), ("d.csv", CSV)))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        start = archive.getinfo("b.csv").header_offset + 30 + len("b.csv")
    content[start + 3] ^= 0xFF
    items = read_file(deliver("a.zip", bytes(content)))
    assert [type(item) for item in items] == [
        SourceTable,
        UnreadableFile,
        UnreadableFile,
        SourceTable,
    ]
    assert [item.rule for item in items if isinstance(item, UnreadableFile)] == ["corrupt", "empty"]


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("../escape.csv", "path_traversal"),
        ("a/../../escape.csv", "path_traversal"),
        ("..\\escape.csv", "path_traversal"),
        ("/etc/escape.csv", "absolute_path"),
        ("\\\\server\\share\\escape.csv", "absolute_path"),
        ("C:\\escape.csv", "absolute_path"),
    ],
)
def test_path_traversal_in_a_zip(deliver: Deliver, tmp_path: Path, name: str, rule: str) -> None:
    path = deliver("a.zip", zipped((name, CSV), ("good.csv", CSV)))
    bad, good = read_file(path, members=lambda member: member == "good.csv")
    assert isinstance(bad, UnreadableFile)
    assert bad.rule == rule
    assert isinstance(good, SourceTable)
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.zip"]


def test_symlink_in_a_zip(deliver: Deliver) -> None:
    link = zipfile.ZipInfo("link.csv")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    bad, good = read_file(deliver("a.zip", zipped((link, b"/etc/passwd"), ("good.csv", CSV))))
    assert isinstance(bad, UnreadableFile)
    assert bad.rule == "symlink"
    assert isinstance(good, SourceTable)


def test_member_twice_in_a_zip(deliver: Deliver) -> None:
    good, bad = read_file(deliver("a.zip", zipped(("a.csv", CSV), ("a.csv", CSV + CSV))))
    assert isinstance(good, SourceTable)
    assert isinstance(bad, UnreadableFile)
    assert bad.rule == "duplicate_member"


def test_encrypted_member_of_a_zip(deliver: Deliver) -> None:
    content = bytearray(zipped(("secret.csv", CSV), ("good.csv", CSV)))
    for magic, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(magic) + offset] |= 1
    bad, good = read_file(deliver("a.zip", bytes(content)))
    assert isinstance(bad, UnreadableFile)
    assert bad.rule == "encrypted"
    assert isinstance(good, SourceTable)


@pytest.mark.parametrize(
    "inner",
    [zipped(("a.csv", CSV)), gzip.compress(gzip.compress(CSV)), zipped()],
    # the bytes hold the time: as a name they would differ between workers
    ids=["zip", "gzip in a gzip", "empty zip"],
)
def test_archive_in_an_archive(deliver: Deliver, inner: bytes) -> None:
    bad, good = read_file(deliver("a.zip", zipped(("inner", inner), ("good.csv", CSV))))
    assert isinstance(bad, UnreadableFile)
    assert bad.rule == "nested_archive"
    assert isinstance(good, SourceTable)


def test_zip_in_a_gzip(deliver: Deliver) -> None:
    [bad] = read_file(deliver("a.gz", gzip.compress(zipped(("a.csv", CSV)))))
    assert isinstance(bad, UnreadableFile)
    assert bad.rule == "nested_archive"


def test_bomb_beside_a_good_member(deliver: Deliver) -> None:
    bomb = b"id,note\n" + b"1,a\n" * 500_000
    path = deliver("a.zip", zipped(("bomb.csv", bomb), ("good.csv", CSV)))
    bad, good = read_file(path, limits=ReadLimits(ratio_above_bytes=1_000_000))
    assert isinstance(bad, UnreadableFile)
    assert bad.rule == "zip_bomb"
    assert isinstance(good, SourceTable)


def test_bomb_in_a_gzip_in_a_zip(deliver: Deliver) -> None:
    bomb = gzip.compress(b"id,note\n" + b"1,a\n" * 500_000)
    path = deliver("a.zip", zipped(("bomb.csv.gz", bomb), ("good.csv", CSV)))
    bad, good = read_file(path, limits=ReadLimits(ratio_above_bytes=1_000_000))
    assert isinstance(bad, UnreadableFile)
    assert bad.rule == "zip_bomb"
    assert isinstance(good, SourceTable)


def test_member_that_lies_about_its_size(deliver: Deliver) -> None:
    big = b"id,note\n" + b"1,a\n" * 500_000
    content = bytearray(zipped(("liar.csv", big), ("good.csv", CSV)))
    for magic, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        start = content.index(magic) + offset
        content[start : start + 4] = (1000).to_bytes(4, "little")
    bad, good = read_file(deliver("a.zip", bytes(content)))
    assert isinstance(bad, UnreadableFile)
    assert bad.rule == "corrupt"
    assert isinstance(good, SourceTable)


def test_members_that_together_unpack_to_too_much(deliver: Deliver) -> None:
    path = deliver("a.zip", zipped(*((f"{i}.csv", CSV * 100) for i in range(10))))
    [refusal] = read_file(path, limits=ReadLimits(max_unpacked_bytes=len(CSV) * 900))
    assert isinstance(refusal, UnreadableFile)
    assert refusal.rule == "unpacked_too_large"


def test_too_many_members(deliver: Deliver) -> None:
    path = deliver("a.zip", zipped(*((f"{i}.csv", CSV) for i in range(4))))
    [refusal] = read_file(path, limits=ReadLimits(max_members=3))
    assert isinstance(refusal, UnreadableFile)
    assert refusal.rule == "too_many_members"


def test_truncated_and_empty_zips(deliver: Deliver) -> None:
    content = zipped(("a.csv", CSV), ("b.csv", CSV))
    for n_kept, rule in ((len(content) // 2, "truncated"), (40, "truncated")):
        [refusal] = read_file(deliver("a.zip", content[:n_kept]))
        assert isinstance(refusal, UnreadableFile)
        assert refusal.rule == rule
    [refusal] = read_file(deliver("a.zip", zipped()))
    assert isinstance(refusal, UnreadableFile)
    assert refusal.rule == "no_members"


def test_control_characters_in_a_member_name_do_not_reach_a_terminal(deliver: Deliver) -> None:
    [item] = read_file(deliver("a.zip", zipped(("a\x1b[2Jb.csv", CSV))))
    assert item.source == "a.zip!a?[2Jb.csv"
