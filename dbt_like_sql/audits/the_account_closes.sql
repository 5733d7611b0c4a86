select
    part,
    sum(case when measure in ('records delivered', 'fixes delivered', 'events') then n else 0 end) as n_in,
    sum(case when measure in ('records delivered', 'fixes delivered', 'events') then 0 else n end) as n_out
from published.data_quality
where part in ('records', 'fixes', 'events')
group by part
having sum(case when measure in ('records delivered', 'fixes delivered', 'events') then n else -n end) <> 0
