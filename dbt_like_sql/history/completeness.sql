with settled as (

    -- a week is settled when 90 days after its end are known
    select
        table_name,
        feed,
        cat_group,
        week_start,
        n_known as n_settled
    from history.delay_triangle
    where lag_days = 90

),

weeks as (

    select
        t.table_name,
        t.cat_group,
        t.lag_days,
        t.n_known,
        s.n_settled,
        -- of a handful of records a share says nothing
        case when s.n_settled >= 20 then t.n_known / nullif(s.n_settled, 0) end as share
    from history.delay_triangle t
    inner join settled s
        on
            s.table_name = t.table_name
            and s.feed = t.feed
            and s.cat_group = t.cat_group
            and s.week_start = t.week_start

)

select
    table_name,
    cat_group,
    lag_days,
    count(*) as n_weeks,
    sum(n_known) as n_known,
    sum(n_settled) as n_settled,
    sum(n_known) / nullif(sum(n_settled), 0) as mean_share,
    count(share) as n_weeks_with_share,
    min(share) as smallest_share,
    max(share) as largest_share,
    sum(n_settled) / nullif(sum(n_known), 0) as nowcast_factor,
    lag_days < 28 as is_provisional
from weeks
group by table_name, cat_group, lag_days
