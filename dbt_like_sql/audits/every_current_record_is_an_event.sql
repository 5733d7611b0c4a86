with standing as (

    select count(*) as n from history.crimes_current
    union all
    select count(*) as n from history.asb_current

),

events as (

    select count(*) as n from hexes.events

)

select
    sum(s.n) as n_records,
    max(e.n) as n_events
from standing s
cross join events e
having sum(s.n) <> max(e.n)
