with totals as (

    select cut, week_start, resolution, sum(n_events) as n_events
    from hexes.crime_weekly_cuts
    group by cut, week_start, resolution

)

select t.cut, t.week_start, min(t.n_events) as n_least, max(t.n_events) as n_most
from totals t
left join hexes.cuts c on c.cut = t.cut and c.week_start = t.week_start
group by t.cut, t.week_start
having min(t.n_events) <> max(t.n_events) or count(*) <> 3 or count(c.known_at_utc) <> 3
