"""Numbers as people say them: small ones in words, ranges, parts of a whole, hours.

Here: words for a number. Not here: what is said with it (`week_words`).
"""

from __future__ import annotations

_SMALL = (
    "none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
)  # fmt: skip
NEARLY_ALL = 0.97
_MINUTES_AS_SUCH = 90


def number(n: int) -> str:
    """`none`, `one` … `twelve`, then figures."""
    return _SMALL[n] if 0 <= n < len(_SMALL) else f"{n:,}"


def how_many(n: int, one: str, many: str) -> str:
    """`one robbery`, `three robberies`, `no robbery`."""
    if n == 0:
        return f"no {one}"
    return f"{number(n)} {one if n == 1 else many}"


def listed(items: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, (", ".join(items[:-1]), items[-1]))) if items else ""


def ordinary_range(low: int, high: int) -> str:
    """What most weeks bring: `none`, `five or fewer`, `between two and eleven`."""
    if low <= 0:
        return number(0) if high <= 0 else f"{number(high)} or fewer"
    return number(low) if low == high else f"between {number(low)} and {number(high)}"


def usual(mean: float) -> str:
    """An expected count: `about six`, or for little `about one in three weeks`."""
    if mean < 0.05:
        return "hardly any"
    if mean < 0.75:
        return f"about one in {number(max(2, round(1 / mean)))} weeks"
    return f"about {number(max(1, round(mean)))}"


def part(share: float) -> str:
    """A share of a whole in tenths: `about nine in ten`, `nearly all`."""
    if share >= NEARLY_ALL:
        return "nearly all"
    tenths = min(9, round(10 * share))
    if tenths < 1:
        return "under one in ten"
    return "about half" if tenths == 5 else f"about {number(tenths)} in ten"


def long_time(minutes: float) -> str:
    """`under a minute`, `45 minutes`, `about two and a half hours`."""
    if minutes < 1:
        return "under a minute"
    if minutes < _MINUTES_AS_SUCH:
        whole = round(minutes)
        return how_many(whole, "minute", "minutes")
    halves = round(minutes / 30)
    hours, half = divmod(halves, 2)
    return f"about {number(hours)}{' and a half' if half else ''} hours"
