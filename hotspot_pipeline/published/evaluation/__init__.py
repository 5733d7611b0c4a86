"""What people see of the evaluation: control charts, the funnel, curves of effects, and a hotspot's week in words.

Here: reading the tables of `evaluation`, pictures, plain sentences. Not here: the figures and estimates (`evaluation`), plan against delivered
(`published.patrols`).
"""
