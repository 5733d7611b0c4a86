select
    c.extract_id,
    c.n_in,
    c.n_accepted,
    c.n_rejected,
    c.n_held,
    count(v.extract_id) as n_rows
from validated.extract_counts c
left join validated.crimes v on v.extract_id = c.extract_id
where c.table_name = 'crimes'
group by c.extract_id, c.n_in, c.n_accepted, c.n_rejected, c.n_held
having c.n_in <> c.n_accepted + c.n_rejected + c.n_held or c.n_accepted <> count(v.extract_id)
