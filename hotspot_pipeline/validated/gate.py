"""The judgement on an extract as a whole: its contract's expectations, run by great-expectations.

Belongs here: running one contract's suite on the gate's frames and saying what came out. Does not
belong here: what the frames hold (`gate_frames`), the report (`report`), what a failed `error`
stops (`assets`).

great-expectations is imported inside the functions: it takes seconds. It is asked for passed or
failed only, so that no value of a row ends in a result; what was observed is a share, a count or a
number that is worked out beside it (`gate_observed`). Its usage statistics are switched off before
it is imported, and one context serves a whole process, because a context is the dearer half of a
small suite. Its error messages are not passed on, as they may quote values: only their kind is.

An expectation that breaks down is a failed one with the reason, never a crash. An expectation that
has no value to look at (an empty extract, a force without a boundary) passes and says so.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import polars as pl

from hotspot_pipeline.feeds.contract import ContractError, Expectation, FeedContract
from hotspot_pipeline.validated.gate_frames import (
    GateFrames,
    expectation_columns,
    looks_at_all_rows,
)
from hotspot_pipeline.validated.gate_observed import observed_value, threshold_text

_LOGGER = "great_expectations"
_NAME = "hotspots_name"


@dataclass(frozen=True)
class GateOutcome:
    """One expectation on one extract. `observed` is what the threshold was held against, None where
    there is no such number; `n_rows` the rows looked at; `reason` why it passed or failed
    otherwise.
    """

    name: str
    check: str
    severity: str
    passed: bool
    observed: float | str | None
    threshold: str
    n_rows: int
    reason: str = ""

    @property
    def holds_extract(self) -> bool:
        return self.severity == "error" and not self.passed


def run_gate(frames: GateFrames, contract: FeedContract) -> list[GateOutcome]:
    """The outcome of each of the contract's expectations, in the contract's order."""
    outcomes: dict[str, GateOutcome] = {}
    for of_all_rows in (True, False):
        frame = frames.all_rows if of_all_rows else frames.accepted
        n_rows = frames.n_all if of_all_rows else frames.n_accepted
        chosen = [e for e in contract.expectations if looks_at_all_rows(e) is of_all_rows]
        to_run = []
        for expectation in chosen:
            reason = _nothing_to_look_at(expectation, frame, n_rows)
            if reason:
                outcomes[expectation.name] = _outcome(expectation, True, frame, n_rows, reason)
            else:
                to_run.append(expectation)
        for expectation, (passed, reason) in zip(to_run, _run(to_run, frame, n_rows), strict=True):
            outcomes[expectation.name] = _outcome(expectation, passed, frame, n_rows, reason)
    return [outcomes[expectation.name] for expectation in contract.expectations]


def unchanged_outcomes(contract: FeedContract) -> list[GateOutcome]:
    """The outcomes of a full extract of which no row is new: each passed before."""
    reason = "every row was judged with an earlier extract"
    return [
        GateOutcome(e.name, e.check, e.severity, True, None, threshold_text(e), 0, reason)
        for e in contract.expectations
    ]


def build_expectation(expectation: Expectation) -> Any:
    """The great-expectations object; raises ContractError where there is no such one or it takes
    other arguments.
    """
    _import_quietly()
    import great_expectations.expectations as classes

    made = getattr(classes, expectation.expectation, None)
    if made is None:
        raise ContractError(
            f"expectation '{expectation.name}': great-expectations has no "
            f"'{expectation.expectation}'"
        )
    try:
        return made(**expectation.kwargs, meta={_NAME: expectation.name})
    except (TypeError, ValueError) as error:
        first = str(error).splitlines()
        raise ContractError(f"expectation '{expectation.name}': {' '.join(first[:3])}") from error


def _run(
    expectations: Sequence[Expectation], frame: pl.DataFrame, n_rows: int
) -> Iterator[tuple[bool, str]]:
    """Passed or not, and why not where it could not be told, for each expectation in turn."""
    results: dict[str, tuple[bool, str]] = {}
    built = []
    for expectation in expectations:
        absent = [n for n in expectation_columns(expectation) if n not in frame.columns]
        if absent:
            results[expectation.name] = False, f"the extract has no column '{absent[0]}'"
            continue
        try:
            built.append(build_expectation(expectation))
        except ContractError as error:
            results[expectation.name] = False, str(error)
    if built:
        with _quiet():
            try:
                results.update(_validate(built, frame, n_rows))
            except Exception as error:  # its errors have no common base, and none may stop the gate
                reason = f"could not be run: {type(error).__name__} in great-expectations"
                results.update({each.meta[_NAME]: (False, reason) for each in built})
    for expectation in expectations:
        yield results.get(expectation.name, (False, "great-expectations gave no result"))


def _validate(
    built: Sequence[Any], frame: pl.DataFrame, n_rows: int
) -> dict[str, tuple[bool, str]]:
    import great_expectations as gx
    import pandas as pd

    data = frame.to_pandas() if frame.columns else pd.DataFrame(index=range(n_rows))
    batch = _batch_definition().get_batch(batch_parameters={"dataframe": data})
    suite = gx.ExpectationSuite(name="gate", expectations=list(built))
    result = batch.validate(suite, result_format="BOOLEAN_ONLY")
    return {
        each.expectation_config.meta[_NAME]: (bool(each.success), _failure(each.exception_info))
        for each in result.results
    }


def _failure(exception_info: Any) -> str:
    """The kind of error of an expectation that broke down; it comes flat or by metric."""
    if not isinstance(exception_info, dict):
        return ""
    entries = [exception_info, *(v for v in exception_info.values() if isinstance(v, dict))]
    for entry in entries:
        if entry.get("raised_exception"):
            last = str(entry.get("exception_traceback") or "").strip().splitlines()[-1:]
            kind = last[0].split(":")[0].split(".")[-1] if last else "unknown error"
            return f"could not be run: {kind} in great-expectations"
    return ""


def _import_quietly() -> None:
    # nothing may be sent from a police network; releases that send statistics read this on import
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    with _quiet():
        import great_expectations  # noqa: F401


@contextmanager
def _quiet() -> Iterator[None]:
    """Its logging held at errors, so that a run's log is the pipeline's own."""
    logger = logging.getLogger(_LOGGER)
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


@cache
def _batch_definition() -> Any:
    """One ephemeral context for the process: nothing of it is written to disk or sent anywhere."""
    _import_quietly()
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.enable_analytics(False)
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("gate").add_dataframe_asset("extract")
    return asset.add_batch_definition_whole_dataframe("extract")


def _nothing_to_look_at(expectation: Expectation, frame: pl.DataFrame, n_rows: int) -> str:
    columns = expectation_columns(expectation)
    if not columns or any(name not in frame.columns for name in columns):
        return ""
    if n_rows == 0:
        return "no rows to look at"
    # whether values are there is the question itself
    if expectation.expectation == "ExpectColumnValuesToNotBeNull":
        return ""
    if all(frame[name].null_count() == n_rows for name in columns):
        return "no values to look at"
    return ""


def _outcome(
    expectation: Expectation, passed: bool, frame: pl.DataFrame, n_rows: int, reason: str
) -> GateOutcome:
    return GateOutcome(
        expectation.name,
        expectation.check,
        expectation.severity,
        passed,
        observed_value(expectation, frame, n_rows),
        threshold_text(expectation),
        n_rows,
        reason,
    )
