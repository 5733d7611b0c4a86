with last_decision as (

    select
        extract_id,
        decision,
        because,
        decided_by
    from raw.decisions
    qualify row_number() over (partition by extract_id order by decided_at_utc desc) = 1

)

select
    e.extract_id,
    e.feed,
    e.kind,
    e.extract_ts_utc,
    e.received_at_utc,
    case
        when d.decision = 'withdrawn' then 'withdrawn'
        when e.status = 'refused' then 'refused'
        else coalesce(c.status, 'waiting')
    end as state,
    case
        when d.decision = 'withdrawn' then d.because || ' (' || d.decided_by || ')'
        else e.reason
    end as reason,
    e.n_files,
    e.n_records,
    e.n_unreadable,
    coalesce(c.n_accepted_before, 0) as n_repeated,
    coalesce(c.n_accepted, 0) as n_accepted,
    coalesce(c.n_rejected, 0) as n_rejected,
    coalesce(c.n_held, 0) as n_held,
    coalesce(c.n_without_location, 0) as n_without_location
from raw.extracts e
left join validated.extract_counts c on c.extract_id = e.extract_id
left join last_decision d on d.extract_id = e.extract_id
