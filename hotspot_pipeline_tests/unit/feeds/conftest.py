"""A small feed contract, written as the shipped ones are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import yaml

from hotspot_pipeline.feeds.contract import FeedContract, parse_contract

SMALL = """
feed: calls
table: asb_incidents
description: Calls. One row a call.
delivery:
  files: ["**/*.csv"]
  kind: delta
  name_pattern: '(?P<timestamp>\\d{8})'
key: [ref]
constants: {system: cad}
columns:
  system: {type: text, in_header: true}
  ref: {type: text, in_header: true, aliases: [log number], identifier: true}
  opened: {type: timestamp, in_header: true, aliases: [call_time]}
  status: {type: code, allowed: [open, closed], codes: {o: open}}
  grade: {type: text}
rules:
  - {rule: unique_key, action: reject, check: C4}
expectations:
  - {name: has_rows, expectation: ExpectTableRowCountToBeBetween, severity: warn, kwargs: {min_value: 1}, check: C3}
  - {name: share, expectation: ExpectColumnMeanToBeBetween, severity: error, kwargs: {column: is_x, max_value: 0.2}, check: A5}
"""


@pytest.fixture
def document() -> dict[str, Any]:
    """A fresh copy of the small contract's document."""
    return dict(yaml.safe_load(SMALL))


@pytest.fixture
def small(document: dict[str, Any]) -> FeedContract:
    return parse_contract(document, "calls.yml")


@pytest.fixture
def mapped(small: FeedContract) -> Callable[[str], FeedContract]:
    """The small contract with a force's section, given as YAML, laid over it."""
    return lambda text: small.mapped(yaml.safe_load(text) or {}, "force.yml")
