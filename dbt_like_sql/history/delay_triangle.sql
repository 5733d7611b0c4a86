with spans as (

    -- from when and until when it is known what a feed said
    select
        table_name,
        feed,
        min(case when is_first_load then known_from_utc end) as first_known_utc,
        max(known_from_utc) as newest_known_utc
    from history.extracts
    where table_name in ('crimes', 'asb_incidents') and known_from_utc <= $known_at
    group by table_name, feed

),

versions as (

    select
        'crimes' as table_name,
        v.feed,
        coalesce(s.cat_group, p.cat_group, 'OTHER') as cat_group,
        v.week_start,
        v.record_status,
        v.known_from_utc,
        v.known_to_utc
    from history.crime_versions v
    left join history.offence_spans s
        on
            s.ho_offence_code = v.ho_offence_code
            and coalesce(cast(v.recorded_ts_local as date), cast('9998-12-31' as date)) >= s.day_from
            and coalesce(cast(v.recorded_ts_local as date), cast('9998-12-31' as date)) < s.day_before
    left join history.policeuk_categories_current p on p.policeuk_category = v.policeuk_category
    union all
    select 'asb_incidents', feed, 'ASB', week_start, record_status, known_from_utc, known_to_utc
    from history.asb_versions

),

live as (

    -- a state that came too late was never an answer
    select *
    from versions
    where
        record_status = 'live'
        and week_start is not null
        and known_from_utc <= $known_at
        and (known_to_utc is null or known_to_utc > known_from_utc)

),

-- each state was the answer from one of the moments to another: one count of the rows serves all of them
lived as (

    select
        table_name,
        feed,
        week_start,
        cat_group,
        case
            when known_from_utc <= week_start + interval 8 day + interval 6 hour then 1
            when known_from_utc <= week_start + interval 14 day + interval 6 hour then 2
            when known_from_utc <= week_start + interval 21 day + interval 6 hour then 3
            when known_from_utc <= week_start + interval 35 day + interval 6 hour then 4
            when known_from_utc <= week_start + interval 63 day + interval 6 hour then 5
            when known_from_utc <= week_start + interval 97 day + interval 6 hour then 6
            else 7
        end as first_no,
        case
            when known_to_utc is null then 6
            when known_to_utc > week_start + interval 97 day + interval 6 hour then 6
            when known_to_utc > week_start + interval 63 day + interval 6 hour then 5
            when known_to_utc > week_start + interval 35 day + interval 6 hour then 4
            when known_to_utc > week_start + interval 21 day + interval 6 hour then 3
            when known_to_utc > week_start + interval 14 day + interval 6 hour then 2
            when known_to_utc > week_start + interval 8 day + interval 6 hour then 1
            else 0
        end as last_no,
        case when known_to_utc is null or known_to_utc > $known_at then 1 else 0 end as is_latest,
        count(*) as n
    from live
    group by all

),

weeks as (

    select distinct
        l.table_name,
        l.feed,
        l.week_start,
        s.newest_known_utc
    from lived l
    inner join spans s
        on s.table_name = l.table_name and s.feed = l.feed and l.week_start + interval 6 hour > s.first_known_utc

),

-- the Monday after the week, and the lag; 06:00 UTC, where the police week turns at 06:00 local time
moments as (

    select w.*, 1 as moment_no, 1 as lag_days, w.week_start + interval 8 day + interval 6 hour as known_at_utc from weeks w
    union all
    select w.*, 2, 7, w.week_start + interval 14 day + interval 6 hour from weeks w
    union all
    select w.*, 3, 14, w.week_start + interval 21 day + interval 6 hour from weeks w
    union all
    select w.*, 4, 28, w.week_start + interval 35 day + interval 6 hour from weeks w
    union all
    select w.*, 5, 56, w.week_start + interval 63 day + interval 6 hour from weeks w
    union all
    select w.*, 6, 90, w.week_start + interval 97 day + interval 6 hour from weeks w

),

observed as (

    select * from moments where known_at_utc <= newest_known_utc

),

known as (

    select
        o.table_name,
        o.feed,
        o.week_start,
        o.lag_days,
        l.cat_group,
        sum(l.n) as n_known
    from observed o
    inner join lived l
        on
            l.table_name = o.table_name
            and l.feed = o.feed
            and l.week_start = o.week_start
            and l.first_no <= o.moment_no
            and l.last_no >= o.moment_no
    group by o.table_name, o.feed, o.week_start, o.lag_days, l.cat_group

),

latest as (

    select
        table_name,
        feed,
        week_start,
        cat_group,
        sum(n) as n_latest
    from lived
    where is_latest = 1
    group by table_name, feed, week_start, cat_group

),

-- a group of which a week had none has a row with nought: it may have one later
cat_groups as (

    select distinct table_name, feed, cat_group from lived

)

select
    o.table_name,
    o.feed,
    g.cat_group,
    o.week_start,
    o.lag_days,
    o.known_at_utc,
    coalesce(k.n_known, 0) as n_known,
    coalesce(t.n_latest, 0) as n_latest
from observed o
inner join cat_groups g on g.table_name = o.table_name and g.feed = o.feed
left join known k
    on
        k.table_name = o.table_name
        and k.feed = o.feed
        and k.week_start = o.week_start
        and k.lag_days = o.lag_days
        and k.cat_group = g.cat_group
left join latest t
    on
        t.table_name = o.table_name
        and t.feed = o.feed
        and t.week_start = o.week_start
        and t.cat_group = g.cat_group
