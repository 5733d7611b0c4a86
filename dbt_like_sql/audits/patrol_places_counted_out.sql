with accepted as (

    select
        extract_id,
        count(*) as n
    from validated.patrol_places
    group by extract_id

)

select
    c.extract_id,
    e.n_rows,
    c.n_in,
    c.n_accepted,
    c.n_rejected,
    c.n_held,
    coalesce(a.n, 0) as n_in_table
from validated.extract_counts c
left join accepted a on a.extract_id = c.extract_id
left join raw.extracts e on e.extract_id = c.extract_id
where
    c.table_name = 'patrol_places'
    and (
        c.n_in <> c.n_accepted + c.n_rejected + c.n_held
        or c.n_accepted <> coalesce(a.n, 0)
        or e.n_rows is null
        or e.n_rows <> c.n_in
    )
