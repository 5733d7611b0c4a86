"""Do the blocking checks of the tables before us stand? A blocking check stops only its own run, so others ask."""

from __future__ import annotations

from collections.abc import Iterable

import dagster as dg
from dagster import DagsterEventType
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluation
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecord


def latest_evaluations(
    instance: dg.DagsterInstance, keys: Iterable[dg.AssetCheckKey]
) -> dict[dg.AssetCheckKey, AssetCheckEvaluation]:
    """The newest evaluation of each check that has one. A later run that only planned the check, and was killed
    before it came to it, does not hide what was found before."""
    storage = instance.event_log_storage
    found = {}
    only_planned = []
    for key, record in storage.get_latest_asset_check_execution_by_key(list(keys)).items():
        evaluation = _evaluation(record)
        if evaluation is None:
            only_planned.append(key)
        else:
            found[key] = evaluation
    for key, summary in storage.get_asset_check_summary_records(only_planned).items():
        evaluation = _evaluation(summary.last_completed_check_execution_record)
        if evaluation is not None:
            found[key] = evaluation
    return found


def _evaluation(record: AssetCheckExecutionRecord | None) -> AssetCheckEvaluation | None:
    event = record.event.dagster_event if record and record.event else None
    if event is None or event.event_type is not DagsterEventType.ASSET_CHECK_EVALUATION:
        return None
    return event.asset_check_evaluation_data


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
