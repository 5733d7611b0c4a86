with stored as (

    select extract_id, count(*) as n from raw.crimes group by extract_id
    union all
    select extract_id, count(*) as n from raw.asb_incidents group by extract_id

)

select
    e.extract_id,
    e.n_rows,
    e.n_repeated,
    coalesce(s.n, 0) as n_stored
from raw.extracts e
left join stored s on s.extract_id = e.extract_id
where
    e.status = 'loaded'
    and e.table_name in ('crimes', 'asb_incidents')
    and e.extract_id not in (select d.extract_id from raw.decisions d where d.decision = 'withdrawn')
    and e.n_rows <> e.n_repeated + coalesce(s.n, 0)
