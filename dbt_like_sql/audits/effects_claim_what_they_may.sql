select
    design_id,
    cut,
    outcome,
    measure,
    sentence_follows
from evaluation.effects
where (sentence_follows like '%reduced%' or sentence_follows like '%increased%' or sentence_counted like '%reduced%' or sentence_counted like '%increased%')
    and not (may_claim and (coalesce(low, -1) > 0 or coalesce(high, 1) < 0))
