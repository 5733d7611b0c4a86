with spans as (

    select
        table_name,
        feed,
        min(case when is_first_load then order_ts_utc end) as first_load_utc,
        max(case when withdrawn_known_utc is null then order_ts_utc end) as newest_utc
    from history.extracts
    where table_name in ('crimes', 'asb_incidents')
    group by table_name, feed

),

-- of the states that stand; what a withdrawn extract showed is no recode
changed_records as (

    select
        'crimes' as table_name,
        feed,
        source_system,
        record_id
    from history.crime_versions
    where
        taken_back_utc is null and record_status <> 'withdrawn'
        and committed_time_known <> 'month'
        and change_mask not in ('new', 'outcome', 'admin', 'returned')
    union
    select
        'asb_incidents',
        feed,
        source_system,
        record_id
    from history.asb_versions
    where taken_back_utc is null and record_status <> 'withdrawn' and change_mask not in ('new', 'outcome', 'admin', 'returned')

),

-- a record that was withdrawn, or that a month-only feed showed first, begins with a later state
begins_later as (

    select
        'crimes' as table_name,
        feed,
        source_system,
        record_id
    from history.crime_versions
    where taken_back_utc is null and version_no = 1 and (record_status = 'withdrawn' or committed_time_known = 'month')
    union all
    select
        'asb_incidents',
        feed,
        source_system,
        record_id
    from history.asb_versions
    where taken_back_utc is null and version_no = 1 and record_status = 'withdrawn'

),

looked_at as (

    select
        table_name,
        feed,
        source_system,
        record_id,
        max(begins_later) as begins_later
    from (
        select *, 0 as begins_later from changed_records
        union all
        select *, 1 from begins_later
    ) r
    group by table_name, feed, source_system, record_id

),

-- only of these records the states are compared with each other, in the order in which the source showed them; a state that differs
-- from the one before in nothing that is measured has that one's status and place
states as (

    select
        'crimes' as table_name,
        v.feed,
        v.source_system,
        v.record_id,
        l.begins_later,
        v.version_no,
        v.observed_utc,
        v.record_status,
        v.change_mask,
        v.easting,
        v.northing,
        v.cell_r9,
        v.ho_offence_code,
        v.policeuk_category,
        coalesce(v.committed_to_utc, v.committed_from_utc) as committed_utc,
        v.reported_ts_utc,
        v.recorded_ts_utc,
        coalesce(cast(v.recorded_ts_local as date), cast('9998-12-31' as date)) as recorded_day
    from history.crime_versions v
    inner join looked_at l
        on
            l.table_name = 'crimes'
            and l.feed = v.feed
            and l.source_system = v.source_system
            and l.record_id = v.record_id
    where
        v.taken_back_utc is null and v.record_status <> 'withdrawn' and v.committed_time_known <> 'month'
        and (l.begins_later = 1 or v.version_no = 1 or v.change_mask not in ('outcome', 'admin', 'returned'))
    union all
    select
        'asb_incidents',
        v.feed,
        v.source_system,
        v.record_id,
        l.begins_later,
        v.version_no,
        v.observed_utc,
        v.record_status,
        v.change_mask,
        v.easting,
        v.northing,
        v.cell_r9,
        null,
        null,
        null,
        null,
        null,
        null
    from history.asb_versions v
    inner join looked_at l
        on
            l.table_name = 'asb_incidents'
            and l.feed = v.feed
            and l.source_system = v.source_system
            and l.record_id = v.record_id
    where
        v.taken_back_utc is null and v.record_status <> 'withdrawn'
        and (l.begins_later = 1 or v.version_no = 1 or v.change_mask not in ('outcome', 'admin', 'returned'))

),

-- a missing record keeps its content; its status is compared over the gap
lives as (

    select
        s.*,
        row_number() over record as place_no,
        first_value(s.observed_utc) over record as first_utc,
        first_value(s.ho_offence_code) over record as first_code,
        first_value(s.policeuk_category) over record as first_category,
        first_value(s.recorded_day) over record as first_recorded_day,
        lag(s.record_status) over (
            partition by
                s.table_name, s.feed, s.source_system, s.record_id,
                case when s.record_status = 'missing_from_source' then 1 else 0 end
            order by s.version_no
        ) as status_before,
        lag(s.easting) over record as easting_before,
        lag(s.northing) over record as northing_before,
        lag(s.cell_r9) over record as cell_before
    from states s
    window record as (partition by s.table_name, s.feed, s.source_system, s.record_id order by s.version_no)

),

-- what each record was first seen as; of most of them nothing else is asked
firsts as (

    select
        'crimes' as table_name,
        feed,
        observed_utc,
        ho_offence_code,
        policeuk_category,
        coalesce(committed_to_utc, committed_from_utc) as committed_utc,
        reported_ts_utc,
        recorded_ts_utc,
        coalesce(cast(recorded_ts_local as date), cast('9998-12-31' as date)) as recorded_day
    from history.crime_versions
    where taken_back_utc is null and record_status <> 'withdrawn' and committed_time_known <> 'month' and version_no = 1
    union all
    select
        'asb_incidents',
        feed,
        observed_utc,
        null,
        null,
        null,
        null,
        null,
        null
    from history.asb_versions
    where taken_back_utc is null and record_status <> 'withdrawn' and version_no = 1
    union all
    select
        table_name,
        feed,
        observed_utc,
        ho_offence_code,
        policeuk_category,
        committed_utc,
        reported_ts_utc,
        recorded_ts_utc,
        recorded_day
    from states
    where begins_later = 1
    qualify row_number() over (partition by table_name, feed, source_system, record_id order by version_no) = 1

),

cohort as (

    select
        f.table_name,
        case when f.table_name = 'asb_incidents' then 'ASB' else coalesce(s.cat_group, p.cat_group, 'OTHER') end as cat_group,
        f.committed_utc,
        f.reported_ts_utc,
        f.recorded_ts_utc
    from firsts f
    inner join spans e
        on
            e.table_name = f.table_name
            and e.feed = f.feed
            and f.observed_utc > e.first_load_utc
            and f.observed_utc + interval 90 day <= e.newest_utc
    left join history.offence_spans s
        on s.ho_offence_code = f.ho_offence_code and f.recorded_day >= s.day_from and f.recorded_day < s.day_before
    left join history.policeuk_categories_current p on p.policeuk_category = f.policeuk_category

),

-- in the 90 days after they were first seen
turns as (

    select
        l.table_name,
        l.feed,
        l.source_system,
        l.record_id,
        case when l.table_name = 'asb_incidents' then 'ASB' else coalesce(s.cat_group, p.cat_group, 'OTHER') end as cat_group,
        l.first_utc,
        l.observed_utc,
        l.change_mask,
        l.record_status,
        l.easting,
        l.northing,
        l.cell_r9,
        l.status_before,
        l.easting_before,
        l.northing_before,
        l.cell_before
    from lives l
    inner join spans e
        on
            e.table_name = l.table_name
            and e.feed = l.feed
            and l.first_utc > e.first_load_utc
            and l.first_utc + interval 90 day <= e.newest_utc
    left join history.offence_spans s
        on
            s.ho_offence_code = l.first_code
            and l.first_recorded_day >= s.day_from
            and l.first_recorded_day < s.day_before
    left join history.policeuk_categories_current p on p.policeuk_category = l.first_category
    where l.place_no > 1 and l.observed_utc <= l.first_utc + interval 90 day

),

kinds as (

    select 'reclassified' as kind, true as is_of_incidents
    union all select 'cancelled', false
    union all select 'transferred_out', false
    union all select 'merged', false
    union all select 'non_crime', false
    union all select 'moved', true
    union all select 'moved_cell', true
    union all select 'redated', true
    union all select 'flag_changed', true
    union all select 'reinstated', false
    union all select 'missing', true
    union all select 'late_report_1d', false
    union all select 'late_report_28d', false
    union all select 'late_record_24h', false

),

changes as (

    select
        t.table_name,
        t.cat_group,
        k.kind,
        t.feed,
        t.source_system,
        t.record_id,
        cast(cast(min(t.observed_utc) as date) - cast(t.first_utc as date) as bigint) as lag_days
    from turns t
    cross join kinds k
    where
        (t.table_name = 'crimes' or k.is_of_incidents)
        and case k.kind
            when 'reclassified' then t.change_mask like '%class%'
            when 'redated' then t.change_mask like '%time%'
            when 'flag_changed' then t.change_mask like '%flags%'
            when 'moved' then (t.easting - t.easting_before) * (t.easting - t.easting_before)
            + (t.northing - t.northing_before) * (t.northing - t.northing_before) > 2500
            when 'moved_cell' then t.cell_r9 is distinct from t.cell_before
            when 'missing' then t.record_status = 'missing_from_source'
            when 'reinstated' then t.record_status = 'live'
            and t.status_before in ('cancelled', 'transferred_out', 'merged', 'non_crime')
            else t.record_status = k.kind and t.status_before <> k.kind
        end
    group by t.table_name, t.cat_group, k.kind, t.feed, t.source_system, t.record_id, t.first_utc

),

lags as (

    select table_name, cat_group, kind, lag_days from changes
    union all
    select table_name, cat_group, 'late_report_1d', cast(cast(reported_ts_utc as date) - cast(committed_utc as date) as bigint)
    from cohort
    where reported_ts_utc > committed_utc + interval 1 day
    union all
    select table_name, cat_group, 'late_report_28d', cast(cast(reported_ts_utc as date) - cast(committed_utc as date) as bigint)
    from cohort
    where reported_ts_utc > committed_utc + interval 28 day
    union all
    select table_name, cat_group, 'late_record_24h', cast(cast(recorded_ts_utc as date) - cast(reported_ts_utc as date) as bigint)
    from cohort
    where recorded_ts_utc > reported_ts_utc + interval 24 hour

),

ranked as (

    select
        table_name,
        cat_group,
        kind,
        lag_days,
        row_number() over (partition by table_name, cat_group, kind order by lag_days) as place,
        count(*) over (partition by table_name, cat_group, kind) as n
    from lags

),

-- nearest rank: the smallest lag within which at least this share of the changes came
measured as (

    select
        table_name,
        cat_group,
        kind,
        count(*) as n_changed,
        min(case when place * 100 >= n * 50 then lag_days end) as median_lag_days,
        min(case when place * 100 >= n * 85 then lag_days end) as p85_lag_days
    from ranked
    group by table_name, cat_group, kind

),

sizes as (

    select
        table_name,
        cat_group,
        count(*) as n_all,
        sum(case when reported_ts_utc is not null and committed_utc is not null then 1 else 0 end) as n_with_report,
        sum(case when recorded_ts_utc is not null and reported_ts_utc is not null then 1 else 0 end) as n_with_record
    from cohort
    group by table_name, cat_group

),

bases as (

    select
        s.table_name,
        s.cat_group,
        k.kind,
        case
            when k.kind in ('late_report_1d', 'late_report_28d') then s.n_with_report
            when k.kind = 'late_record_24h' then s.n_with_record
            else s.n_all
        end as n_records
    from sizes s
    cross join kinds k
    where s.table_name = 'crimes' or k.is_of_incidents

),

-- planning assumptions, not verified; a group that has none of its own takes that of 'any'
assumed as (

    select 'reclassified' as kind, 'VAP' as cat_group, 0.05 as rate_from, 0.10 as rate_to
    union all select 'reclassified', 'PUBLIC_ORDER', 0.05, 0.10
    union all select 'reclassified', 'CRIM_DAMAGE', 0.01, 0.04
    union all select 'reclassified', 'ROBBERY', 0.01, 0.04
    union all select 'cancelled', 'VAP', 0.02, 0.05
    union all select 'cancelled', 'PUBLIC_ORDER', 0.02, 0.05
    union all select 'cancelled', 'CRIM_DAMAGE', 0.02, 0.05
    union all select 'cancelled', 'WEAPONS', 0.02, 0.05
    union all select 'transferred_out', 'any', 0.005, 0.01
    union all select 'merged', 'any', 0.005, 0.01
    union all select 'moved', 'any', 0.02, 0.05
    union all select 'redated', 'any', 0.03, 0.06
    union all select 'flag_changed', 'any', 0.03, 0.05
    union all select 'reinstated', 'any', 0.00, 0.003
    union all select 'late_report_1d', 'VAP', 0.25, 0.35
    union all select 'late_report_1d', 'CRIM_DAMAGE', 0.10, 0.15
    union all select 'late_report_1d', 'ROBBERY', 0.05, 0.10
    union all select 'late_report_28d', 'VAP', 0.03, 0.06
    union all select 'late_record_24h', 'any', 0.03, 0.08

),

rates as (

    select
        b.table_name,
        b.cat_group,
        b.kind,
        b.n_records,
        coalesce(m.n_changed, 0) as n_changed,
        coalesce(m.n_changed, 0) / nullif(b.n_records, 0) as share,
        m.median_lag_days,
        m.p85_lag_days,
        cast(a.rate_from as double) as assumed_from,
        cast(a.rate_to as double) as assumed_to
    from bases b
    left join measured m on m.table_name = b.table_name and m.cat_group = b.cat_group and m.kind = b.kind
    left join assumed a
        on b.table_name = 'crimes' and a.kind = b.kind and (a.cat_group = b.cat_group or a.cat_group = 'any')

)

select
    table_name,
    cat_group,
    kind,
    n_records,
    n_changed,
    share,
    median_lag_days,
    p85_lag_days,
    assumed_from,
    assumed_to,
    case when assumed_from is not null then 'planning assumption, not verified' end as assumed_source,
    share between assumed_from and assumed_to as is_within_assumed
from rates
