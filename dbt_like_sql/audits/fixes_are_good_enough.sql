select
    police_day,
    sum(case when reason in ('impossible_speed', 'stuck') then n_fixes else n_poor end) / nullif(sum(n_fixes), 0) as share_bad
from patrols.fix_account
group by police_day
having sum(case when reason in ('impossible_speed', 'stuck') then n_fixes else n_poor end) > 0.05 * sum(n_fixes)
