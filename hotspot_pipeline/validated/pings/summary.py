"""What the gate sees of an extract of millions of fixes: one row for each kind of device (ADR 0004).

Here: the counts, piece by piece, and the shares made of them. Not here: the expectations (the feed's contract), their running
(`validated/gate.py`).

Columns of the summary: `device_type` (`unknown` where it is not said), `n_fixes`, and shares of them: `refused_share`,
`future_share`, `old_share`, `outside_share` (no place, at zero or outside the force), `poor_share` (of those not refused: a
position repeated, or `hdop` over 6).
"""

from __future__ import annotations

import polars as pl

from hotspot_pipeline.validated.gate_frames import SUMMARY, GateFrames
from hotspot_pipeline.validated.pings.rows import JudgedFixes

MAX_HDOP = 6
_MISPLACED = ("no_position", "at_zero", "outside_force")


class Summary:
    """Counts of one extract. `refusals` and `n_stored` are of all pieces added so far."""

    def __init__(self) -> None:
        self._parts: list[pl.DataFrame] = []
        self._refused: list[pl.DataFrame] = []
        self.n_stored = 0

    def add(self, judged: JudgedFixes) -> None:
        self.n_stored += judged.stored.height
        poor = (pl.col("fix_type") == "last_known").fill_null(False) | (
            pl.col("hdop") > MAX_HDOP
        ).fill_null(False)
        kept = judged.stored.select(
            "device_type",
            rule=pl.when(poor).then(pl.lit("poor")).otherwise(pl.lit("good")),
        )
        both = pl.concat([kept, judged.refused.select("device_type", "rule")])
        self._parts.append(both.group_by("device_type", "rule").agg(pl.len().alias("n")))
        self._refused.append(
            judged.refused.group_by("rule", maintain_order=True).agg(
                pl.len().cast(pl.Int64).alias("n_rows"),
                pl.col("source_file", "line_no").first(),
            )
        )

    @property
    def refusals(self) -> pl.DataFrame:
        """`rule`, `n_rows`, `source_file` and `line_no` of the first one."""
        schema = {
            "rule": pl.String,
            "n_rows": pl.Int64,
            "source_file": pl.String,
            "line_no": pl.Int64,
        }
        found = [part for part in self._refused if part.height]
        if not found:
            return pl.DataFrame(schema=schema)
        return (
            pl.concat(found)
            .group_by("rule", maintain_order=True)
            .agg(pl.col("n_rows").sum(), pl.col("source_file", "line_no").first())
            .sort("rule")
        )

    @property
    def n_refused(self) -> int:
        return int(self.refusals["n_rows"].sum())

    def frame(self) -> pl.DataFrame:
        if not self._parts:
            return pl.DataFrame(schema=dict.fromkeys(SUMMARY, pl.Float64))
        rule, n = pl.col("rule"), pl.col("n")
        is_kept = rule.is_in(["good", "poor"])

        def share(which: pl.Expr, of: pl.Expr | None = None) -> pl.Expr:
            whole = (n if of is None else n.filter(of)).sum()
            return pl.when(whole > 0).then(n.filter(which).sum() / whole)

        return (
            pl.concat(self._parts)
            .with_columns(pl.col("device_type").fill_null("unknown"))
            .group_by("device_type")
            .agg(
                n_fixes=n.sum().cast(pl.Float64),
                refused_share=share(~is_kept),
                future_share=share(rule == "fix_in_future"),
                old_share=share(rule == "fix_too_old"),
                outside_share=share(rule.is_in(_MISPLACED)),
                poor_share=share(rule == "poor", is_kept),
            )
            .sort("device_type")
            .select(SUMMARY)
        )

    def gate_frames(self) -> GateFrames:
        frame = self.frame()
        return GateFrames(frame, frame, frame.height, frame.height)
