with latest as (

    select
        week_start,
        cat_group,
        count(*) as n_events
    from hexes.events
    where is_counted and week_start is not null
    group by week_start, cat_group

),

issued as (

    select
        week_start,
        cat_group,
        sum(case when cut = 'first_issue' then n_events else 0 end) as n_first_issue,
        sum(case when cut = 'settled' then n_events else 0 end) as n_settled
    from hexes.crime_weekly_cuts
    where resolution = 9
    group by week_start, cat_group

),

weeks as (

    select week_start, cat_group from latest
    union
    select week_start, cat_group from issued

),

beginning as (

    select
        min(known_from_utc) as first_known_utc,
        'history unknown before ' || cast(cast(min(known_from_utc) as date) as varchar) as note
    from history.extracts
    where kind in ('full', 'delta')

)

-- a cut is open for seven days from the day after the week, and from the 28th day after it
select
    w.week_start,
    w.cat_group,
    case when f.known_at_utc is not null then cast(coalesce(i.n_first_issue, 0) as bigint) end as n_first_issue,
    case when s.known_at_utc is not null then cast(coalesce(i.n_settled, 0) as bigint) end as n_settled,
    cast(coalesce(l.n_events, 0) as bigint) as n_latest,
    f.known_at_utc as first_issue_known_at_utc,
    s.known_at_utc as settled_known_at_utc,
    case
        when f.week_start is not null then f.note
        when w.week_start + interval 15 day <= b.first_known_utc then b.note
        else 'not due yet'
    end as first_issue_note,
    case
        when s.week_start is not null then s.note
        when w.week_start + interval 42 day <= b.first_known_utc then b.note
        else 'not due yet'
    end as settled_note
from weeks w
left join latest l on l.week_start = w.week_start and l.cat_group = w.cat_group
left join issued i on i.week_start = w.week_start and i.cat_group = w.cat_group
left join hexes.cuts f on f.week_start = w.week_start and f.cut = 'first_issue'
left join hexes.cuts s on s.week_start = w.week_start and s.cut = 'settled'
cross join beginning b
