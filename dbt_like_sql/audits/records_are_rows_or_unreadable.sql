select extract_id, n_records, n_rows, n_unreadable
from raw.extracts
where n_records <> n_rows + n_unreadable
