select
    police_day,
    sum(n_booked) as n_booked,
    sum(n_booked_seen) as n_booked_seen
from patrols.ping_coverage
where police_day in (select d.police_day from validated.ping_days d where d.state = 'stored')
group by police_day
having sum(n_booked_seen) < 0.85 * sum(n_booked)
