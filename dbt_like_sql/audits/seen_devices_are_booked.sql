select
    police_day,
    sum(n_seen) as n_seen,
    sum(n_seen_on_duty) as n_seen_on_duty
from patrols.ping_coverage
group by police_day
having sum(n_seen_on_duty) < 0.9 * sum(n_seen)
