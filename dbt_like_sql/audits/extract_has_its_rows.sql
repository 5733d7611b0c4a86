select
    e.extract_id,
    e.n_rows,
    coalesce(sum(f.n_rows), 0) as n_rows_of_files
from raw.extracts e
left join raw.extract_files f on f.extract_id = e.extract_id
where e.status = 'loaded'
group by e.extract_id, e.n_rows
having e.n_rows <> coalesce(sum(f.n_rows), 0)
