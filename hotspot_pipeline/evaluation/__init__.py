"""Whether crime moved, by how much, and how sure that is.

- `estimate`: what every estimate carries; `place_counts`: counts before and after, and their scatter;
- `rate_ratio`, `wdd`: the simple designs with place-level errors; `rings`: diffusion and displacement around places;
- `design`, `separation`, `ppml`: Poisson panels; `panel`, `few_places`, `event_study`, `staggered`: what is asked of them;
- `lags`, `residual`, `koper`: how long a patrol is remembered;
- `randomised_days`: days by lot; `matching`: controls like the treated places;
- `weekly_baseline`, `control_limits`, `surveillance`, `nowcast`: what a week should bring, and whether it is out of the ordinary;
- `place_weeks`, `patrol_metrics`, `week_quality`, `nowcast_rows`, `weekly_tables`: the weekly metrics, family by family;
- `quarters`, `baseline_book`, `limit_rows`: baselines that are kept, and limits from them; `refusing`: what is not computed;
- `guards`, `multiplicity`, `preregistration`, `wording`: what may be said, and in which words.

Not here: counting events and minutes (`hexes`, `patrols`), pictures and pages (`published`).
"""
