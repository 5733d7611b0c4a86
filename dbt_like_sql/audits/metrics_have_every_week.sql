with counts as (

    select hotspot_id, cut, week_start, count(distinct cat_group) as n_groups
    from evaluation.weekly_metrics
    where metric = 'events' and time_band = 'all'
    group by hotspot_id, cut, week_start

),

latest as (

    select hotspot_id, min(week_start) as first_week, max(week_start) as last_week, count(*) as n_weeks, min(n_groups) as n_groups
    from counts
    where cut = 'latest'
    group by hotspot_id

)

select hotspot_id, first_week, last_week, n_weeks, n_groups
from latest
where n_weeks <> (last_week - first_week) / 7 + 1 or n_groups <> 7
