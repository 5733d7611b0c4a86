"""The standard cuts of a week: when its figures are taken for keeping, and as of which moment.

A week's first issue is what was known with the first deliveries of the day after it ended, its settled figures what was known with the
first deliveries 28 days after; the latest are `hexes.crime_weekly` itself (DOMAIN §5.2). Pure. Here: which cuts fall due. Not here: the
figures (`as_known.py`), writing and reporting (`cut_assets.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from hotspot_pipeline.timebase import PoliceTime, monday_of

# days after the end of the week
CUTS = {"first_issue": 1, "settled": 28}
# so long a cut waits for a feed that is late, and so long before it a feed must have delivered to be waited for
PATIENCE = timedelta(days=7)
EXPECTED = timedelta(days=28)
_WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Cut:
    """A cut that falls due. `known_at` (UTC, without a zone) is None where nothing came that it could be taken from."""

    week_start: date
    cut: str
    known_at: datetime | None
    why: str


def due_cuts(
    deliveries: Mapping[str, Sequence[datetime]],
    taken: Collection[tuple[date, str]],
    clock: PoliceTime,
) -> list[Cut]:
    """The cuts to take now, oldest first, without those in `taken` (week_start, cut).

    `deliveries` gives by feed the moments (UTC, without a zone) from which its extracts are known. A cut is taken as of the first moment
    by which every feed has delivered since local midnight of its day, so a night that failed only makes it later, and a catch-up over
    many nights gives what the single nights would have given. A feed is waited for at most `PATIENCE`, and only if it delivered in the
    `EXPECTED` days before; where none did (a first load), all that come within `PATIENCE` count. Weeks whose cuts fell before the first delivery have none: their history is unknown.
    """
    moments = {feed: sorted(times) for feed, times in deliveries.items() if times}
    if not moments:
        return []
    newest = max(times[-1] for times in moments.values())
    first = min(times[0] for times in moments.values())
    found = []
    for week, cut, day in _days(first, newest):
        if (week, cut) in taken:
            continue
        opens = _midnight(day, clock)
        closes = opens + PATIENCE
        if opens > newest or closes <= first:
            continue
        since = {
            feed: next((t for t in times if opens <= t < closes), None)
            for feed, times in moments.items()
        }
        expected = [
            feed
            for feed, times in moments.items()
            if any(opens - EXPECTED <= t < opens for t in times)
        ]
        late = [feed for feed in expected if since[feed] is None]
        # a feed that begins in these days is waited for only where no other is expected
        if newest < closes and (late or not expected):
            continue
        came = [since[feed] for feed in expected if feed not in late] or list(since.values())
        known_at = max((t for t in came if t is not None), default=None)
        if known_at is not None:
            why = f"{', '.join(late)} did not deliver within {PATIENCE.days} days" if late else ""
        else:
            why = f"nothing was delivered from {day} to {day + PATIENCE - timedelta(days=1)}"
        found.append(Cut(week, cut, known_at, why))
    return found


def _days(first: datetime, newest: datetime) -> Iterator[tuple[date, str, date]]:
    """(week, cut, local day on which it is due) for every week whose cuts may lie between the moments."""
    week = monday_of(first.date()) - timedelta(days=max(CUTS.values())) - PATIENCE - 2 * _WEEK
    while week <= newest.date():
        for cut, days in CUTS.items():
            yield week, cut, week + _WEEK + timedelta(days=days)
        week += _WEEK


def _midnight(day: date, clock: PoliceTime) -> datetime:
    local = datetime.combine(day, time())
    return clock.instant(local).astimezone(UTC).replace(tzinfo=None)
