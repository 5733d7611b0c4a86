"""`hotspots fetch police-uk`: a force's street files out of the public monthly archive.

Belongs here: the order of the steps. Not here: HTTP (`transport.py`, `remote_file.py`), releases
(`request.py`, `locating.py`), the zip (`archive.py`), the folder (`delivery.py`, `manifest.py`),
and reading the files (elsewhere in `raw`).

The archive of one release is a zip of about 1.7 GB with every force and about 36 months; a force's
year is a few MB of it. Where the server serves byte ranges, only the zip's directory and the wanted
members are fetched; otherwise the whole zip is.
"""

from __future__ import annotations

import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from hotspot_pipeline.raw.fetching.archive import Archive, street_file_name
from hotspot_pipeline.raw.fetching.delivery import Delivery, only_fetch_in
from hotspot_pipeline.raw.fetching.errors import DamagedError, FetchError
from hotspot_pipeline.raw.fetching.locating import (
    find_release,
    nothing_there,
    release_in,
    why_missing,
)
from hotspot_pipeline.raw.fetching.manifest import (
    ArchiveFacts,
    build_manifest,
    files_on_disk,
    known_complete,
    utc_text,
)
from hotspot_pipeline.raw.fetching.progress import ProgressCallback, ProgressCounter
from hotspot_pipeline.raw.fetching.remote_file import RangeReader, RemoteFile
from hotspot_pipeline.raw.fetching.report import FetchedFile, FetchReport, Mode, MonthCoverage
from hotspot_pipeline.raw.fetching.request import DEFAULT_BASE_URL, FetchRequest
from hotspot_pipeline.raw.fetching.transport import RetryPolicy, Transport, shown
from hotspot_pipeline.raw.fetching.whole_download import (
    check_digest,
    digests,
    discard,
    download_whole,
)


def fetch_police_uk(
    force: str,
    first_month: str,
    last_month: str,
    out: Path,
    *,
    release: str | None = None,
    base_url: str = DEFAULT_BASE_URL,
    progress: ProgressCallback | None = None,
    timeout_s: float = 60,
    max_retries: int = 5,
    checksum: str | None = None,
    backoff_s: float = 1.0,
    sleep: Callable[[float], None] = time.sleep,
) -> FetchReport:
    """Bring a force's street files of these months into `<out>/release_<YYYY-MM>/`.

    Months and release are YYYY-MM; without a release the newest is taken. `base_url` may name an
    internal mirror with the same addresses below it. `checksum` is the MD5 or SHA-256 of the whole
    archive; giving one means downloading it whole, as nothing less can be checked against it.
    `progress` is called with what is being transferred, bytes so far and bytes in all (None where
    not known). Waiting times are in seconds; `max_retries` counts the tries after the first.

    Files already there with the length and CRC-32 of the release are kept. Where a finished
    delivery holds everything asked for, nothing is fetched, and with `release` given the server is
    not even asked.

    Raises FetchError when nothing can be had, with what to do next. Months that the release does
    not hold are rows of the report's coverage, and an error only if they are all of them.
    """
    request = FetchRequest.checked(
        force, first_month, last_month, release=release, base_url=base_url, checksum=checksum
    )
    transport = Transport(RetryPolicy(timeout_s, max_retries, backoff_s), sleep)
    run = _Run(request, out, transport, progress or (lambda what, n_done, n_total: None))
    try:
        with only_fetch_in(out):
            return run.report()
    except OSError as error:  # the transport turns its own into FetchError: this is the disk
        raise FetchError(
            f"{error.filename or out}: {error.strerror or error}. Check the folder's rights and "
            "free space, then run the same command again: files already complete are kept."
        ) from error


@dataclass(frozen=True)
class _Run:
    """One fetch under way."""

    request: FetchRequest
    out: Path
    transport: Transport
    progress: ProgressCallback

    def report(self) -> FetchReport:
        release = self.request.release
        known = self._known(release, None)
        if known is not None:
            return known
        remote = find_release(self.transport, self.request)
        release = release or release_in(remote.final_url)
        known = self._known(release, remote)
        if known is not None:
            return known
        with self._opened(remote, release) as (archive, facts):
            if not archive.months:
                raise FetchError(
                    f"{shown(remote.final_url)}: a zip, but without any street file. Check the "
                    "base URL."
                )
            return self._deliver(archive, facts, release or archive.months[-1])

    def _known(self, release: str | None, remote: RemoteFile | None) -> FetchReport | None:
        """The report when everything asked for is on disk already, verified there."""
        if release is None:
            return None
        delivery = Delivery(self.out, release)
        url = self.request.archive_url(release)
        known = known_complete(delivery, self.request, url, remote)
        return None if known is None else self._finished(release, *known, "nothing fetched")

    @contextmanager
    def _opened(
        self, remote: RemoteFile, release: str | None
    ) -> Iterator[tuple[Archive, ArchiveFacts]]:
        """The zip, over byte ranges where they are served and no checksum asks for all of it."""
        source, name = shown(remote.final_url), f"{release or 'latest'}.zip"
        checksum = self.request.checksum
        if remote.has_ranges and checksum is None:
            counter = ProgressCounter(self.progress, f"{name} (directory)", None)
            archive = Archive(RangeReader(self.transport, remote, counter.add), source)
            counter.end()
            yield archive, ArchiveFacts(remote, None)
            return
        part = self.out / ".fetch" / f"{name}.part"
        download_whole(
            self.transport, remote, part, lambda n_done, n_all: self.progress(name, n_done, n_all)
        )
        found = digests(part)
        if checksum is not None:
            check_digest(found, checksum, part, remote.final_url)
        try:
            with part.open("rb") as file:
                yield Archive(file, source), ArchiveFacts(remote, found)
        except DamagedError:
            discard(part)
            raise
        # After any other error, a force misspelt say, the part saves the next run the download.
        discard(part)

    def _deliver(self, archive: Archive, facts: ArchiveFacts, release: str) -> FetchReport:
        request, force = self.request, self.request.force
        members = {month: archive.member(month, force) for month in request.months}
        wanted = {month: info for month, info in members.items() if info is not None}
        if not wanted:
            source = shown(facts.remote.final_url)
            raise FetchError(nothing_there(request, archive, release, source))

        delivery = Delivery(self.out, release)
        files = files_on_disk(delivery, delivery.path, force, wanted)
        elsewhere = {month: info for month, info in wanted.items() if month not in files}
        files |= files_on_disk(delivery, delivery.staged, force, elsewhere)
        coverage: list[MonthCoverage] = []
        try:
            if elsewhere:
                delivery.begin()
            for month in request.months:
                if month not in wanted:
                    note = why_missing(month, force, archive, release)
                    coverage.append(MonthCoverage(month, "missing", note))
                elif month in files:
                    coverage.append(MonthCoverage(month, "on disk", ""))
                else:
                    files[month] = self._fetch(archive, delivery, month, wanted[month])
                    coverage.append(MonthCoverage(month, "fetched", ""))
        except BaseException:
            delivery.tidy()
            raise
        in_order = [files[month] for month in sorted(files)]
        earlier = delivery.manifest()
        url = request.archive_url(release)
        manifest = build_manifest(
            earlier, release, url, facts, archive.months, force, in_order, coverage
        )
        if elsewhere or manifest != earlier or not delivery.is_done:
            delivery.finish(manifest, [files[month].path.name for month in elsewhere])
        mode: Mode = "byte ranges" if facts.digests is None else "whole archive"
        return self._finished(release, in_order, coverage, mode)

    def _fetch(
        self, archive: Archive, delivery: Delivery, month: str, info: zipfile.ZipInfo
    ) -> FetchedFile:
        name = street_file_name(month, self.request.force)
        counter = ProgressCounter(self.progress, name, info.compress_size)
        found = archive.extract(info, delivery.part(name), counter.add)
        delivery.put_aside(name)
        counter.end()
        fetched_at_utc = utc_text(datetime.now(UTC))
        crc32 = f"{found.crc32:08x}"
        return FetchedFile(
            delivery.path(name),
            month,
            found.n_bytes,
            crc32,
            found.sha256,
            fetched_at_utc,
            is_new=True,
        )

    def _finished(
        self,
        release: str,
        files: Sequence[FetchedFile],
        coverage: Sequence[MonthCoverage],
        mode: Mode,
    ) -> FetchReport:
        return FetchReport(
            force=self.request.force,
            release=release,
            directory=Delivery(self.out, release).directory,
            source_url=self.request.archive_url(release),
            files=tuple(files),
            coverage=tuple(coverage),
            n_bytes_downloaded=self.transport.n_bytes_downloaded,
            mode=mode,
        )
