"""The way out where a server (or a proxy) serves no byte ranges: download the whole zip.

Belongs here: one resumable download into a `.part` file and the check of its checksum. Not here:
reading the zip (`archive.py`). The part is kept when a download breaks off, with a small note
beside it of which version of the file it belongs to; it is never joined to another version.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hotspot_pipeline.raw.fetching.errors import FetchError, RefusedError, TransientError
from hotspot_pipeline.raw.fetching.remote_file import RemoteFile, content_length, content_range
from hotspot_pipeline.raw.fetching.transport import Transport, shown


@dataclass(frozen=True)
class ArchiveDigests:
    """Checksums of a whole archive, in hex."""

    md5: str
    sha256: str


def download_whole(
    transport: Transport,
    remote: RemoteFile,
    part: Path,
    on_progress: Callable[[int, int | None], None],
) -> None:
    """Fill `part` with the file, continuing what an earlier try left there if it still fits.

    `on_progress` gets bytes present and bytes in all. Raises FetchError when the disk is too
    small or the retries are used up; the part then stays for the next run.
    """
    note = _note_path(part)
    version = {
        "url": shown(remote.url),
        "n_bytes": remote.n_bytes,
        "etag": remote.etag,
        "last_modified": remote.last_modified,
    }
    # Without a length and a date or tag nothing tells whether a part belongs to this version.
    can_resume = remote.n_bytes is not None and bool(remote.etag or remote.last_modified)
    if not (can_resume and part.exists() and _read_note(note) == version):
        part.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(b"")
        note.write_text(json.dumps(version), encoding="utf-8")
    n_present = part.stat().st_size
    _check_space(part, remote, n_present)

    url = remote.final_url
    retries = transport.retries(url)
    n_total = remote.n_bytes
    while n_total is None or n_present != n_total:
        if n_total is not None and n_present > n_total:
            n_present = 0
        n_before = n_present
        try:
            with (
                transport.open(url, n_present if can_resume else 0) as answer,
                part.open("r+b") as target,
            ):
                span = content_range(answer.headers) if answer.status == 206 else None
                if span is None:
                    n_present, n_total = 0, content_length(answer.headers)
                    if not remote.is_same_version(answer.headers, n_total):
                        raise FetchError(
                            f"{shown(url)}: the file changed since the download began. Run the "
                            "same command again."
                        )
                elif span[0] == n_present and remote.is_same_version(answer.headers, span[2]):
                    n_total = span[2]
                else:
                    can_resume = False
                    raise TransientError("the server sent other bytes than asked for")
                target.truncate(n_present)
                target.seek(n_present)
                n_left = None if n_total is None else n_total - n_present
                for chunk in transport.chunks(answer, n_left):
                    target.write(chunk)
                    n_present += len(chunk)
                    on_progress(n_present, n_total)
            if n_total is None:
                return
            if n_present < n_total:
                raise TransientError(
                    f"the connection ended after {n_present:,} of {n_total:,} bytes"
                )
        except RefusedError:
            # A signed address runs out; the one it came from hands out a new one.
            if url == remote.url:
                raise
            url = remote.url
        except TransientError as failure:
            retries.wait(failure, n_present - n_before)


def digests(path: Path) -> ArchiveDigests:
    """MD5 (which the publisher lists) and SHA-256 of a file, in one reading."""
    md5, sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
    with path.open("rb") as source:
        while block := source.read(1024 * 1024):
            md5.update(block)
            sha256.update(block)
    return ArchiveDigests(md5.hexdigest(), sha256.hexdigest())


def check_digest(found: ArchiveDigests, checksum: str, part: Path, url: str) -> None:
    """Compare with the checksum given; on a mismatch remove the part and raise FetchError."""
    actual = found.md5 if len(checksum) == 32 else found.sha256
    if actual != checksum:
        discard(part)
        kind = "MD5" if len(checksum) == 32 else "SHA-256"
        raise FetchError(
            f"{shown(url)}: {kind} is {actual}, expected {checksum}. The download was removed. "
            "Check that the checksum belongs to this release, then run the same command again."
        )


def discard(part: Path) -> None:
    """Remove a part, its note, and their folder if that leaves it empty."""
    part.unlink(missing_ok=True)
    _note_path(part).unlink(missing_ok=True)
    if part.parent.exists() and not any(part.parent.iterdir()):
        part.parent.rmdir()


def _note_path(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _read_note(note: Path) -> object:
    try:
        return json.loads(note.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _check_space(part: Path, remote: RemoteFile, n_present: int) -> None:
    n_free = shutil.disk_usage(part.parent).free
    if remote.n_bytes is not None and remote.n_bytes - n_present > n_free:
        raise FetchError(
            f"{part.parent}: {remote.n_bytes - n_present:,} bytes are needed for the whole archive "
            f"(the server serves no byte ranges, or a checksum was given) and {n_free:,} are free. "
            "Free some space or choose another --out."
        )
