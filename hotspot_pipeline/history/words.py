"""How a change reads: for each kind of change the values before and after, the sentence and the reason, as SQL.

`b` is the answer before, `n` the new one, both rows of the table of versions; `b_group` and `n_group` are their groups. Not here:
which changes there are (`ledger.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

from hotspot_pipeline.history.versioned import CRIMES

# C1 to C5 in words (Home Office Counting Rules, General Rules section C)
_CANCEL = {
    "C1": "outside the jurisdiction of the force",
    "C2": "additional verifiable information: no notifiable crime",
    "C3": "part of, or the same as, a crime on record",
    "C4": "recorded in error",
    "C5": "self-defence claimed",
}
_STATUS = {
    "live": "reinstated",
    "cancelled": "cancelled",
    "transferred_out": "transferred out",
    "merged": "merged into another crime",
    "non_crime": "turned into a non-crime",
}
_FLAGS = CRIMES.groups["flags"]


@dataclass(frozen=True)
class Wording:
    """SQL expressions; `why` is null where the source gives no reason."""

    was: str
    became: str
    words: str
    why: str = "null"


def _case(value: str, words: dict[str, str], other: str) -> str:
    return (
        f"case {value} "
        + " ".join(f"when '{k}' then '{w}'" for k, w in words.items())
        + f" else {other} end"
    )


def _stamp(column: str) -> str:
    return f"strftime({column}, '%Y-%m-%d %H:%M')"


def _yes_no(column: str) -> str:
    return f"case {column} when true then 'yes' when false then 'no' else 'not known' end"


def _both(expression: str) -> tuple[str, str]:
    """The expression, written with `@`, for the row before and the new one."""
    return expression.replace("@", "b"), expression.replace("@", "n")


def _place() -> Wording:
    was, became = _both(
        "coalesce(round(@.easting)::bigint || ' ' || round(@.northing)::bigint, 'no location')"
    )
    far = "round(sqrt(power(n.easting - b.easting, 2) + power(n.northing - b.northing, 2)))::bigint"
    words = f"""case
        when b.easting is null and n.easting is not null then 'location found'
        when b.easting is not null and n.easting is null then 'location lost'
        when b.easting is distinct from n.easting or b.northing is distinct from n.northing then
            'moved ' || {far} || ' m, ' || case when b.cell_r9 = n.cell_r9 then 'within its cell' else 'to another cell' end
        else 'the kind of place or the precision of the location changed'
    end"""
    return Wording(was, became, words)


def _time(start: str, end: str | None) -> Wording:
    span = _stamp(f"@.{start}") + (
        f" || coalesce(' to ' || {_stamp('@.' + end)}, '')" if end else ""
    )
    was, became = _both(f"coalesce({span}, strftime(@.month, '%Y-%m'))")
    words = """case
        when b.month is distinct from n.month and n.police_day is null then 'moved to another month'
        when b.week_start is distinct from n.week_start then 'moved to another week'
        when b.police_day is distinct from n.police_day then 'moved to another day'
        else 'the time of the event changed within its day'
    end"""
    return Wording(was, became, words)


def _flags() -> Wording:
    def listed(row: str) -> str:
        parts = (
            f"case when b.{f} is distinct from n.{f} then '{f.removeprefix('flag_')} ' || {_yes_no(f'{row}.{f}')} end"
            for f in _FLAGS
        )
        return f"concat_ws(', ', {', '.join(parts)})"

    return Wording(listed("b"), listed("n"), "'flags changed'")


_CRIME = {
    "class": Wording(
        "coalesce(b.ho_offence_code, b.policeuk_category) || ' (' || b_group || ')'",
        "coalesce(n.ho_offence_code, n.policeuk_category) || ' (' || n_group || ')'",
        "'reclassified' || case when b_group <> n_group then ' into another group' else ' within its group' end",
    ),
    "status": Wording(
        "b.record_status || coalesce(' ' || b.cancel_reason, '')",
        "n.record_status || coalesce(' ' || n.cancel_reason, '')",
        f"case when b.record_status = n.record_status then 'the reason of its status changed' else {_case('n.record_status', _STATUS, 'n.record_status')} end",
        _case("n.cancel_reason", _CANCEL, "null"),
    ),
    "geo": _place(),
    "time": _time("committed_from_local", "committed_to_local"),
    "flags": _flags(),
    "outcome": Wording(
        "coalesce(b.outcome_code, b.outcome_desc)", "coalesce(n.outcome_code, n.outcome_desc)", "'outcome changed'"
    ),
}  # fmt: skip
_INCIDENT = {
    "class": Wording("b.nsir_category", "n.nsir_category", "'categorised anew'"),
    "status": Wording(
        "case when b.linked_crime_pid is not null then 'crimed' when b.duplicate_of_pid is not null then 'repeated call' else 'incident' end",
        "case when n.linked_crime_pid is not null then 'crimed' when n.duplicate_of_pid is not null then 'repeated call' else 'incident' end",
        "case when n.linked_crime_pid is not null then 'recorded as a crime' when n.duplicate_of_pid is not null then 'found to repeat another call' "
        "else 'counts as an incident of its own again' end",
    ),
    "geo": _place(),
    "time": _time("opened_ts_local", None),
    "flags": Wording("b.partner_source", "n.partner_source", "'source changed'"),
    "outcome": Wording("coalesce(b.asb_type, b.opening_code)", "coalesce(n.asb_type, n.opening_code)", "'progress of the incident'"),
}  # fmt: skip
WORDINGS = {"crimes": _CRIME, "asb_incidents": _INCIDENT}
