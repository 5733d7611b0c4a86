"""The recode bulletin: what changed since the last issue, why, and its effect on each figure that had been issued.

Every run compares the figures that stand with those issued last (`figures.py`, `comparing.py`), traces each difference to
the records that made it (`tracing.py`, `reasons.py`), says it in words (`words.py`) and writes a new issue, if there is
a difference, in one transaction (`issuing.py`). `page.py` is the page. Not here: how records change (`history`), how
counts follow from them (`hexes`), putting files in place (`published.files`).
"""
