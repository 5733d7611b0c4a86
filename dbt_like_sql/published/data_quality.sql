with delivered as (

    select
        sum(n_records) as n_records,
        sum(case when state <> 'withdrawn' then n_unreadable else 0 end) as n_unreadable,
        sum(n_rejected) as n_rejected,
        sum(n_held) as n_held,
        sum(n_accepted) as n_accepted,
        sum(n_repeated) as n_repeated,
        sum(case when state = 'withdrawn' then n_records else 0 end) as n_records_withdrawn,
        sum(case when state = 'waiting' then n_records - n_unreadable else 0 end) as n_records_waiting
    from published.deliveries
    where feed <> 'gps_pings'

),

deliveries as (

    select
        count(*) as n_deliveries,
        sum(case when state = 'refused' then 1 else 0 end) as n_refused,
        sum(case when state = 'held' then 1 else 0 end) as n_deliveries_held,
        sum(case when state = 'withdrawn' then 1 else 0 end) as n_withdrawn
    from published.deliveries

),

-- a night has as many position fixes as a decade has crimes: they have an account of their own
fixes as (

    select
        sum(n_records) as n_records,
        sum(case when state <> 'withdrawn' then n_unreadable else 0 end) as n_unreadable,
        sum(n_rejected) as n_refused,
        sum(n_held) as n_held,
        sum(n_accepted) as n_accepted,
        sum(case when state = 'withdrawn' then n_records else 0 end) as n_withdrawn,
        sum(case when state = 'waiting' then n_records - n_unreadable else 0 end) as n_waiting
    from published.deliveries
    where feed = 'gps_pings'

),

newest as (

    -- of an event that is known by its month only, the source holds the whole month
    select max(case when time_known = 'month' then last_day(event_date) else event_date end) as data_to
    from hexes.events where is_counted

),

measures as (

    select 'deliveries' as measure, 'deliveries' as part, n_deliveries as n from deliveries
    union all
    select 'deliveries refused', 'deliveries', n_refused from deliveries
    union all
    select 'deliveries held', 'deliveries', n_deliveries_held from deliveries
    union all
    select 'deliveries withdrawn', 'deliveries', n_withdrawn from deliveries
    union all
    select 'records delivered', 'records', n_records from delivered
    union all
    select 'records unreadable', 'records', n_unreadable from delivered
    union all
    select 'records repeated', 'records', n_repeated from delivered
    union all
    select 'records rejected', 'records', n_rejected from delivered
    union all
    select 'records held', 'records', n_held from delivered
    union all
    select 'records withdrawn', 'records', n_records_withdrawn from delivered
    union all
    select 'records waiting', 'records', n_records_waiting from delivered
    union all
    select 'records accepted', 'records', n_accepted from delivered
    union all
    select 'fixes delivered', 'fixes', n_records from fixes where n_records is not null
    union all
    select 'fixes unreadable', 'fixes', n_unreadable from fixes where n_records is not null
    union all
    select 'fixes refused', 'fixes', n_refused from fixes where n_records is not null
    union all
    select 'fixes held', 'fixes', n_held from fixes where n_records is not null
    union all
    select 'fixes withdrawn', 'fixes', n_withdrawn from fixes where n_records is not null
    union all
    select 'fixes waiting', 'fixes', n_waiting from fixes where n_records is not null
    union all
    select 'fixes accepted', 'fixes', n_accepted from fixes where n_records is not null
    union all
    select 'events', 'events', count(*) from hexes.events
    union all
    select 'events counted', 'events', count(*) from hexes.events where is_counted
    union all
    select 'not counted: ' || exclusion_reason, 'events', count(*)
    from hexes.events
    where not is_counted
    group by exclusion_reason

)

select
    m.measure,
    m.part,
    coalesce(m.n, 0) as n,
    n.data_to
from measures m
cross join newest n
