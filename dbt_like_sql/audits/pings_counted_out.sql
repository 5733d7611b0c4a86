with of_days as (

    select
        extract_id,
        sum(n_delivered) as n_delivered,
        sum(n_stored + n_duplicates) as n_accounted
    from validated.ping_day_extracts
    group by extract_id

),

refused as (

    select
        extract_id,
        sum(n_rows) as n
    from validated.ping_refusals
    group by extract_id

)

select
    c.extract_id,
    e.n_rows,
    c.n_in,
    c.n_accepted,
    c.n_rejected,
    c.n_held,
    coalesce(d.n_delivered, 0) as n_in_days,
    coalesce(r.n, 0) as n_refused
from validated.extract_counts c
left join raw.extracts e on e.extract_id = c.extract_id
left join of_days d on d.extract_id = c.extract_id
left join refused r on r.extract_id = c.extract_id
where
    c.table_name = 'pings'
    and (
        c.n_in <> c.n_accepted + c.n_rejected + c.n_held
        or e.n_rows is null
        or e.n_rows <> c.n_in
        or c.n_rejected <> coalesce(r.n, 0)
        or c.n_accepted <> coalesce(d.n_delivered, 0)
        or coalesce(d.n_delivered, 0) <> coalesce(d.n_accounted, 0)
    )
