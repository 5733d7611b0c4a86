"""The footer of each week: what of its records is late, rejected, without place or time, or recoded since its figures were taken (family 10).

Here: the query and what each column says. Not here: the account of all deliveries (`published.data_quality`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from hotspot_pipeline.evaluation.patrol_metrics import quality
from hotspot_pipeline.warehouse.session import Session

MEANINGS = {
    "records_counted": "counted events of the week",
    "records_not_counted": "events of the week that are not counted, for any reason",
    "records_without_location": "events of the week left out because they have no location, or none that is precise enough",
    "records_without_time": "counted events of the week whose hour is not known",
    "records_late": "live crimes of the week recorded a day or more after it ended: after its first issue",
    "records_recoded_since_cut": "changes of class, status, place or time, in or out of the week, since its newest cut was taken",
    "rows_rejected": "rows of deliveries of the week that failed a rule (by the time of the extract, Monday 06:00 UTC)",
    "rows_held": "rows of deliveries of the week that the gate holds",
}
_QUERY = """
    with events as (
        select week_start, count(*) filter (is_counted) as records_counted, count(*) filter (not is_counted) as records_not_counted,
            count(*) filter (exclusion_reason in ('no_location', 'imprecise_location')) as records_without_location,
            count(*) filter (is_counted and time_known in ('unknown', 'date_only')) as records_without_time
        from hexes.events where week_start is not null group by 1
    ),
    late as (
        select week_start, count(*) as records_late from history.crimes_current
        where record_status = 'live' and recorded_ts_local >= week_start + interval 8 day group by 1
    ),
    taken as (select week_start, max(known_at_utc) as known_at_utc from hexes.cuts where known_at_utc is not null group by 1),
    recoded as (
        select w.week_start, count(*) as records_recoded_since_cut
        from history.recodes r
        join (select week_start, known_at_utc from taken) w on w.week_start in (r.week_before, r.week_after) and r.known_from_utc > w.known_at_utc
        where r.aspect in ('class', 'status', 'geo', 'time') group by 1
    ),
    rows as (
        select date_trunc('week', x.extract_ts_utc - interval 6 hour)::date as week_start, sum(c.n_rejected)::bigint as rows_rejected,
            sum(c.n_held)::bigint as rows_held
        from validated.extract_counts c join raw.extracts x on x.extract_id = c.extract_id
        where c.table_name in ('crimes', 'asb_incidents') group by 1
    )
    select w.week_start, {columns}
    from asked_weeks w left join events using (week_start) left join late using (week_start) left join recoded using (week_start)
    left join rows using (week_start) order by 1
"""


def quality_rows(session: Session, weeks: Sequence[date]) -> pl.DataFrame:
    """The long rows of the footer, one for every week and measure."""
    session.stage("asked_weeks", pl.DataFrame({"week_start": weeks}, schema={"week_start": pl.Date}))  # fmt: skip
    columns = ", ".join(f"coalesce({name}, 0)::bigint as {name}" for name in MEANINGS)
    return quality(session.frame(_QUERY.format(columns=columns)), MEANINGS)
