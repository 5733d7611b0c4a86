with numbered as (

    select
        issue,
        supersedes,
        row_number() over (order by issue) as place
    from published.issues

)

select
    issue,
    supersedes,
    place
from numbered
where issue <> place or coalesce(supersedes, 0) <> place - 1
