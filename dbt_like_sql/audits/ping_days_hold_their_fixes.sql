with by_extract as (

    select
        police_day,
        sum(n_stored) as n
    from validated.ping_day_extracts
    group by police_day

),

by_device as (

    select
        police_day,
        sum(n_fixes) as n
    from validated.ping_device_days
    group by police_day

)

select
    d.police_day,
    d.n_fixes,
    coalesce(e.n, 0) as n_by_extract,
    coalesce(v.n, 0) as n_by_device
from validated.ping_days d
left join by_extract e on e.police_day = d.police_day
left join by_device v on v.police_day = d.police_day
where d.n_fixes <> coalesce(e.n, 0) or (d.state = 'stored' and d.n_fixes <> coalesce(v.n, 0))
