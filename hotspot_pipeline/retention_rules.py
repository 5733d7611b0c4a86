"""How long a force keeps what says where officers were (DOMAIN §4.8): the section `retention:` of its `force.yml`, checked.

Not here: the removal (`validated/retention.py`), how long a feed's archived files are kept (`retention_months`, `feeds/`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hotspot_pipeline.strict_yaml import mapping, refuse_unknown


@dataclass(frozen=True)
class RetentionRules:
    """`pings_days`: days for which the fixes of a police day are kept."""

    pings_days: int = 90


def parse_retention_rules(given: Any, where: str, error: type[ValueError]) -> RetentionRules:
    rules = mapping(given, where, error)
    refuse_unknown(rules, ("pings_days",), where, error)
    days = rules.get("pings_days", RetentionRules.pings_days)
    if isinstance(days, bool) or not isinstance(days, int) or days < 8:
        # late fixes come for 7 days
        raise error(f"{where}.pings_days '{days}' is not a whole number of 8 or more")
    return RetentionRules(days)
