"""What a delivered file really is, told from its first bytes and never from its name.

Here: magic numbers, byte order marks and the plain signs that a "CSV" is something else. Not here:
opening what was recognised (`unpacking`, `csv_file`, `parquet_file`, `xlsx_file`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from hotspot_pipeline.raw.reading.tables import UnreadableFile, empty_file

Kind = Literal["gzip", "zip", "parquet", "text"]

HEAD_BYTES = 64 * 1024

_KNOWN: tuple[tuple[bytes, Kind], ...] = (
    (b"\x1f\x8b", "gzip"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"PAR1", "parquet"),
)
_FOREIGN: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"%PDF-", "a PDF document"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old .xls file or a password-protected workbook"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\xfd7zXZ\x00", "an xz archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"\x7fELF", "a program"),
    (b"PARE", "an encrypted Parquet file"),
)
_MARKUP = re.compile(rb"\s*(<(!doctype|html|\?xml|head|body)\b|\{\s*\"|\[\s*\{)", re.IGNORECASE)
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0e-\x1f\x7f]")
_LINE_END = re.compile(rb"[\r\n]")


@dataclass(frozen=True)
class ByteOrderMark:
    """How many bytes to skip, the name to report, and the codec where it is not UTF-8."""

    n_bytes: int
    encoding: str
    codec: str | None


def byte_order_mark(head: bytes) -> ByteOrderMark | None:
    """The mark at the start of a text file, if there is one."""
    if head.startswith(b"\xef\xbb\xbf"):
        return ByteOrderMark(3, "utf-8", None)
    if head.startswith(b"\xff\xfe"):
        return ByteOrderMark(2, "utf-16", "utf-16-le")
    if head.startswith(b"\xfe\xff"):
        return ByteOrderMark(2, "utf-16", "utf-16-be")
    return None


def kind_of(source: str, head: bytes) -> Kind:
    """The kind of content that starts with `head`.

    Raises `UnreadableFile` for an empty file and for anything that is plainly not a table. A NUL
    below the first line does not make a file binary: it makes its line bad.
    """
    if not head:
        raise empty_file(source)
    for magic, kind in _KNOWN:
        if head.startswith(magic):
            return kind
    for magic, what in _FOREIGN:
        if head.startswith(magic):
            raise _not_a_table(source, "binary", f"this is {what}, not a table")
    if head.startswith((b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")):
        raise UnreadableFile(
            source, "utf_32", "the text is UTF-32", "have the file saved as UTF-8 and deliver again"
        )
    if byte_order_mark(head) is None:
        _refuse_what_is_not_text(source, head)
    return "text"


def _refuse_what_is_not_text(source: str, head: bytes) -> None:
    first_line = _LINE_END.split(head.lstrip(b"\r\n"), maxsplit=1)[0]
    even, odd = first_line[0::2], first_line[1::2]
    if len(first_line) >= 4 and max(even.count(0), odd.count(0)) > 0.8 * len(odd):
        raise UnreadableFile(
            source,
            "utf16_without_bom",
            "the text looks like UTF-16 without a byte order mark",
            "have the file saved as UTF-8, or as UTF-16 with its byte order mark",
        )
    if _CONTROL.search(first_line):
        raise _not_a_table(source, "binary", "the first line holds bytes that no text has")
    if _MARKUP.match(head):
        raise _not_a_table(source, "not_a_table", "this is a web page, XML or JSON, not a table")


def _not_a_table(source: str, rule: str, message: str) -> UnreadableFile:
    return UnreadableFile(source, rule, message, "deliver CSV (also .gz or .zip), Parquet or XLSX")
