"""Do the blocking checks of the tables before us stand? A blocking check stops only its own run, so others ask."""

from __future__ import annotations

from collections.abc import Iterable

import dagster as dg


def failing_checks(
    instance: dg.DagsterInstance, tables: Iterable[tuple[dg.AssetKey, list[dg.AssetCheckSpec]]]
) -> list[str]:
    """`asset: check` of every blocking check whose latest evaluation failed."""
    keys = [spec.key for _, specs in tables for spec in specs if spec.blocking]
    latest = instance.event_log_storage.get_latest_asset_check_execution_by_key(keys)
    failing = []
    for key, record in latest.items():
        event = record.event
        evaluation = (
            event.dagster_event.asset_check_evaluation_data
            if event and event.dagster_event
            else None
        )
        if evaluation is not None and not evaluation.passed:
            failing.append(f"{key.asset_key.to_user_string()}: {key.name}")
    return sorted(failing)


def require_sound(
    instance: dg.DagsterInstance, tables: Iterable[tuple[dg.AssetKey, list[dg.AssetCheckSpec]]]
) -> None:
    """Raises dg.Failure naming the checks that failed."""
    broken = failing_checks(instance, tables)
    if broken:
        raise dg.Failure(
            description=f"not built: {', '.join(broken)} failed at its last evaluation; mend that table first",
            allow_retries=False,
        )
