"""Which encoding a text file is in, and streams that hand it on as UTF-8.

Here: byte order marks, the choice between the contract's encodings, transcoding. Not here: lines
and fields (`lines`, `records`).

The choice is made once for the whole file, in the contract's order: the first encoding in which
every line is valid. A single-byte encoding accepts nearly anything, so a file that fails UTF-8 is
weighed: when at least as many of its lines are valid multi-byte UTF-8 as are not, it is UTF-8.
Lines that disagree with the choice, in either direction, are bad and never read as mojibake.
"""

from __future__ import annotations

import codecs
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, cast

from hotspot_pipeline.raw.reading.kinds import ByteOrderMark
from hotspot_pipeline.raw.reading.lines import physical_lines
from hotspot_pipeline.raw.reading.unpacking import Content

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

UTF_8 = "utf-8"
_BLOCK_BYTES = 256 * 1024

Decode = Callable[[bytes], tuple[str, bool]]


@dataclass(frozen=True)
class Encoding:
    """A file's encoding under the name the contract gave it, and how far the file agrees with it.

    `n_disagreeing`: lines that are not valid in it (or, for a single-byte encoding taken after
    UTF-8 failed, lines that are valid multi-byte UTF-8). `is_fallback`: UTF-8 was tried before.
    """

    name: str
    n_disagreeing: int = 0
    is_fallback: bool = False

    @property
    def is_utf_8(self) -> bool:
        """Also for `utf-8-sig`: the byte order mark is looked for in any case."""
        return codecs.lookup(self.name).name in (UTF_8, "utf-8-sig")


@dataclass(frozen=True)
class TextSource:
    """A text file behind its byte order mark."""

    content: Content
    mark: ByteOrderMark | None

    def open(self, encoding: Encoding) -> BinaryIO:
        """The text as UTF-8 bytes; as delivered where some lines disagree with the encoding.

        Half a UTF-16 pair comes out as bytes that are not UTF-8, so that its line is found bad.
        """
        stream = self.content.open()
        if self.mark:
            stream.read(self.mark.n_bytes)
        if self.mark and self.mark.codec:
            return _transcoded(stream, self.mark.codec, "surrogatepass")
        if self.mark or encoding.is_utf_8 or encoding.n_disagreeing:
            return stream
        return _transcoded(stream, encoding.name, "replace")

    def decoder(self, encoding: Encoding) -> Decode:
        """A function from a line that `open` gave to its text and whether the line agrees."""
        if self.mark or encoding.is_utf_8 or not encoding.n_disagreeing:
            return _decode_utf_8
        return _decode_single_byte(encoding)


def refuse_unusable_encodings(encodings: Sequence[str]) -> None:
    """Raise ValueError for a contract that names an encoding in which a comma is not one byte."""
    if not encodings:
        raise ValueError("a text feed needs at least one encoding, such as utf-8")
    every_byte = bytes(range(256))
    for name in encodings:
        try:
            is_single_byte = len(every_byte.decode(name, "replace")) == len(every_byte)
            is_usable = Encoding(name).is_utf_8 or (
                is_single_byte and every_byte[:128].decode(name).encode("ascii") == every_byte[:128]
            )
        except (LookupError, UnicodeError):
            is_usable = False
        if not is_usable:
            raise ValueError(
                f"encoding {name!r} cannot be used: give utf-8 or a single-byte encoding such as "
                "windows-1252 (UTF-16 is recognised by its byte order mark)"
            )


def decide(content: Content, encodings: Sequence[str], max_line_bytes: int) -> Encoding:
    """Weigh every line of a text without byte order mark (module docstring); one pass."""
    n_invalid = dict.fromkeys(encodings, 0)
    n_invalid_utf_8 = n_multibyte = 0
    with content.open() as stream:
        for raw in physical_lines(stream, max_line_bytes):
            if raw is None or raw.isascii():
                continue
            if _is_valid(raw, UTF_8):
                n_multibyte += 1
            else:
                n_invalid_utf_8 += 1
            for name in encodings:
                n_invalid[name] += not _is_valid(raw, name)
    is_fallback = False
    for name in encodings:
        is_utf_8 = Encoding(name).is_utf_8
        if n_invalid[name] == 0 or (is_utf_8 and n_multibyte >= n_invalid_utf_8):
            return Encoding(name, n_invalid[name] + is_fallback * n_multibyte, is_fallback)
        is_fallback = is_fallback or is_utf_8
    name = next((name for name in encodings if not Encoding(name).is_utf_8), encodings[0])
    is_fallback = is_fallback and not Encoding(name).is_utf_8
    return Encoding(name, n_invalid[name] + is_fallback * n_multibyte, is_fallback)


def _is_valid(raw: bytes, encoding: str) -> bool:
    try:
        raw.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _decode_utf_8(raw: bytes) -> tuple[str, bool]:
    try:
        return raw.decode(UTF_8), True
    except UnicodeDecodeError:
        return raw.decode(UTF_8, "replace"), False


def _decode_single_byte(encoding: Encoding) -> Decode:
    def decode(raw: bytes) -> tuple[str, bool]:
        if raw.isascii():
            return raw.decode("ascii"), True
        agrees = _is_valid(raw, encoding.name)
        if encoding.is_fallback and _is_valid(raw, UTF_8):
            agrees = False
        return raw.decode(encoding.name, "replace"), agrees

    return decode


def _transcoded(stream: BinaryIO, codec: str, errors: str) -> BinaryIO:
    return cast(BinaryIO, io.BufferedReader(_Transcoder(stream, codec, errors), _BLOCK_BYTES))


class _Transcoder(io.RawIOBase):
    def __init__(self, stream: BinaryIO, codec: str, errors: str) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(codec)(errors)
        self._ready = b""
        self._at_end = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        while not self._ready and not self._at_end:
            block = self._stream.read(_BLOCK_BYTES)
            self._at_end = not block
            try:
                text = self._decoder.decode(block, final=self._at_end)
            except UnicodeDecodeError as error:
                raise EOFError("the last character is cut in two") from error
            self._ready = text.encode(UTF_8, "surrogatepass")
        view = memoryview(buffer)
        n_bytes = min(len(view), len(self._ready))
        view[:n_bytes] = self._ready[:n_bytes]
        self._ready = self._ready[n_bytes:]
        return n_bytes

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
        super().close()
