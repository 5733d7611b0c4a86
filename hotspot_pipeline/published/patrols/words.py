"""The patrols of a hotspot in two plain sentences, never stronger than the figures.

Here: words for rows of `patrols.compliance` and `patrols.coverage_weekly`. Not here: the figures (`patrols`), sheets (`pictures`), the command
that prints them (`cli`).

Unknown is not no: what no fix shows is said to be not shown, and what unknown answers leave open is said as a range.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from hotspot_pipeline.published.page import counted

MINUTE_MS = 60_000
LEAST_MS = 10 * MINUTE_MS
"""Of less patrol a share says nothing."""
Row = Mapping[str, Any]
_SUMS = (
    "n_days", "n_days_none", "n_days_one", "n_days_more", "patrol_ms", "officer_ms", "hot_window_ms", "length_ms", "reached_ms",
)  # fmt: skip


def whole_percent(share: float | None) -> str:
    return "unknown" if share is None else f"{100 * share:.0f} %"


def minutes(ms: int) -> str:
    """`under a minute` for a little: none is something else."""
    if 0 < ms < MINUTE_MS:
        return "under a minute"
    return counted(round(ms / MINUTE_MS), "minute")


def added_up(coverage: pl.DataFrame) -> dict[str, Any]:
    """Weeks of one hotspot (rows of `patrols.coverage_weekly`) as one; `days_since_last` as at the end of the last of them."""
    row: dict[str, Any] = {name: int(coverage.get_column(name).sum()) for name in _SUMS}
    row["share_in_hot_windows"] = _share(row["hot_window_ms"], row["patrol_ms"])
    row["share_reached"] = _share(row["reached_ms"], row["length_ms"])
    last = coverage.sort("week_start").tail(1)
    row["days_since_last"] = last.get_column("days_since_last")[0] if last.height else None
    return row


def patrol_sentences(plan: Row | None, cover: Row | None, *, has_windows: bool) -> tuple[str, str]:
    """What was planned and made, and what the fixes show.

    `plan`: the row of `patrols.compliance`, None where nothing was planned. `cover`: of `patrols.coverage_weekly` or `added_up`, None
    where no day is computed. `has_windows`: whether hot windows of the place are known.
    """
    return _planned(plan), _shown(cover, has_windows)


def _planned(plan: Row | None) -> str:
    if plan is None or not plan["n_asked"]:
        return "No visit was planned."
    n_late = plan["n_issued_late"]
    n_judged = plan["n_asked"] - n_late
    said = f"Of {counted(plan['n_asked'], 'planned visit')}"
    if n_late:
        said += f" {n_late:,} {_were(n_late)} issued after {'its' if n_late == 1 else 'their'} window began and not judged"
        if not n_judged:
            return f"{said}."
        said += ", of the others"
    n_yes, n_no, n_unknown, n_open = (
        plan[n] for n in ("n_yes", "n_no", "n_unknown", "n_indeterminate")
    )
    said += f" {_answers(n_yes, n_no, n_unknown)}"
    if n_yes + n_no:
        said += (
            f": {whole_percent(plan['compliance'])}{' of the known ones' if n_unknown else ''} "
            f"(95 % interval {_range(plan['compliance_low'], plan['compliance_high'])})"
        )
    if n_unknown:
        said += f"; between {_range(plan['at_least'], plan['at_most'], ' and ')} of all, whatever the unknown ones were"
    if n_open:
        said += (
            f"; {n_open:,} of the answers could be the other one at this rate of fixes "
            f"({_range(plan['band_low'], plan['band_high'])})"
        )
    return f"{said}."


def _answers(n_yes: int, n_no: int, n_unknown: int) -> str:
    """How many were made, were not, and of how many nothing is known, where there are any."""
    known = {
        f"{n_yes:,} {_were(n_yes)} made": n_yes,
        f"{n_no:,} {_were(n_no)} not": n_no,
        f"of {n_unknown:,} nothing is known": n_unknown,
    }
    parts = [text for text, n in known.items() if n]
    if len(parts) > 1:
        return f"{', '.join(parts[:-1])} and {parts[-1]}"
    if n_unknown:
        return "nothing is known"
    if n_no:
        return "none was made"
    return "all were made" if n_yes > 1 else parts[0]


def _shown(cover: Row | None, has_windows: bool) -> str:
    if cover is None or not cover["n_days"]:
        return "No police day of it is computed, so nothing is known of patrols."
    n_days = cover["n_days"]
    days = counted(n_days, "computed day")
    if not cover["patrol_ms"]:
        return f"Fixes show no patrol in {days}."
    n_effective = cover["n_days_one"] + cover["n_days_more"]
    hot = ""
    if has_windows and cover["patrol_ms"] >= LEAST_MS:
        hot = f", {whole_percent(cover['share_in_hot_windows'])} of it in its hot windows,"
    visits = "no day" if not n_effective else f"{n_effective:,}"
    return (
        f"Fixes show {minutes(cover['patrol_ms'])} of patrol in {days}{hot} and a visit of ten minutes or more on foot or cycle on "
        f"{visits}{' of them' if n_effective else ''}."
    )


def _range(low: float | None, high: float | None, between: str = " to ") -> str:
    if low is None or high is None:
        return "unknown"
    return f"{100 * low:.0f}{between}{whole_percent(high)}"


def _were(n: int) -> str:
    return "was" if n == 1 else "were"


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
