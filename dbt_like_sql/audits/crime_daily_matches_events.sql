with counted as (

    select count(*) as n
    from hexes.events e
    where e.is_counted and e.police_day in (select distinct police_day from hexes.crime_daily)

),

summed as (

    select
        resolution,
        sum(n_events) as n
    from hexes.crime_daily
    group by resolution

)

select
    s.resolution,
    s.n as n_summed,
    c.n as n_counted
from summed s
cross join counted c
where s.n <> c.n
