select
    'removed without a line in the log' as fault,
    d.police_day as day
from validated.ping_days d
where
    d.state = 'removed'
    and not exists (select 1 from validated.retention_log l where l.what = 'ping_day' and l.day = d.police_day)
union all
select
    'younger than its limit' as fault,
    l.day
from validated.retention_log l
where (l.what = 'ping_day' and l.day >= l.limit_day) or (l.what = 'delivered_file' and l.day > l.limit_day)
