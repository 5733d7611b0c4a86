with accepted as (

    select
        accepted_with,
        count(*) as n
    from validated.asb_incidents
    group by accepted_with

)

select
    c.extract_id,
    e.n_rows,
    c.n_in,
    c.n_accepted_before,
    c.n_accepted,
    c.n_rejected,
    c.n_held,
    coalesce(a.n, 0) as n_in_table
from validated.extract_counts c
left join accepted a on a.accepted_with = c.extract_id
left join raw.extracts e on e.extract_id = c.extract_id
where
    c.table_name = 'asb_incidents'
    and (
        c.n_in <> c.n_accepted + c.n_rejected + c.n_held
        or c.n_accepted <> coalesce(a.n, 0)
        or e.n_rows is null
        or e.n_rows <> c.n_in + c.n_accepted_before
    )
