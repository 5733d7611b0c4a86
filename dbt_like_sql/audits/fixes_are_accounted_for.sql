select
    a.police_day,
    a.n_fixes,
    d.n_fixes as n_stored
from (
    select
        police_day,
        sum(n_fixes) as n_fixes
    from patrols.fix_account
    group by police_day
) a
inner join validated.ping_days d on d.police_day = a.police_day and d.state = 'stored'
inner join patrols.day_prints p on p.police_day = a.police_day
-- a day whose fixes changed since is computed again in the same step
where a.n_fixes <> d.n_fixes and p.fixes_print like d.sha256 || '%'
