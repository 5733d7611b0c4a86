-- the answer at $known_at
select
    ho_offence_code,
    day_from,
    day_before,
    cat_group,
    ho_class_code,
    police_generated,
    cchi_days
from history.offence_span_versions
where
    known_from_utc <= $known_at
    and (known_to_utc is null or known_to_utc > $known_at)
