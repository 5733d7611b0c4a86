"""Stage `validated`, the gate: typed, located, pseudonymised rows, and what failed a rule with the
rule.

Belongs here: everything between a delivered row and an accepted one. Does not belong here: reading
files (`raw`), versions over extracts (`history`), counts (`hexes`). Nothing is imported on entry.
"""
