with spans as (

    select
        feed,
        extract_id,
        from_order_ts_utc,
        to_order_ts_utc,
        count(*) as n
    from raw.full_runs
    group by feed, extract_id, from_order_ts_utc, to_order_ts_utc

),

fulls as (

    select
        extract_id,
        feed,
        order_ts_utc,
        n_rows,
        n_repeated
    from raw.extracts
    where
        kind = 'full'
        and status = 'loaded'
        and feed in (select feed from spans)
        and extract_id not in (select d.extract_id from raw.decisions d where d.decision = 'withdrawn')

),

given as (

    select
        f.extract_id,
        f.n_rows,
        f.n_repeated,
        coalesce(sum(s.n), 0) as n_in_runs,
        coalesce(sum(case when s.extract_id <> f.extract_id then s.n else 0 end), 0) as n_of_earlier
    from fulls f
    left join spans s
        on
            s.feed = f.feed
            and s.from_order_ts_utc <= f.order_ts_utc
            and (s.to_order_ts_utc is null or s.to_order_ts_utc >= f.order_ts_utc)
    group by f.extract_id, f.n_rows, f.n_repeated

)

select *
from given
where n_rows <> n_in_runs or n_repeated <> n_of_earlier
