select event_id, is_counted, exclusion_reason
from hexes.events
where is_counted <> (exclusion_reason is null)
