with summed as (

    select
        event_id,
        week_start,
        sum(weight) as weight
    from hot_times.event_hours
    group by event_id, week_start

),

-- an event whose hour is known, in a week that was computed
known as (

    select
        event_id,
        week_start
    from hexes.events
    where
        is_counted
        and time_known in ('exact', 'window')
        and from_utc is not null
        and (to_utc is null or (to_utc >= from_utc and to_utc <= from_utc + interval 168 hour))
        and week_start in (select w.window_start from hexes.window_prints w where w.table_name = 'hot_times.event_hours')

)

select
    coalesce(s.event_id, k.event_id) as event_id,
    coalesce(s.week_start, k.week_start) as week_start,
    s.weight
from summed s
full join known k on k.event_id = s.event_id and k.week_start = s.week_start
where s.weight is null or k.event_id is null or s.weight <> 1000000000000
