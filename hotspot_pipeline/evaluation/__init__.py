"""Whether crime moved, by how much, and how sure that is.

- `estimate`: what every estimate carries; `place_counts`: counts before and after, and their scatter;
- `rate_ratio`, `wdd`: the simple designs with place-level errors; `rings`: diffusion and displacement around places;
- `design`, `separation`, `ppml`: Poisson panels; `panel`, `few_places`, `event_study`, `staggered`: what is asked of them;
- `lags`, `residual`, `koper`: how long a patrol is remembered;
- `randomised_days`: days by lot; `matching`: controls like the treated places;
- `guards`, `multiplicity`, `preregistration`, `wording`: what may be said, and in which words.

Not here: counting events and minutes (`hexes`, `patrols`), pictures and pages (`published`).
"""
