"""One hotspot's week in plain words, for a reader who is no statistician; never stronger than the rows it is made of.

Here: words from facts, pure. Not here: the facts (`week_known`) and their reading (`week_facts`), the page that holds them (`week_page`), the command (`cli`).

No percentage rests on a count under 20, and no sentence of ours says what a count came from; the sentences of a trial are the trial's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from hotspot_pipeline.published.evaluation.numbers import (
    how_many,
    listed,
    long_time,
    number,
    ordinary_range,
    part,
    usual,
)
from hotspot_pipeline.published.evaluation.week_known import AreaWeek, Row, WeekFacts
from hotspot_pipeline.published.page import window_text

GROUPS = {
    "ASB": ("report of anti-social behaviour", "reports of anti-social behaviour"),
    "PUBLIC_ORDER": ("public order offence", "public order offences"),
    "CRIM_DAMAGE": ("case of criminal damage", "cases of criminal damage"),
    "ROBBERY": ("robbery", "robberies"),
    "VAP": ("case of violence", "cases of violence"),
    "WEAPONS": ("weapon offence", "weapon offences"),
}
RUN_LENGTH, LEAST_MEAN_FOR_RUNS = 8, 5.0
_WEEKS_A_YEAR = 52.1775
MINUTE_MS = 60_000


def week_text(facts: WeekFacts) -> list[tuple[str, str]]:
    """(heading, sentences) in the order in which they are read."""
    return [
        ("What was counted", _counted(facts)),
        ("Is that unusual?", _unusual(facts)),
        ("Is it final?", _final(facts)),
        ("What patrols did", _patrols(facts)),
        ("What can be said of patrols", _trials(facts)),
    ]


def lead(facts: WeekFacts) -> str:
    """The first three in one paragraph."""
    return " ".join(text for _, text in week_text(facts)[:3])


def _counted(facts: WeekFacts) -> str:
    week = window_text(facts.week_start, facts.week_start + timedelta(days=7))
    kinds = [how_many(g["n_events"], *GROUPS[g["cat_group"]]) for g in _by_number(facts.groups) if g["n_events"]]  # fmt: skip
    n = facts.week["n_events"]
    if len(kinds) == 1:
        said = f"In the police week of {week}, {kinds[0]} {'was' if n == 1 else 'were'} counted here, and nothing else."  # fmt: skip
    else:
        said = f"In the police week of {week}, {how_many(n, 'event was', 'events were')} counted here{': ' if kinds else ''}{listed(kinds)}."  # fmt: skip
    n_now, n_before = facts.week["n_13"], facts.week["n_13_before"]
    if n_now is None or n_before is None:
        return said
    change = facts.week["percent_change"]
    said += f" Over the 13 weeks to this one it was {number(n_now)}, over the same 13 weeks a year before {number(n_before)}"
    if change is None:
        return f"{said}: too few to put a percentage on." if n_now != n_before else f"{said}."
    way = "more" if change > 0 else "fewer"
    return f"{said} ({abs(change):.0f} % {way})." if round(abs(change)) else f"{said}."


def _unusual(facts: WeekFacts) -> str:
    row = facts.week
    if row["mu"] is None:
        return "That cannot be said yet: fewer than 26 finished weeks without planned patrols are known from before this quarter."
    is_short = row["label"] == "short baseline"
    season = "" if is_short else " for the time of year"
    said = [f"Usual{season} is {usual(row['mu'])}; at least nineteen weeks in twenty bring {ordinary_range(row['lower_95'], row['upper_95'])}."]  # fmt: skip
    n = row["n_events"]
    if n > row["upper_998"] or n < row["lower_998"]:
        side = "many" if n > row["upper_998"] else "few"
        said.append(f"So {side} come by chance in fewer than one week in a thousand: worth a look.")
    elif n > row["upper_95"] or n < row["lower_95"]:
        side = "more" if n > row["upper_95"] else "fewer"
        said.append(f"This week brought {side} than that. Chance alone does so now and then, so it is no alarm by itself.")  # fmt: skip
    else:
        said.append("So the week is an ordinary one.")
    said += _drifts(row)
    for group in facts.groups:
        if group["mu"] is not None and (group["n_events"] > group["upper_998"]):
            what = GROUPS[group["cat_group"]][1]
            said.append(f"Taken by itself, the number of {what} ({number(group['n_events'])}) is one that chance brings in fewer than one week in a thousand.")  # fmt: skip
    if is_short:
        said.append("Under two years of weeks are known to judge by, so the season is not taken into account.")  # fmt: skip
    return " ".join(said)


def _drifts(row: Row) -> list[str]:
    said = []
    run = row["run_weeks"] or 0
    if abs(run) >= RUN_LENGTH and row["mu"] >= LEAST_MEAN_FOR_RUNS:
        side = "more" if run > 0 else "fewer"
        said.append(f"For {number(abs(run))} weeks in a row, this one included, there were {side} than usual.")  # fmt: skip
    if row["cusum"] is not None and row["cusum_threshold"] is not None and row["cusum"] > row["cusum_threshold"]:  # fmt: skip
        years = row["cusum_run_length_weeks"] / _WEEKS_A_YEAR
        said.append(f"The last weeks taken together point to a lasting rise; this alarm sounds falsely about once in {number(max(1, round(years)))} years.")  # fmt: skip
    return said


def _final(facts: WeekFacts) -> str:
    row = facts.week
    said = []
    if row["is_provisional"]:
        known = "records still come in"
        if facts.share_known is not None:
            known = (
                f"at this age {part(facts.share_known)} of a week's records are known in this force"
            )
        said.append(f"This is not final: the week ended less than four weeks ago, and {known}.")
        if row["settled_low"] is not None:
            low, high = round(row["settled_low"]), round(row["settled_high"])
            said.append(f"When they are in, the count will most likely be {ordinary_range(low, high)}.")  # fmt: skip
    else:
        said.append("This is nearly final: the week ended more than four weeks ago, so few records are still to come.")  # fmt: skip
    first, settled = row["n_first_issue"], row["n_settled"]
    if first is None and settled is None:
        said.append("No earlier figure of it was kept.")
    else:
        said.append(_since(first, settled, row["n_events"]))
    if facts.corrections:
        newest = facts.corrections[-1]
        said.append(f"Newest correction (issue {newest['issue']} of the bulletin, from {number(newest['n_before'])} to {number(newest['n_now'])}): {newest['why']}.")  # fmt: skip
    return " ".join(said)


def _since(first: int | None, settled: int | None, now: int) -> str:
    """What the kept figures were, and what it is now."""
    steps = [("the day after the week ended", first), ("four weeks after it", settled)]
    kept = [(when, n) for when, n in steps if n is not None]
    if all(n == now for _, n in kept):
        since = "it was first issued" if first is not None else "it was settled, four weeks after the week ended"  # fmt: skip
        return f"The figure has stood since {since}."
    told = listed([f"{number(n)} {when}" for when, n in kept])
    return f"The figure was {told}, and is {number(now)} now: records come late, are reclassified, moved, re-dated or cancelled."


def _patrols(facts: WeekFacts) -> str:
    if not facts.has_patrols:
        return "Nothing is known of patrols: the force delivers no plans and no position fixes."
    if not facts.areas:
        return "No area that the force patrols covers this hotspot, so nothing is known of patrols here."
    return " ".join(_area(a) for a in facts.areas)


def _area(area: AreaWeek) -> str:
    name = f"{area.area_id} ({area.name})" if area.name else area.area_id
    covered = next((w for least, w in ((0.95, "all"), (0.65, "most"), (0.4, "about half")) if area.share >= least), "part")  # fmt: skip
    where = "Here" if area.share == 1 and area.name is None else f"In the patrol area {name}, which covers {covered} of the hotspot,"  # fmt: skip
    said = f"{where} {_planned(area.plan)}"
    cover = area.cover
    if cover is None or not cover["n_days"]:
        return f"{said}. Where officers were is not known: no day of position fixes is computed."
    days = f"on the {how_many(cover['n_days'], 'day', 'days')} that {'is' if cover['n_days'] == 1 else 'are'} computed"
    if not cover["patrol_ms"]:
        return f"{said}. Position fixes show no patrol {days}."
    stayed = cover["n_days_one"] + cover["n_days_more"]
    who = f"on {number(stayed)} of them somebody" if stayed else "nobody"
    time = long_time(cover["patrol_ms"] / MINUTE_MS)
    return f"{said}. Position fixes show {time} of patrol {days}; {who} stayed for ten minutes or more, on foot or by cycle."


def _planned(plan: Row | None) -> str:
    if plan is None or not plan["n_asked"]:
        return "no visit was planned"
    said = f"{how_many(plan['n_asked'], 'visit was', 'visits were')} planned"
    parts = []
    if plan["n_yes"] == plan["n_asked"]:
        return f"{said} and {'it was' if plan['n_asked'] == 1 else 'all of them were'} made"
    if plan["n_yes"] + plan["n_no"]:
        parts += [f"{_of(plan['n_yes'])} made", f"{_of(plan['n_no'])} not made as planned"]
    if plan["n_unknown"]:
        parts.append(f"of {number(plan['n_unknown'])} nothing is known")
    if plan["n_issued_late"]:
        parts.append(f"{_of(plan['n_issued_late'])} planned too late to be judged")
    return f"{said}: {listed(parts)}" if parts else said


def _of(n: int) -> str:
    return f"{number(n)} {'was' if n <= 1 else 'were'}"


def _trials(facts: WeekFacts) -> str:
    if not facts.trials:
        return (
            "No trial covers this place, with a lot or with places to compare with. So the counts of a week, or of many, say nothing about "
            "what patrols changed here."
        )
    said = []
    for trial in facts.trials:
        period = window_text(trial.period[0], trial.period[1] + timedelta(days=1))
        when = "before" if trial.is_before_outcomes else "only after"
        said.append(
            f"The place is one of those that are {trial.role} in the trial “{trial.name}” ({period}; its decisions were on record {when} results were known, sha256 {trial.sha256[:12]}). "
            f"{trial.counted} {trial.follows}"
        )
        if trial.is_exploratory:
            said.append("Its decisions were changed after results were known: take it as a question, not as an answer.")  # fmt: skip
    said.append("That is about all places of the trial together; the count of one place in one week cannot show it.")  # fmt: skip
    return " ".join(said)


def _by_number(groups: Sequence[Row]) -> list[Row]:
    return sorted(groups, key=lambda g: (-g["n_events"], g["cat_group"]))
