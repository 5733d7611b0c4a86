"""The members of a zip: which are safe to touch, which are wanted, what the rest is refused for.

Here: names, links, passwords, sizes. Members are streamed, never extracted to disk. Not here:
gzip and the bounds themselves (`unpacking`), what a member holds (`read`).
"""

from __future__ import annotations

import re
import stat
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from hotspot_pipeline.raw.reading.tables import ReadLimits, UnreadableFile
from hotspot_pipeline.raw.reading.unpacking import DELIVER_AGAIN, Content, refuse_bombs

_CLUTTER = re.compile(r"(^|/)(__MACOSX/|\.DS_Store$)")
_DRIVE = re.compile(r"^[A-Za-z]:")
_OFFICE_PARTS = ("[Content_Types].xml", "_rels/", "docProps/", "xl/", "customXml/")
_WORKBOOK_PART = "xl/workbook.xml"


def opened_zip(path: Path) -> zipfile.ZipFile:
    """The archive; raises `UnreadableFile` where its end, and with it its contents, is missing."""
    if not zipfile.is_zipfile(path):
        raise UnreadableFile(
            path.name,
            "truncated",
            "the archive has no table of contents: it is cut off",
            DELIVER_AGAIN,
        )
    return zipfile.ZipFile(path)


def is_workbook(archive: zipfile.ZipFile) -> bool:
    """Whether an open zip is an XLSX."""
    return _WORKBOOK_PART in archive.namelist()


def looks_like_workbook(head: bytes) -> bool:
    """Whether a zip that starts with `head` opens with a part that only Office files have."""
    name_length = int.from_bytes(head[26:28], "little")
    first_name = head[30 : 30 + name_length].decode("utf-8", "replace")
    return first_name.startswith(_OFFICE_PARTS)


def zip_members(
    path: Path,
    archive: zipfile.ZipFile,
    limits: ReadLimits,
    wanted: Callable[[str], bool] | None,
) -> Iterator[Content | UnreadableFile]:
    """The wanted members of an open zip, in its order; an unsafe one is a refusal, wanted or not.

    Raises `UnreadableFile` for the whole archive when it has too many members, unpacks to too much,
    or has nothing that is wanted.
    """
    members = [
        info
        for info in archive.infolist()
        if not info.is_dir() and not _CLUTTER.search(info.filename)
    ]
    if len(members) > limits.max_members:
        raise UnreadableFile(
            path.name,
            "too_many_members",
            f"it holds {len(members)} files, and the limit is {limits.max_members}",
            "have it delivered in smaller archives, or raise max_members",
        )
    seen: set[str] = set()
    chosen: list[tuple[zipfile.ZipInfo, UnreadableFile | None]] = []
    for info in members:
        refusal = _unsafe_name(path, info, seen)
        seen.add(info.filename)
        if refusal is None and not (wanted is None or wanted(info.filename)):
            continue
        chosen.append((info, refusal or _unreadable_member(path, info, limits)))
    if not chosen:
        raise UnreadableFile(
            path.name,
            "no_members",
            "no file in the archive is one that this feed expects",
            "compare the names in the archive with the feed's file pattern",
        )
    # Sizes are claims of the archive, but zipfile never hands out more than a member claims. The
    # sum against the archive's own size also catches members that share their packed bytes.
    n_claimed = sum(info.file_size for info, refusal in chosen if refusal is None)
    refuse_bombs(path.name, limits, n_claimed, path.stat().st_size)
    for info, refusal in chosen:
        yield refusal or _member(path, archive, info)


def _member(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Content:
    source = f"{path.name}!{_printable(info.filename)}"
    return Content(source, lambda: cast(BinaryIO, archive.open(info)))


def _unsafe_name(path: Path, info: zipfile.ZipInfo, seen: set[str]) -> UnreadableFile | None:
    name = info.orig_filename
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if name.startswith(("/", "\\")) or _DRIVE.match(name):
        rule, what = "absolute_path", "its name is an absolute path"
    elif ".." in parts or "\0" in name:
        rule, what = "path_traversal", "its name leads out of the archive"
    elif stat.S_ISLNK(info.external_attr >> 16):
        rule, what = "symlink", "it is a symbolic link, not a file"
    elif info.filename in seen:
        rule, what = "duplicate_member", "another member of the archive has the same name"
    else:
        return None
    hint = "do not open this archive elsewhere; ask the supplier how it was made"
    return UnreadableFile(f"{path.name}!{_printable(name)}", rule, what, hint)


def _unreadable_member(
    path: Path, info: zipfile.ZipInfo, limits: ReadLimits
) -> UnreadableFile | None:
    source = f"{path.name}!{_printable(info.filename)}"
    if info.flag_bits & 0x1:
        return UnreadableFile(
            source,
            "encrypted",
            "it is encrypted with a password",
            "have it delivered without a password over a protected channel, or unpack it first",
        )
    try:
        refuse_bombs(source, limits, info.file_size, info.compress_size)
    except UnreadableFile as refusal:
        return refusal
    return None


def _printable(name: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in name)
