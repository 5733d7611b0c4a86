with answered as (

    select
        design_id,
        cut,
        outcome,
        measure,
        sum(case when guard = 'design' then 1 else 0 end) as n_design,
        sum(case when verdict = 'forbids' then 1 else 0 end) as n_forbid
    from evaluation.effect_guards
    group by design_id, cut, outcome, measure

)

select
    e.design_id,
    e.cut,
    e.outcome,
    e.measure,
    e.may_claim
from evaluation.effects e
left join answered a
    on a.design_id = e.design_id and a.cut = e.cut and a.outcome = e.outcome and a.measure = e.measure
where coalesce(a.n_design, 0) <> 1
    or e.may_claim <> (e.is_causal_design and a.n_forbid = 0)
