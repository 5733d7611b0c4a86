-- the counts are the same at every resolution, so one of them is enough
with standing as (

    select
        'force_week' as figure,
        'force' as place,
        cat_group,
        week_start as period_from,
        sum(n_events) as n_events
    from hexes.crime_weekly
    where resolution = 9
    group by cat_group, week_start
    union all
    select
        'hotspot_window' as figure,
        hotspot_id as place,
        'ALL' as cat_group,
        window_from as period_from,
        n_events
    from hexes.hotspots

),

issued as (

    select
        figure,
        place,
        cat_group,
        period_from,
        n_events
    from published.issued_figures
    where figure in ('force_week', 'hotspot_window')
    qualify row_number() over (partition by figure, place, cat_group, period_from, period_to order by issue desc) = 1

)

select
    coalesce(s.figure, i.figure) as figure,
    coalesce(s.place, i.place) as place,
    coalesce(s.cat_group, i.cat_group) as cat_group,
    coalesce(s.period_from, i.period_from) as period_from,
    s.n_events as n_standing,
    i.n_events as n_issued
from standing s
full join (select * from issued where n_events is not null) i
    on i.figure = s.figure and i.place = s.place and i.cat_group = s.cat_group and i.period_from = s.period_from
where coalesce(s.n_events, 0) <> coalesce(i.n_events, 0)
