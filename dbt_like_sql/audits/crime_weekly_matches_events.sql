with counted as (

    select count(*) as n
    from hexes.events e
    where e.is_counted and e.week_start in (select distinct week_start from hexes.crime_weekly)

),

summed as (

    select
        resolution,
        sum(n_events) as n
    from hexes.crime_weekly
    group by resolution

)

select
    s.resolution,
    s.n as n_summed,
    c.n as n_counted
from summed s
cross join counted c
where s.n <> c.n
