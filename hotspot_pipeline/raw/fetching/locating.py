"""Which release answers the request, and what to say where it, or a month of it, is not there.

Belongs here: addresses of releases and the words about missing releases, forces and months. Not
here: HTTP (`remote_file.py`) and the arithmetic of releases (`request.py`).
"""

from __future__ import annotations

import difflib
import re
from urllib.parse import urlsplit

from hotspot_pipeline.raw.fetching.archive import Archive
from hotspot_pipeline.raw.fetching.errors import FetchError, RefusedError
from hotspot_pipeline.raw.fetching.remote_file import RemoteFile, probe
from hotspot_pipeline.raw.fetching.request import FetchRequest, covering_advice
from hotspot_pipeline.raw.fetching.transport import RetryPolicy, Transport, shown

_RELEASE_IN_PATH = re.compile(r"(?:^|/)([0-9]{4}-(?:0[1-9]|1[0-2]))\.zip$")
_NOT_THERE = frozenset({403, 404, 410})  # object stores say 403 for a name they do not have


def release_in(url: str) -> str | None:
    """The release an archive's address names; None where it names none (`latest.zip`)."""
    match = _RELEASE_IN_PATH.search(urlsplit(url).path)
    return match[1] if match else None


def find_release(transport: Transport, request: FetchRequest) -> RemoteFile:
    """Where the asked-for (or newest) release is, and whether it can be read in parts.

    Raises FetchError, saying which releases hold the months, where it is not there or the server
    answers with another one.
    """
    url = request.archive_url(request.release)
    try:
        remote = probe(transport, url)
    except RefusedError as error:
        if error.status not in _NOT_THERE:
            raise
        raise FetchError(_not_there(transport, request, error.status)) from error
    named = release_in(remote.final_url)
    if request.release is not None and named not in (None, request.release):
        raise FetchError(
            f"{shown(url)}: the server answers with release {named} instead of "
            f"{request.release}. Name --release {named}, or use another base URL."
        )
    return remote


def _not_there(transport: Transport, request: FetchRequest, status: int) -> str:
    first, last = request.first_month, request.last_month
    url = shown(request.archive_url(request.release))
    if request.release is None:
        return (
            f"{url}: no newest release there (HTTP {status}). Check the base URL, or name the "
            f"release. {covering_advice(first, last)}"
        )
    newest = None
    try:
        once = Transport(RetryPolicy(transport.policy.timeout_s, 0, 0.0))
        newest = release_in(probe(once, request.archive_url(None)).final_url)
    except FetchError:
        pass  # it would only have made the advice better
    return (
        f"{url}: there is no release {request.release} (HTTP {status}). "
        f"{covering_advice(first, last, newest)} Without --release the newest is taken."
    )


def why_missing(month: str, force: str, archive: Archive, release: str) -> str:
    """Why one requested month is not in the release for this force."""
    if month > release:
        return f"later than release {release}"
    if month not in archive.months:
        return (
            f"release {release} holds {archive.months[0]} to {archive.months[-1]}. "
            + covering_advice(month, month)
        )
    return (
        f"release {release} has this month for other forces but not for {force}: the publisher's "
        "own gap; another release may have it"
    )


def nothing_there(request: FetchRequest, archive: Archive, release: str, source: str) -> str:
    """The message for a request of which the release holds nothing at all."""
    force, first, last = request.force, request.first_month, request.last_month
    if force not in archive.forces:
        near = difflib.get_close_matches(force, archive.forces, n=3)
        hint = f"Did you mean {' or '.join(near)}?" if near else "Its forces are: "
        if not near:
            hint += ", ".join(archive.forces) + "."
        return f"{source}: release {release} has no force {force!r}. {hint}"
    held = [month for month in archive.months if archive.member(month, force) is not None]
    return (
        f"{source}: release {release} holds no month from {first} to {last} for {force}; it holds "
        f"{held[0]} to {held[-1]}. {covering_advice(first, last)}"
    )
