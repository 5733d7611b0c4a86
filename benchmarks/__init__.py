"""Races: this pipeline beside what one would use instead, on the same input, in one run.

Belongs here: measuring, and saying plainly whether a stated target was met. Does not belong here:
tests (`hotspot_pipeline_tests` assert values and never time anything), profiling.

How a race is run. Every repeat of every side is a process of its own, so that one does not warm
another and peak memory is that side's alone. The sides take turns (A B A B …), so that a busy
machine slows both. Input is made and read before the clock starts, output written and compared
after it stops; a race whose sides disagree is no race and fails. What is reported is the median,
with the lowest and highest beside it. `python -m benchmarks --help` lists the options.
"""
