-- the answer at $known_at
select
    code as policeuk_category,
    cat_group,
    police_generated,
    cchi_days
from history.lookup_versions
where
    table_name = 'policeuk_categories'
    and known_from_utc <= $known_at
    and (known_to_utc is null or known_to_utc > $known_at)
