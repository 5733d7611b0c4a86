"""What is asked for: force, months, release, mirror; checked before anything is sent or written.

Belongs here: the rules for these words and the arithmetic of months and releases. Not here:
talking to the server (`transport.py`) and what a release turns out to hold (`archive.py`).

A release is named after the newest month in it. It holds about the 36 months up to that month;
the release of April 2017 and earlier ones (the first: December 2013) still reached back to
December 2010, when the site began.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from hotspot_pipeline.raw.fetching.errors import FetchError

DEFAULT_BASE_URL = "https://data.police.uk"
FIRST_PUBLISHED_MONTH = "2010-12"
N_MONTHS_IN_RELEASE = 36
FIRST_RELEASE = "2013-12"
LAST_RELEASE_WITH_ALL_MONTHS = "2017-04"

_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")
_FORCE = re.compile(r"[a-z]+(-[a-z]+)*")
_CHECKSUM = re.compile(r"[0-9a-f]{32}|[0-9a-f]{64}")


def shift_month(month: str, n_months: int) -> str:
    """The month `n_months` after `month` (before it, if negative); both as YYYY-MM."""
    year, number = divmod(int(month[:4]) * 12 + int(month[5:]) - 1 + n_months, 12)
    return f"{year:04d}-{number + 1:02d}"


def months_between(first_month: str, last_month: str) -> list[str]:
    """Every month from the first to the last, both included."""
    months = [first_month]
    while months[-1] < last_month:
        months.append(shift_month(months[-1], 1))
    return months


def releases_covering(
    first_month: str, last_month: str, newest_release: str | None = None
) -> tuple[str, str] | None:
    """The oldest and newest release that hold all these months; None when no single one can.

    `newest_release`, where known, keeps releases that are not out yet from being named.
    """
    oldest = max(last_month, FIRST_RELEASE)
    newest = max(shift_month(first_month, N_MONTHS_IN_RELEASE - 1), LAST_RELEASE_WITH_ALL_MONTHS)
    if newest_release is not None:
        newest = min(newest, newest_release)
    return (oldest, newest) if oldest <= newest else None


def covering_advice(first_month: str, last_month: str, newest_release: str | None = None) -> str:
    """One sentence: which releases hold these months, or how to split the request."""
    wanted = first_month if first_month == last_month else f"{first_month} to {last_month}"
    found = releases_covering(first_month, last_month, newest_release)
    if found is None and newest_release is not None and newest_release < last_month:
        return (
            f"The newest release is {newest_release}, so {last_month} is not out yet: "
            f"ask for months up to {newest_release}."
        )
    if found is None:
        return (
            f"No single release holds {wanted} (a release holds about {N_MONTHS_IN_RELEASE} "
            "months up to its own): fetch the months in shorter pieces, each with its release."
        )
    oldest, newest = found
    which = f"Release {oldest}" if oldest == newest else f"Releases {oldest} to {newest}"
    verb = "holds" if oldest == newest else "hold"
    return f"{which} {verb} {wanted} (a release holds about {N_MONTHS_IN_RELEASE} months)."


@dataclass(frozen=True)
class FetchRequest:
    """One checked request. Months are YYYY-MM; `release` None means the newest there is."""

    force: str
    first_month: str
    last_month: str
    release: str | None
    base_url: str
    checksum: str | None

    @classmethod
    def checked(
        cls,
        force: str,
        first_month: str,
        last_month: str,
        *,
        release: str | None,
        base_url: str,
        checksum: str | None,
    ) -> FetchRequest:
        """The request, or a FetchError that names the value, the rule and an example."""
        if not _FORCE.fullmatch(force):
            raise FetchError(
                f"force {force!r}: small letters and hyphens only, as in the archive's file "
                "names, for example warwickshire or avon-and-somerset."
            )
        _check_month("first month", first_month)
        _check_month("last month", last_month)
        if first_month > last_month:
            raise FetchError(
                f"first month {first_month} is after last month {last_month}: swap them."
            )
        if release is not None:
            _check_month("release", release)
            if first_month > release:
                raise FetchError(
                    f"release {release} ends with {release}, before {first_month}. "
                    + covering_advice(first_month, last_month)
                )
        if checksum is not None:
            checksum = checksum.strip().lower()
            if not _CHECKSUM.fullmatch(checksum):
                raise FetchError(
                    f"checksum {checksum!r}: give the archive's MD5 (32 hex digits) or "
                    "SHA-256 (64 hex digits)."
                )
        return cls(force, first_month, last_month, release, _checked_base_url(base_url), checksum)

    @property
    def months(self) -> list[str]:
        """The months asked for, in order."""
        return months_between(self.first_month, self.last_month)

    def archive_url(self, release: str | None) -> str:
        """Where the zip of this release is; the newest one's fixed address for None."""
        return f"{self.base_url}/data/archive/{release or 'latest'}.zip"


def _check_month(what: str, month: str) -> None:
    if not _MONTH.fullmatch(month):
        raise FetchError(f"{what} {month!r}: write it as YYYY-MM, for example 2025-01.")
    if month < FIRST_PUBLISHED_MONTH:
        raise FetchError(
            f"{what} {month}: street-level data begin with {FIRST_PUBLISHED_MONTH}; "
            "ask for a later month."
        )


def _checked_base_url(base_url: str) -> str:
    try:
        parts = urlsplit(base_url)
        is_usable = parts.scheme in ("http", "https") and bool(parts.hostname)
        _ = parts.port  # raises ValueError where it is not a number
    except ValueError:
        is_usable = False
    if not is_usable or any(character <= " " for character in base_url):
        raise FetchError(
            f"base URL {base_url!r}: give an http:// or https:// address, "
            f"for example {DEFAULT_BASE_URL}."
        )
    if "@" in parts.netloc:
        raise FetchError(
            f"base URL of {parts.hostname}: a user name or password in the address would end up "
            "in the manifest; use a mirror that needs none, or a proxy that adds it."
        )
    if parts.query or parts.fragment:
        raise FetchError(
            f"base URL {base_url!r}: leave out what follows '?' or '#'; "
            "/data/archive/<release>.zip is added to it."
        )
    return base_url.rstrip("/")
