select
    issue,
    figure,
    place,
    cat_group,
    period_from,
    n_before,
    n_now
from published.recode_bulletin
where
    n_before + n_new + n_recoded_in - n_recoded_out + n_other_in - n_other_out <> n_now
    or difference <> n_now - n_before
    or difference = 0
