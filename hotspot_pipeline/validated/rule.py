"""What a row rule is, and what it is given.

Belongs here: `Rule` and `RuleInput`. Does not belong here: the rules (`rules_time`, `rules_codes`,
`rules_place`, `rules_key`), the list of them all and their running (`rules`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import polars as pl

from hotspot_pipeline.feeds.contract import FeedContract


class LookupTableError(ValueError):
    """A reference table that a rule needs is not there or lacks a column."""


@dataclass(frozen=True)
class RuleInput:
    """`frame`: the typed rows with their place (`row`, `source_file`, `line_no`, contract columns,
    `places`).

    `extract_ts_local`, `received_at_local`: when the extract was taken by its name and when it
    arrived, on the feed's wall clock. `lookups`: reference tables by name, as text or typed.
    `params`: the rule's parameters, defaults filled in.
    """

    frame: pl.DataFrame
    contract: FeedContract
    extract_ts_local: datetime
    received_at_local: datetime
    lookups: Mapping[str, pl.DataFrame]
    params: Mapping[str, Any] = field(default_factory=dict)

    def lookup(self, name: str, *columns: str) -> pl.DataFrame:
        if name not in self.lookups:
            raise LookupTableError(
                f"feed {self.contract.feed}: its rules need the lookup '{name}', which was not "
                f"given; given: {', '.join(sorted(self.lookups)) or 'none'}"
            )
        table = self.lookups[name]
        absent = [column for column in columns if column not in table.columns]
        if absent:
            raise LookupTableError(
                f"lookup '{name}' has no column '{absent[0]}'; it has {table.columns}"
            )
        return table


@dataclass(frozen=True)
class Rule:
    """A rule: `broken` says which rows break it (see `broken.BROKEN_SCHEMA`).

    `params`: its parameters with their defaults. `columns`: contract columns it cannot do without.
    `among_survivors`: it looks only at rows that no other rule rejects.
    """

    broken: Callable[[RuleInput], pl.DataFrame]
    params: Mapping[str, Any] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    among_survivors: bool = False
