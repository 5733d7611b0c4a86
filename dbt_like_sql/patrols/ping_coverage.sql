with booked as (

    select
        police_day,
        device_type,
        device_pid
    from history.duties_current
    group by police_day, device_type, device_pid

),

seen as (

    select
        police_day,
        device_type,
        device_pid,
        n_fixes,
        first_fix_utc,
        last_fix_utc,
        median_interval_ms
    from validated.ping_device_days

),

-- a duty over New Year has the device's pseudonyms of both years
spans as (

    select
        device_pid,
        start_utc,
        coalesce(end_utc, start_utc + interval '1 day') as end_utc
    from history.duties_current
    union all
    select
        device_pid_next_year as device_pid,
        start_utc,
        coalesce(end_utc, start_utc + interval '1 day') as end_utc
    from history.duties_current
    where device_pid_next_year is not null

),

on_duty as (

    select distinct
        s.police_day,
        s.device_pid
    from seen s
    inner join spans d
        on
            d.device_pid = s.device_pid
            and d.start_utc <= s.last_fix_utc
            and d.end_utc >= s.first_fix_utc

),

booked_seen as (

    select
        b.police_day,
        b.device_type,
        count(*) as n_booked,
        sum(case when s.device_pid is not null then 1 else 0 end) as n_booked_seen
    from booked b
    left join seen s on s.police_day = b.police_day and s.device_pid = b.device_pid
    group by b.police_day, b.device_type

),

intervals as (

    select
        police_day,
        device_type,
        median_interval_ms,
        row_number() over (partition by police_day, device_type order by median_interval_ms) as place,
        count(*) over (partition by police_day, device_type) as n
    from seen
    where median_interval_ms is not null

),

medians as (

    select
        police_day,
        device_type,
        min(median_interval_ms) as median_interval_ms
    from intervals
    where 2 * place >= n
    group by police_day, device_type

),

seen_linked as (

    select
        s.police_day,
        s.device_type,
        count(*) as n_seen,
        sum(case when d.device_pid is not null then 1 else 0 end) as n_seen_on_duty,
        sum(s.n_fixes) as n_fixes
    from seen s
    left join on_duty d on d.police_day = s.police_day and d.device_pid = s.device_pid
    group by s.police_day, s.device_type

),

days as (

    select
        police_day,
        device_type
    from booked_seen
    union
    select
        police_day,
        device_type
    from seen_linked

)

select
    d.police_day,
    coalesce(d.device_type, 'unknown') as device_type,
    coalesce(b.n_booked, 0) as n_booked,
    coalesce(b.n_booked_seen, 0) as n_booked_seen,
    coalesce(s.n_seen, 0) as n_seen,
    coalesce(s.n_seen_on_duty, 0) as n_seen_on_duty,
    coalesce(cast(s.n_fixes as bigint), 0) as n_fixes,
    m.median_interval_ms,
    avg(m.median_interval_ms) over (
        partition by d.device_type
        order by d.police_day
        rows between 28 preceding and 1 preceding
    ) as earlier_interval_ms
from days d
left join booked_seen b on b.police_day = d.police_day and b.device_type is not distinct from d.device_type
left join seen_linked s on s.police_day = d.police_day and s.device_type is not distinct from d.device_type
left join medians m on m.police_day = d.police_day and m.device_type is not distinct from d.device_type
