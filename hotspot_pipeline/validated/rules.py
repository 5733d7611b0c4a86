"""All row rules by name, and the running of those that a contract lists.

Belongs here: the registry, the check of a contract against it, and the order of things. Does not
belong here: the rules themselves (`rules_time`, `rules_span`, `rules_codes`, `rules_place`, `rules_key`), rules
about an extract as a whole (`gate`), the shape of a reject (`rejects`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import polars as pl

from hotspot_pipeline.feeds.contract import ContractError, FeedContract, RowRule
from hotspot_pipeline.feeds.timestamps import require_clear_formats
from hotspot_pipeline.validated import (
    rules_codes,
    rules_key,
    rules_place,
    rules_span,
    rules_time,
)
from hotspot_pipeline.validated.rule import Rule, RuleInput

RULES: dict[str, Rule] = {
    **rules_time.RULES,
    **rules_codes.RULES,
    **rules_place.RULES,
    **rules_span.RULES,
    **rules_key.RULES,
}
TYPING_CHECK = "C1"
"""The check that a value which cannot be typed, or is missing, breaks."""


@dataclass(frozen=True)
class BrokenRule:
    """The rows (see `broken`) that break one entry of the contract."""

    entry: RowRule
    rows: pl.DataFrame


@dataclass(frozen=True)
class RuleResults:
    """`rejecting`: what rejects rows, in the contract's order; a row may be in several, and in
    `warning` no row that is rejected.
    """

    rejecting: tuple[BrokenRule, ...]
    warning: tuple[BrokenRule, ...]


def check_contract(contract: FeedContract) -> None:
    """Raises ContractError where a rule is unknown, has a wrong parameter, action or feed, or where
    two formats read one text as two times. To be called when a contract is loaded.
    """
    require_clear_formats(contract)
    for entry in contract.rules:
        where = f"feed {contract.feed}: rule '{entry.rule}'"
        if entry.rule not in RULES:
            raise ContractError(f"{where} is not known; known: {', '.join(sorted(RULES))}")
        rule = RULES[entry.rule]
        if entry.action not in ("reject", "warn"):
            raise ContractError(f"{where}: action '{entry.action}' is not reject or warn")
        unknown = sorted(set(entry.params) - set(rule.params))
        if unknown:
            known = ", ".join(rule.params) or "none"
            raise ContractError(f"{where}: no parameter '{unknown[0]}'; known: {known}")
        absent = [name for name in rule.columns if name not in contract.column_names]
        if absent:
            raise ContractError(f"{where} needs column '{absent[0]}', which the feed does not have")


def apply_rules(given: RuleInput, untyped: pl.DataFrame) -> RuleResults:
    """Runs the contract's rules on `given.frame`; `untyped` are the problems that `typing` found.

    Rules that reject come first, then those that look only at what is left (`unique_key`), then the
    warnings, which count no row that is rejected.
    """
    entries = given.contract.rules
    rejecting = [
        BrokenRule(RowRule(str(rule[0]), "reject", TYPING_CHECK), rows)
        for rule, rows in untyped.group_by("rule", maintain_order=True)
    ]
    for last in (False, True):
        left = given if not last else replace(given, frame=_survivors(given.frame, rejecting))
        rejecting.extend(
            found
            for entry in entries
            if entry.action == "reject" and RULES[entry.rule].among_survivors is last
            for found in _run(entry, left)
        )
    left = replace(given, frame=_survivors(given.frame, rejecting))
    warning = [found for entry in entries if entry.action == "warn" for found in _run(entry, left)]
    return RuleResults(tuple(rejecting), tuple(warning))


def _run(entry: RowRule, given: RuleInput) -> list[BrokenRule]:
    rule = RULES[entry.rule]
    rows = rule.broken(replace(given, params={**rule.params, **entry.params}))
    if rows.is_empty():
        return []
    # a rule may report under finer names (unique_key: duplicate_row)
    parts = rows.partition_by("rule", maintain_order=True)
    return [BrokenRule(replace(entry, rule=part["rule"][0]), part) for part in parts]


def _survivors(frame: pl.DataFrame, rejecting: Sequence[BrokenRule]) -> pl.DataFrame:
    if not rejecting:
        return frame
    rejected = pl.concat([broken.rows.select("row") for broken in rejecting]).unique()
    return frame.join(rejected, on="row", how="anti", maintain_order="left")
