select
    extract_id,
    n_records,
    n_unreadable,
    n_repeated,
    n_accepted,
    n_rejected,
    n_held
from published.deliveries
where state in ('accepted', 'held') and n_records <> n_unreadable + n_repeated + n_accepted + n_rejected + n_held
