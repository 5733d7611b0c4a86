with counted as (

    select
        cell_r8,
        cell_r9,
        cell_r10,
        police_day,
        cat_group,
        is_police_generated,
        is_day,
        harm_days
    from hexes.events
    where is_counted and police_day >= $window_start and police_day < $window_end

),

by_resolution as (

    select 8 as resolution, cell_r8 as cell, c.* from counted c
    union all
    select 9 as resolution, cell_r9 as cell, c.* from counted c
    union all
    select 10 as resolution, cell_r10 as cell, c.* from counted c

)

select
    resolution,
    cell,
    police_day,
    cat_group,
    count(*) as n_events,
    sum(case when is_police_generated then 1 else 0 end) as n_police_generated,
    sum(case when is_day then 1 else 0 end) as n_by_day,
    sum(case when not is_day then 1 else 0 end) as n_by_night,
    coalesce(sum(harm_days), 0) as harm_days,
    count(harm_days) as n_with_harm,
    sum(case when harm_days >= 365 then 1 else 0 end) as n_serious
from by_resolution
group by resolution, cell, police_day, cat_group
