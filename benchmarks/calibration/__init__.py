"""Are the estimators honest? Each of them on many simulated forces, against what it says it estimates.

`python -m benchmarks.calibration --seeds 1000 --jobs 2`

- `worlds`: which forces are simulated, and their counts as arrays with the truth;
- `figures`: every estimator on one force;
- `verdicts`: coverage, false alarms, power and bias over all seeds, and what they should be;
- `report`: the table as JSON and Markdown, `benchmarks/results/calibration.*`.

Not here: races (`benchmarks.races`), the estimators (`hotspot_pipeline.evaluation`).
"""
