with crime_codes as (

    -- the code as it was valid when the crime was recorded; outside every validity, the newest wording
    select
        c.extract_id,
        c.source_file,
        c.line_no,
        o.cat_group,
        o.ho_class_code,
        o.police_generated,
        o.cchi_days
    from history.crimes_current c
    inner join history.offence_spans o
        on
            o.ho_offence_code = c.ho_offence_code
            and coalesce(cast(c.recorded_ts_local as date), cast('9998-12-31' as date)) >= o.day_from
            and coalesce(cast(c.recorded_ts_local as date), cast('9998-12-31' as date)) < o.day_before

),

crimes as (

    select
        case
            when c.committed_time_known = 'month'
                then c.feed || ':' || c.extract_id || ':' || c.source_file || ':' || cast(c.line_no as varchar)
            else 'crime:' || c.source_system || ':' || c.crime_pid
        end as event_id,
        'crime' as source,
        c.extract_id,
        c.source_file,
        c.line_no,
        c.feed,
        coalesce(k.cat_group, p.cat_group, 'OTHER') as cat_group,
        k.ho_class_code,
        coalesce(k.police_generated, p.police_generated, false) as is_police_generated,
        coalesce(k.cchi_days, p.cchi_days) as harm_days,
        c.committed_time_known as time_known,
        c.committed_from_utc as from_utc,
        c.committed_to_utc as to_utc,
        c.police_day,
        c.week_start,
        c.month,
        c.hour_of_week,
        c.is_day,
        c.easting,
        c.northing,
        c.cell_r8,
        c.cell_r9,
        c.cell_r10,
        c.is_inside_force,
        c.geocode_quality,
        c.location_type,
        -- a public feed has no type of location, only the name of its map point; Hospital Lane is a street
        case
            when c.location_type is not null then false
            else coalesce(lower(c.location_desc), '') in (
                'on or near police station', 'on or near hospital', 'on or near prison'
            )
        end as is_point_of_no_public,
        c.record_status,
        coalesce(c.flag_da, false) as is_domestic,
        coalesce(c.flag_online, false) or coalesce(c.location_type, '') = 'online' as is_online,
        false as is_linked_to_crime,
        false as is_duplicate_call
    from history.crimes_current c
    left join crime_codes k
        on k.extract_id = c.extract_id and k.source_file = c.source_file and k.line_no = c.line_no
    left join history.policeuk_categories_current p on p.policeuk_category = c.policeuk_category

),

incidents as (

    select
        'asb:' || a.source_system || ':' || a.incident_pid as event_id,
        'asb' as source,
        a.extract_id,
        a.source_file,
        a.line_no,
        a.feed,
        'ASB' as cat_group,
        cast(null as varchar) as ho_class_code,
        false as is_police_generated,
        cast(null as decimal(12, 2)) as harm_days,
        'exact' as time_known,
        a.opened_ts_utc as from_utc,
        -- a call is a moment
        case when false then a.opened_ts_utc end as to_utc,
        a.police_day,
        a.week_start,
        a.month,
        a.hour_of_week,
        a.is_day,
        a.easting,
        a.northing,
        a.cell_r8,
        a.cell_r9,
        a.cell_r10,
        a.is_inside_force,
        a.geocode_quality,
        cast(null as varchar) as location_type,
        false as is_point_of_no_public,
        a.record_status,
        false as is_domestic,
        false as is_online,
        a.linked_crime_pid is not null as is_linked_to_crime,
        a.duplicate_of_pid is not null as is_duplicate_call
    from history.asb_current a

),

records as (

    select * from crimes
    union all
    select * from incidents

),

at_sites as (

    select
        s.extract_id,
        s.source_file,
        s.line_no,
        s.site_id,
        s.match_reason,
        s.distance_m,
        -- beside a police station only what belongs to it goes: a fight in the street outside stays
        case
            when s.match_reason = 'default_geocode' then true
            when s.site_kind in ('police_custody', 'police_station')
                then coalesce(r.location_type, '') = 'police_custody' or coalesce(r.ho_class_code, '') in ('8S', '104')
            when s.site_kind = 'school' then false
            else true
        end as is_site_excluded
    from hexes.site_matches s
    inner join records r
        on r.extract_id = s.extract_id and r.source_file = s.source_file and r.line_no = s.line_no

),

site_of_record as (

    -- of several sites one that takes the record out, and of those the nearest
    select
        extract_id,
        source_file,
        line_no,
        site_id,
        match_reason,
        is_site_excluded
    from at_sites
    qualify row_number() over (
        partition by extract_id, source_file, line_no
        order by case when is_site_excluded then 0 else 1 end, match_reason desc, distance_m, site_id
    ) = 1

),

placed as (

    select
        r.*,
        s.site_id,
        s.match_reason,
        coalesce(s.is_site_excluded, false) as is_site_excluded
    from records r
    left join site_of_record s
        on s.extract_id = r.extract_id and s.source_file = r.source_file and s.line_no = r.line_no

),

explained as (

    select
        p.*,
        case
            when p.record_status <> 'live' then 'not_live'
            when p.cat_group = 'OTHER' then 'out_of_scope_category'
            when p.is_domestic then 'domestic'
            when p.is_online then 'online'
            when p.location_type in ('dwelling', 'hospital', 'police_custody', 'prison') then 'not_public_place'
            when p.location_type = 'unknown' and coalesce(p.geocode_quality, '') not in ('street', 'junction')
                then 'not_public_place'
            when p.is_point_of_no_public then 'not_public_place'
            when p.is_linked_to_crime then 'linked_to_crime'
            when p.is_duplicate_call then 'duplicate_call'
            when p.cell_r9 is null then 'no_location'
            when coalesce(p.geocode_quality, '') in ('area_centroid', 'default', 'none') then 'imprecise_location'
            when p.is_site_excluded then p.match_reason
        end as exclusion_reason
    from placed p

)

select
    event_id,
    source,
    extract_id,
    source_file,
    line_no,
    feed,
    cat_group,
    is_police_generated,
    harm_days,
    time_known,
    from_utc,
    to_utc,
    police_day,
    week_start,
    month,
    coalesce(police_day, month) as event_date,
    hour_of_week,
    is_day,
    easting,
    northing,
    cell_r8,
    cell_r9,
    cell_r10,
    is_inside_force,
    location_type,
    site_id,
    exclusion_reason is null as is_counted,
    exclusion_reason
from explained
