select hotspot_id, week_start, cat_group, mu, lower_998, lower_95, upper_95, upper_998, n_13, n_13_before, percent_change
from evaluation.control_limits
where
    not (lower_998 <= lower_95 and lower_95 <= upper_95 and upper_95 <= upper_998)
    or mu < lower_998
    or mu > upper_998 + 1
    or (percent_change is not null and (n_13 < 20 or n_13_before < 20))
