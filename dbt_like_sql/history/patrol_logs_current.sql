-- Deltas: the row delivered last is what stands for its key.
with accepted as (

    select
        extract_id,
        order_ts_utc
    from raw.extracts
    where
        table_name = 'patrol_logs'
        and status = 'loaded'
        and extract_ts_utc <= $known_at
        and extract_id in (select c.extract_id from validated.extract_counts c where c.status = 'accepted')

),

latest as (

    select
        v.log_id,
        v.plan_id,
        v.hotspot_id,
        v.officer_pids,
        v.police_day,
        v.start_utc,
        v.end_utc,
        v.activity,
        v.n_public_interactions,
        v.n_business_interactions,
        v.n_stop_search,
        v.n_stop_search_positive,
        v.n_arrests,
        v.n_weapons,
        v.n_asb_warnings,
        v.n_cpw,
        v.n_cpn,
        v.n_pspo_fpn,
        v.n_s35_dispersal,
        v.n_community_resolution,
        v.n_intel_reports,
        v.observation_codes,
        v.abandoned_reason,
        v.submitted_utc
    from validated.patrol_logs v
    inner join accepted a on a.extract_id = v.extract_id
    qualify row_number() over (
        partition by v.log_id
        order by a.order_ts_utc desc, v.extract_id desc, v.source_file desc, v.line_no desc
    ) = 1

)

select
    log_id,
    plan_id,
    hotspot_id,
    officer_pids,
    police_day,
    start_utc,
    end_utc,
    activity,
    n_public_interactions,
    n_business_interactions,
    n_stop_search,
    n_stop_search_positive,
    n_arrests,
    n_weapons,
    n_asb_warnings,
    n_cpw,
    n_cpn,
    n_pspo_fpn,
    n_s35_dispersal,
    n_community_resolution,
    n_intel_reports,
    observation_codes,
    abandoned_reason,
    submitted_utc
from latest
