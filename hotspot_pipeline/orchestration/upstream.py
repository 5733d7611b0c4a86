"""Do the blocking checks of the tables before us stand? A blocking check stops only its own run, so others ask."""

from __future__ import annotations

from collections.abc import Iterable

import dagster as dg
from dagster import DagsterEventType
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluation


def latest_evaluations(
    instance: dg.DagsterInstance, keys: Iterable[dg.AssetCheckKey]
) -> dict[dg.AssetCheckKey, AssetCheckEvaluation]:
    """The newest evaluation of each check that has one; a check that is only planned has none."""
    records = instance.event_log_storage.get_latest_asset_check_execution_by_key(list(keys))
    found = {}
    for key, record in records.items():
        event = record.event.dagster_event if record.event else None
        if event is not None and event.event_type is DagsterEventType.ASSET_CHECK_EVALUATION:
            found[key] = event.asset_check_evaluation_data
    return found


def failing_checks(
    instance: dg.DagsterInstance, tables: Iterable[tuple[dg.AssetKey, list[dg.AssetCheckSpec]]]
) -> list[str]:
    """`asset: check` of every blocking check whose latest evaluation failed."""
    keys = [spec.key for _, specs in tables for spec in specs if spec.blocking]
    latest = latest_evaluations(instance, keys)
    return sorted(
        f"{key.asset_key.to_user_string()}: {key.name}"
        for key, evaluation in latest.items()
        if not evaluation.passed
    )


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
