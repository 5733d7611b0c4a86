with stored as (

    select
        'default_geocodes' as table_name,
        extract_id
    from validated.default_geocodes
    union all
    select
        'duties' as table_name,
        extract_id
    from validated.duties
    union all
    select
        'excluded_sites' as table_name,
        extract_id
    from validated.excluded_sites
    union all
    select
        'patrol_logs' as table_name,
        extract_id
    from validated.patrol_logs
    union all
    select
        'patrol_places' as table_name,
        extract_id
    from validated.patrol_places
    union all
    select
        'patrol_plan' as table_name,
        extract_id
    from validated.patrol_plan
    union all
    select
        'venues' as table_name,
        extract_id
    from validated.venues

),

accepted as (

    select
        table_name,
        extract_id,
        count(*) as n
    from stored
    group by table_name, extract_id

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
left join accepted a on a.extract_id = c.extract_id and a.table_name = c.table_name
left join raw.extracts e on e.extract_id = c.extract_id
where
    c.table_name in ('default_geocodes', 'duties', 'excluded_sites', 'patrol_logs', 'patrol_places', 'patrol_plan', 'venues')
    and (
        c.n_in <> c.n_accepted + c.n_rejected + c.n_held
        or c.n_accepted <> coalesce(a.n, 0)
        or e.n_rows is null
        or e.n_rows <> c.n_in
    )
