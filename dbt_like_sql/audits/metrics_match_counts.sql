with counted as (

    select 'latest' as cut, resolution, cell, week_start, cat_group, n_events from hexes.crime_weekly
    union all
    select cut, resolution, cell, week_start, cat_group, n_events from hexes.crime_weekly_cuts

),

of_cells as (

    select h.hotspot_id, c.cut, c.week_start, c.cat_group, sum(c.n_events) as n_events
    from counted c
    inner join hexes.hotspot_cells h on h.cell = c.cell
    group by h.hotspot_id, c.cut, c.week_start, c.cat_group

),

of_metrics as (

    select hotspot_id, cut, week_start, cat_group, value
    from evaluation.weekly_metrics
    where metric = 'events' and time_band = 'all' and cat_group <> 'ALL'

)

select m.hotspot_id, m.cut, m.week_start, m.cat_group, m.value, c.n_events
from of_metrics m
left join of_cells c
    on c.hotspot_id = m.hotspot_id and c.cut = m.cut and c.week_start = m.week_start and c.cat_group = m.cat_group
where m.value <> coalesce(c.n_events, 0)
