"""One extract through the gate: typed, located, judged row by row, and counted out.

Belongs here: the order of the steps and the account of the rows. Does not belong here: the steps
(`typing`, `places`, `rules`, `rejects`, `conform`), the judgement on the extract as a whole
(`gate`), reading delivered files (`raw`) and writing tables (`assets`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import polars as pl

from hotspot_pipeline.feeds.contract import FeedContract
from hotspot_pipeline.feeds.timestamps import clock_column
from hotspot_pipeline.geo.boundary import Boundary
from hotspot_pipeline.pseudonyms.hashing import pseudonymise
from hotspot_pipeline.timebase import PoliceTime
from hotspot_pipeline.validated.conform import conform
from hotspot_pipeline.validated.gate_frames import GateFrames, check_expectations, make_gate_frames
from hotspot_pipeline.validated.moments import Moments
from hotspot_pipeline.validated.places import locate
from hotspot_pipeline.validated.rejects import REJECT_SCHEMA, make_rejects, make_warnings
from hotspot_pipeline.validated.row_hash import row_hash
from hotspot_pipeline.validated.rule import RuleInput
from hotspot_pipeline.validated.rules import apply_rules, check_contract
from hotspot_pipeline.validated.rules_place import delivered_place
from hotspot_pipeline.validated.tables import NOT_CONTENT
from hotspot_pipeline.validated.typing import LOCATION_COLUMNS, stripped_columns, type_stripped


class RowAccountError(RuntimeError):
    """Rows in are not rows accepted plus rows rejected: a fault of this package, never of the
    data.
    """


@dataclass(frozen=True)
class GateContext:
    """What the gate knows beside the rows. `lookups`: `offences` (ho_offence_lookup) and
    `policeuk_categories`; `police_time` is the force's; `boundary` None leaves C11 unchecked.
    """

    extract_id: str
    extract_ts_utc: datetime
    received_at_utc: datetime
    police_time: PoliceTime
    pseudonym_key: bytes = field(repr=False)
    boundary: Boundary | None = None
    lookups: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    resolutions: Sequence[int] = (8, 9, 10)


@dataclass(frozen=True)
class ValidatedExtract:
    """`accepted`: see `tables.accepted_schema`. `rejects`: `extract_id` and
    `rejects.REJECT_SCHEMA`, one line a rejected row. `warnings`: `rejects.WARNING_SCHEMA`.
    `gate_frames`: what `gate.run_gate` reads. `counts`: `n_rows`, `n_accepted`, `n_rejected` and,
    of the accepted rows, `n_without_id`, `n_without_location`, `n_outside_force`,
    `n_without_hour`.
    """

    accepted: pl.DataFrame
    rejects: pl.DataFrame
    warnings: pl.DataFrame
    gate_frames: GateFrames
    counts: Mapping[str, int]


def validate_extract(
    raw: pl.DataFrame, contract: FeedContract, context: GateContext
) -> ValidatedExtract:
    """Takes one extract through typing, places, rules and conforming.

    `raw` has `source_file`, `line_no` and every column of the contract as String (absent ones
    null). It may have `extract_id`, where a row first came with another extract than the one judged, and
    `is_judged_before`: true for a row that an accepted extract had already; where such a row is
    rejected again, it is not held against this extract. Raises ContractError for a contract that cannot be used, LookupTableError where a rule's
    reference table is not given, PseudonymKeyError for a key that is too short.
    """
    check_contract(contract)
    check_expectations(contract)
    n_in = raw.height
    origin = _given(raw, "extract_id", context.extract_id)
    is_old = _given(raw, "is_judged_before", False)
    stripped = stripped_columns(raw, contract)
    # the delivered text is the largest frame of all: where the caller keeps no name for it, it leaves memory here
    del raw
    typed = type_stripped(stripped, contract)
    # of the text only the locations are needed further on: the rest may leave memory
    texts = stripped.select(name for name in LOCATION_COLUMNS if name in stripped.columns)
    del stripped
    frame = typed.frame
    if texts.columns:  # duties and plans lie nowhere
        frame = pl.concat(
            [
                frame.drop(texts.columns),
                locate(texts, context.boundary, context.resolutions),
                texts.select(delivered_place(texts.columns)),
            ],
            how="horizontal",
        )
    moments = Moments(contract, context.police_time)
    given = RuleInput(
        frame,
        contract,
        moments.wall_clock(context.extract_ts_utc),
        moments.wall_clock(context.received_at_utc),
        context.lookups,
    )
    results = apply_rules(given, typed.problems)
    warnings = make_warnings(frame, results.warning)
    rejects = make_rejects(frame, results.rejecting, contract, context.pseudonym_key)
    is_rejected = frame.select(pl.col("row").is_in(rejects["row"].implode())).to_series()
    counts = ~(is_rejected & is_old)
    gate_frames = make_gate_frames(
        frame.filter(counts), is_rejected.filter(counts), contract, context.lookups
    )

    # a sealed feed comes with its pseudonyms
    identifiers = [c.name for c in contract.columns if c.identifier and not contract.is_sealed]
    kept = frame.filter(~is_rejected).with_columns(
        pseudonymise(frame[name].filter(~is_rejected), context.pseudonym_key)
        for name in identifiers
    )
    delivered = [
        *_delivered_locations(typed.frame.select(texts.columns), texts, ~is_rejected),
        *_content(kept, contract),
    ]
    kept = kept.with_columns(row_hash(delivered, kept.height))
    accepted = conform(
        kept,
        contract,
        extract_id=context.extract_id,
        police_time=context.police_time,
        resolutions=context.resolutions,
    )
    if accepted.height + rejects.height != n_in:
        raise RowAccountError(
            f"extract {context.extract_id}: {n_in} rows in, {accepted.height} accepted and "
            f"{rejects.height} rejected; nothing of it may be used"
        )
    accepted = accepted.with_columns(origin.filter(~is_rejected))
    rejects = rejects.select(origin.gather(rejects["row"]), *REJECT_SCHEMA)
    return ValidatedExtract(
        accepted, rejects, warnings, gate_frames, _counts(kept, accepted, rejects, contract)
    )


def _given(raw: pl.DataFrame, name: str, default: str | bool) -> pl.Series:
    """The column, or where the frame has none the default for every row."""
    if name in raw.columns:
        return raw.get_column(name)
    return pl.repeat(default, raw.height, eager=True).alias(name)


def _content(kept: pl.DataFrame, contract: FeedContract) -> Iterator[pl.Series]:
    """What of a row is content, for its hash: what was delivered and is kept, as typed.

    A new format of the same value is no change, nor is a time of modification that moved alone.
    """
    for column in contract.columns:
        name = column.name
        if name in NOT_CONTENT or name in LOCATION_COLUMNS:
            continue
        if column.identifier and not contract.is_sealed:
            yield kept[name].str.to_integer(base=16, dtype=pl.UInt64)
        else:
            yield kept[name]
        if column.type == "timestamp":
            # a bare date is not its midnight
            has_clock = kept[clock_column(name)]
            yield has_clock.set(has_clock.fill_null(True), None)


def _delivered_locations(
    numbers: pl.DataFrame, texts: pl.DataFrame, is_kept: pl.Series
) -> Iterator[pl.Series]:
    """The location columns as content: as delivered, because derived ones would change with the
    transform. What is not a number (a letter reference) stays text.
    """
    for name in texts.columns:
        number = numbers[name].filter(is_kept)
        yield number
        yield texts[name].filter(is_kept).set(number.is_not_null(), None)


def _counts(
    kept: pl.DataFrame, accepted: pl.DataFrame, rejects: pl.DataFrame, contract: FeedContract
) -> dict[str, int]:
    is_number = [n for n in ("crime_pid", "incident_pid") if n in accepted.columns][:1]
    has_hour, is_located = "hour_of_week" in accepted.columns, "lon" in accepted.columns
    return {
        "n_rows": accepted.height + rejects.height,
        "n_accepted": accepted.height,
        "n_rejected": rejects.height,
        "n_without_id": accepted[is_number[0]].null_count() if is_number else 0,
        "n_without_location": accepted["lon"].null_count() if is_located else 0,
        "n_outside_force": int((~kept["is_inside_force"]).sum()) if is_located else 0,
        "n_without_hour": accepted["hour_of_week"].null_count() if has_hour else 0,
    }
