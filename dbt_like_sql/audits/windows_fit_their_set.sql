with hours as (

    select
        w.hotspot_id,
        (w.start_hour_of_week + u.n) % 168 as hour_of_week
    from hot_times.windows w
    inner join (select unnest(range(24)) as n) u on u.n < w.n_hours

),

counted as (

    select
        hotspot_id,
        count(*) as n_hours,
        count(distinct hour_of_week) as n_different
    from hours
    group by hotspot_id

),

numbered as (

    select
        hotspot_id,
        count(*) as n_windows
    from hot_times.windows
    group by hotspot_id

)

select
    s.hotspot_id,
    s.n_windows,
    s.n_hours,
    n.n_windows as n_windows_found,
    c.n_hours as n_hours_found,
    c.n_different
from hot_times.window_sets s
left join numbered n on n.hotspot_id = s.hotspot_id
left join counted c on c.hotspot_id = s.hotspot_id
where
    s.n_windows <> coalesce(n.n_windows, 0)
    or s.n_hours <> coalesce(c.n_hours, 0)
    or coalesce(c.n_different, 0) <> coalesce(c.n_hours, 0)
