select
    count(*) as n_rows,
    sum(case when evidence = 'both' then 1 else 0 end) as n_both
from patrols.log_matches
having sum(case when evidence = 'both' then 1 else 0 end) < 0.7 * count(*)
