"""The contracts of one force: the shipped ones with its `force.yml` laid over them."""

from __future__ import annotations

from collections.abc import Mapping

from hotspot_pipeline.feeds.contract import ContractError, FeedContract, shipped_contracts
from hotspot_pipeline.settings import Force


def contracts_of(force: Force) -> Mapping[str, FeedContract]:
    """The feeds that the force delivers, by name; raises ContractError naming `force.yml` and the key."""
    shipped = shipped_contracts()
    unknown = sorted(set(force.feeds) - set(shipped))
    if unknown:
        raise ContractError(
            f"{force.config_file}: no feed '{unknown[0]}'; known: {', '.join(shipped)}"
        )
    return {
        feed: shipped[feed].mapped(mapping, str(force.config_file))
        for feed, mapping in force.feeds.items()
    }
