with codes as (

    select
        code as ho_offence_code,
        valid_from,
        valid_to,
        cat_group,
        ho_class_code,
        police_generated,
        cchi_days,
        known_from_utc,
        known_to_utc
    from history.lookup_versions
    where table_name = 'offence_codes'

),

-- the moments at which something else became known of a code
moments as (

    select ho_offence_code, known_from_utc as moment_utc from codes
    union
    select ho_offence_code, known_to_utc from codes where known_to_utc is not null

),

eras as (

    select
        ho_offence_code,
        moment_utc as known_from_utc,
        lead(moment_utc) over (partition by ho_offence_code order by moment_utc) as known_to_utc
    from moments

),

wordings as (

    select
        c.ho_offence_code,
        e.known_from_utc,
        e.known_to_utc,
        c.known_from_utc as state_from_utc,
        c.valid_from,
        c.valid_to,
        c.cat_group,
        c.ho_class_code,
        c.police_generated,
        c.cchi_days
    from eras e
    inner join codes c
        on
            c.ho_offence_code = e.ho_offence_code
            and c.known_from_utc <= e.known_from_utc
            and (c.known_to_utc is null or c.known_to_utc > e.known_from_utc)

),

bounds as (

    select distinct ho_offence_code, known_from_utc, valid_from as day_from from wordings
    union
    select distinct ho_offence_code, known_from_utc, cast(valid_to + interval 1 day as date) from wordings where valid_to < cast('9998-12-31' as date)
    union
    select distinct ho_offence_code, known_from_utc, cast('1900-01-01' as date) from wordings

),

spans as (

    select
        ho_offence_code,
        known_from_utc,
        day_from,
        coalesce(
            lead(day_from) over (partition by ho_offence_code, known_from_utc order by day_from), cast('9999-01-01' as date)
        ) as day_before
    from bounds

)

-- the wording that was valid then; where none was, the newest
select
    s.ho_offence_code,
    s.known_from_utc,
    w.known_to_utc,
    s.day_from,
    s.day_before,
    w.cat_group,
    w.ho_class_code,
    w.police_generated,
    w.cchi_days
from spans s
inner join wordings w on w.ho_offence_code = s.ho_offence_code and w.known_from_utc = s.known_from_utc
qualify row_number() over (
    partition by s.ho_offence_code, s.known_from_utc, s.day_from
    order by
        case when w.valid_from <= s.day_from and (w.valid_to is null or w.valid_to >= s.day_from) then 0 else 1 end,
        w.valid_from desc,
        w.state_from_utc desc
) = 1
