select
    e.extract_id,
    e.n_changed,
    e.n_standing,
    e.n_moved,
    e.n_seen
from history.extracts e
left join raw.decisions d
    on
        d.extract_id = e.extract_id
        and d.decision in ('released', 'withdrawn')
        and d.decided_at_utc >= e.digested_at_utc
where e.is_held and e.withdrawn_known_utc is null and d.extract_id is null
