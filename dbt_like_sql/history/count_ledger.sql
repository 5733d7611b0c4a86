with versions as (

    select 'crimes' as table_name, feed, status_before, record_status, known_from_utc, known_to_utc from history.crime_versions
    union all
    select 'asb_incidents', feed, status_before, record_status, known_from_utc, known_to_utc from history.asb_versions

),

answers as (

    -- a state that came too late was never an answer
    select *
    from versions
    where known_to_utc is null or known_to_utc > known_from_utc

),

begun as (

    select
        table_name,
        feed,
        known_from_utc,
        status_before,
        record_status,
        count(*) as n
    from answers
    group by table_name, feed, known_from_utc, status_before, record_status

),

-- from one answer to the next
turns as (

    select
        table_name,
        feed,
        known_from_utc,
        sum(case when status_before is null and record_status = 'live' then n else 0 end) as n_new,
        sum(case when status_before <> 'live' and record_status = 'live' then n else 0 end) as n_reinstated,
        sum(case when status_before = 'live' and record_status = 'cancelled' then n else 0 end) as n_cancelled,
        sum(case when status_before = 'live' and record_status = 'transferred_out' then n else 0 end) as n_transferred,
        sum(case when status_before = 'live' and record_status = 'merged' then n else 0 end) as n_merged,
        sum(case when status_before = 'live' and record_status = 'non_crime' then n else 0 end) as n_non_crime,
        sum(case when status_before = 'live' and record_status = 'missing_from_source' then n else 0 end) as n_missing,
        sum(case when status_before = 'live' and record_status = 'withdrawn' then n else 0 end) as n_withdrawn
    from begun
    group by table_name, feed, known_from_utc

),

-- counted another way: live answers that begin and end
steps as (

    select table_name, feed, known_from_utc as moment_utc, case when record_status = 'live' then n else 0 end as step from begun
    union all
    select
        table_name,
        feed,
        known_to_utc,
        -count(*)
    from answers
    where record_status = 'live' and known_to_utc is not null
    group by table_name, feed, known_to_utc
    union all
    select table_name, feed, known_from_utc, 0 from history.extracts where withdrawn_known_utc is null

),

net as (

    select
        table_name,
        feed,
        moment_utc,
        sum(step) as step
    from steps
    group by table_name, feed, moment_utc

),

stands as (

    select
        table_name,
        feed,
        moment_utc,
        sum(step) over (
            partition by table_name, feed order by moment_utc rows between unbounded preceding and current row
        ) as live_after,
        step
    from net

)

select
    s.table_name,
    s.feed,
    s.moment_utc as known_from_utc,
    s.live_after - s.step as live_before,
    coalesce(t.n_new, 0) as n_new,
    coalesce(t.n_reinstated, 0) as n_reinstated,
    coalesce(t.n_cancelled, 0) as n_cancelled,
    coalesce(t.n_transferred, 0) as n_transferred,
    coalesce(t.n_merged, 0) as n_merged,
    coalesce(t.n_non_crime, 0) as n_non_crime,
    coalesce(t.n_missing, 0) as n_missing,
    coalesce(t.n_withdrawn, 0) as n_withdrawn,
    s.live_after
from stands s
left join turns t on t.table_name = s.table_name and t.feed = s.feed and t.known_from_utc = s.moment_utc
