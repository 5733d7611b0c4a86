select e.n as n_events, c.n as n_in_cases
from (select count(*) as n from hexes.events) e
cross join (select coalesce(sum(n_events), 0) as n from hot_times.time_cases) c
where e.n <> c.n
