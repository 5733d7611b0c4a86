"""What a crime counts as by the lookups as they were known at a moment: its group, its harm, whether it is police-generated. As SQL.

The same rules as in `hexes.events`: the wording of the offence code on the day of recording, else the public crime type, else OTHER.
Not here: which wording holds on which day (`history.offence_span_versions`), who compares two of them (`ledger.py`, `lookup_ledger.py`).
"""

from __future__ import annotations

_RECORDED = "coalesce(cast({row}.recorded_ts_local as date), cast('9998-12-31' as date))"
_KNOWN = "{table}.known_from_utc <= {moment} and ({table}.known_to_utc is null or {table}.known_to_utc > {moment})"


def effects(side: str) -> str:
    """Columns `<side>_group`, `<side>_harm`, `<side>_generated`, of the tables that `wordings` joins for that side."""
    return (
        f"coalesce(s{side}.cat_group, p{side}.cat_group, 'OTHER') as {side}_group, "
        f"coalesce(s{side}.cchi_days, p{side}.cchi_days) as {side}_harm, "
        f"coalesce(s{side}.police_generated, p{side}.police_generated, false) as {side}_generated"
    )


def wordings(side: str, row: str, moment: str) -> str:
    """Joins that give the row `row` of `history.crime_versions` what its codes meant at the moment: `s<side>` and `p<side>`."""
    day = _RECORDED.format(row=row)
    return f"""
        left join history.offence_span_versions s{side}
            on s{side}.ho_offence_code = {row}.ho_offence_code
            and {day} >= s{side}.day_from and {day} < s{side}.day_before
            and {_KNOWN.format(table=f"s{side}", moment=moment)}
        left join history.lookup_versions p{side}
            on p{side}.table_name = 'policeuk_categories' and p{side}.code = {row}.policeuk_category
            and {_KNOWN.format(table=f"p{side}", moment=moment)}
    """
