"""Where: cells, coordinate transforms, how a coordinate was delivered, and the force's boundary.

Belongs here: `grid` and `h3_grid` (points to cells and back), `transform` (British National Grid to
longitude/latitude by OSTN15), `coordinates` (recognise how a pair was delivered), `boundary` (in or
out of the force). Does not belong here: what a row's status means for its extract (`validated`),
counts by cell (`hexes`), map files (`published`). Nothing is imported on entry, so that one module's
libraries are not paid for by users of another.
"""
