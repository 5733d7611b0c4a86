"""Do the checks before us stand? The newest evaluation counts, and a check that was only planned hides nothing."""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg
import pytest
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationPlanned,
)
from dagster._core.events import DagsterEvent, DagsterEventType
from dagster._core.test_utils import create_run_for_test

from hotspot_pipeline.orchestration.upstream import (
    failing_checks,
    latest_evaluations,
    require_sound,
)

KEY = dg.AssetKey(["aldershire", "hexes", "events"])
SPECS = [
    dg.AssetCheckSpec("grain", asset=KEY, blocking=True),
    dg.AssetCheckSpec("share", asset=KEY, blocking=False),
]
TABLES = [(KEY, SPECS)]


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as found:
        yield found


def evaluate(instance: dg.DagsterInstance, check: str, *, passed: bool) -> None:
    instance.report_runless_asset_event(
        dg.AssetCheckEvaluation(asset_key=KEY, check_name=check, passed=passed, metadata={})
    )


def plan(instance: dg.DagsterInstance, check: str) -> None:
    """A run that was to evaluate the check and was killed before."""
    run = create_run_for_test(instance, job_name="nightly")
    event = DagsterEvent(
        DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED.value,
        "nightly",
        event_specific_data=AssetCheckEvaluationPlanned(asset_key=KEY, check_name=check),
    )
    instance.report_dagster_event(event, run.run_id)


def test_checks_never_evaluated_stand_in_nobody_s_way(instance: dg.DagsterInstance) -> None:
    assert failing_checks(instance, TABLES) == []
    require_sound(instance, TABLES)
    assert failing_checks(instance, []) == []


def test_a_failed_blocking_check_is_named(instance: dg.DagsterInstance) -> None:
    evaluate(instance, "grain", passed=False)
    assert failing_checks(instance, TABLES) == ["aldershire/hexes/events: grain"]
    with pytest.raises(dg.Failure) as caught:
        require_sound(instance, TABLES)
    assert "not built: aldershire/hexes/events: grain failed at its last evaluation" in str(caught.value.description)  # fmt: skip
    assert caught.value.allow_retries is False


def test_a_warning_stops_nobody(instance: dg.DagsterInstance) -> None:
    evaluate(instance, "share", passed=False)
    assert failing_checks(instance, TABLES) == []


@pytest.mark.parametrize("last", [True, False])
def test_the_last_evaluation_counts(last: bool, instance: dg.DagsterInstance) -> None:
    evaluate(instance, "grain", passed=not last)
    evaluate(instance, "grain", passed=last)
    assert bool(failing_checks(instance, TABLES)) is not last


@pytest.mark.parametrize("passed", [True, False])
def test_a_run_that_was_killed_before_the_check_hides_nothing(
    passed: bool, instance: dg.DagsterInstance
) -> None:
    evaluate(instance, "grain", passed=passed)
    plan(instance, "grain")
    plan(instance, "grain")
    assert bool(failing_checks(instance, TABLES)) is not passed
    assert latest_evaluations(instance, [SPECS[0].key])[SPECS[0].key].passed is passed


def test_a_check_that_was_only_ever_planned_has_no_answer(instance: dg.DagsterInstance) -> None:
    plan(instance, "grain")
    assert latest_evaluations(instance, [SPECS[0].key]) == {}
    assert failing_checks(instance, TABLES) == []
