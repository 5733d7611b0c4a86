with bounds as (

    select distinct ho_offence_code, valid_from as day_from from validated.offence_codes
    union
    select distinct ho_offence_code, cast(valid_to + interval 1 day as date) from validated.offence_codes where valid_to < cast('9998-12-31' as date)
    union
    select distinct ho_offence_code, cast('1900-01-01' as date) from validated.offence_codes

),

spans as (

    select
        ho_offence_code,
        day_from,
        coalesce(
            lead(day_from) over (partition by ho_offence_code order by day_from), cast('9999-01-01' as date)
        ) as day_before
    from bounds

)

-- the wording that was valid then; where none was, the newest
select
    s.ho_offence_code,
    s.day_from,
    s.day_before,
    c.cat_group,
    c.ho_class_code,
    c.police_generated,
    c.cchi_days
from spans s
inner join validated.offence_codes c on c.ho_offence_code = s.ho_offence_code
qualify row_number() over (
    partition by s.ho_offence_code, s.day_from
    order by
        case when c.valid_from <= s.day_from and (c.valid_to is null or c.valid_to >= s.day_from) then 0 else 1 end,
        c.valid_from desc
) = 1
