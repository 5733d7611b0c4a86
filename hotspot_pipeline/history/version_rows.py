"""The rows of a table of versions: added with the content that a delivery brought, closed, and taken back. Not here: which (`timeline.py`)."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from hotspot_pipeline.history.timeline import Changes
from hotspot_pipeline.history.versioned import Versioned
from hotspot_pipeline.warehouse.places import place
from hotspot_pipeline.warehouse.session import Session

# by their place in the table, found among the few: else each update would compare all versions
_ROWS = """
    select c.*, v.rid from digest_edits c
    join digest_records r on r.record = c.record
    join digest_versions v on v.feed = r.feed and v.source_system = r.source_system and v.record_id = r.record_id
        and v.observed_utc = c.observed_ts and v.known_from_utc = c.known_from
"""
_OWN = {
    "feed": "r.feed", "source_system": "r.source_system", "record_id": "r.record_id", "version_no": "a.version_no",
    "observed_utc": "a.observed_ts", "known_from_utc": "a.known_from", "known_to_utc": "a.known_to",
    "taken_back_utc": "null", "change_mask": "a.change_mask", "status_before": "a.status_before",
    "record_status": "a.record_status",
}  # fmt: skip


def write_versions(session: Session, spec: Versioned, found: Changes, *, is_whole: bool) -> None:
    """Within the digest's transaction and over its temporary tables. `is_whole`: `digest_part` has all columns."""
    has_row = pl.col("ptr").is_not_null()
    with session.shelved("digest_added", _columns(found.added.filter(has_row))):
        content = "digest_part" if is_whole else _content(session, spec)
        session.execute(
            f"""
            {_insert(session, spec, {"observed_extract_id": "x.extract_id"})}
            from digest_added a
            join {content} v on v.ptr = a.ptr
            join digest_records r on r.record = a.record
            join digest_extracts x on x.feed = v.feed and x.order_ts_utc = a.observed_ts
            """
        )
    # with a record that only withdrawn extracts had shown the content last known stays
    gone = found.added.filter(~has_row)
    if not gone.is_empty():
        with session.shelved("digest_gone", _columns(gone)):
            session.execute(
                f"""
                {_insert(session, spec, {})}
                from digest_gone a
                join digest_records r on r.record = a.record
                join {spec.versions} v
                    on v.feed = r.feed and v.source_system = r.source_system and v.record_id = r.record_id
                    and v.known_to_utc is null and v.taken_back_utc is null and v.observed_utc = a.observed_ts
                """
            )
    _edit(
        session,
        spec,
        found.closed,
        ("known_to_utc = c.known_to", "version_no = c.version_no", "change_mask = c.change_mask"),
    )
    _edit(
        session,
        spec,
        found.taken_back,
        ("known_to_utc = c.known_to", "taken_back_utc = c.taken_back", "version_no = null"),
    )


def _content(session: Session, spec: Versioned) -> str:
    """The accepted rows that are added, with all columns and what `digest_part` says of them. Of the few that a night brings the content
    is read only now; they lie together."""
    parts = "select rid, ptr, feed from digest_part where ptr in (select ptr from digest_added)"
    lie = session.between(f"select rid from ({parts})")
    return f"(select v.*, p.ptr, p.feed from ({parts}) p join {spec.validated} v on {place('v')} = p.rid and v.{lie})"


def _edit(session: Session, spec: Versioned, edits: pl.DataFrame, values: tuple[str, ...]) -> None:
    if edits.is_empty():
        return
    with session.shelved("digest_edits", edits):
        session.execute(
            f"update {spec.versions} v set {', '.join(values)} from ({_ROWS}) c where {place('v')} = c.rid"
        )


def _insert(session: Session, spec: Versioned, more: Mapping[str, str]) -> str:
    """What is the version's own comes from `a` and `r`, its content from `v`."""
    own = {**_OWN, **more}
    listed = ", ".join(
        f"{own.get(c, 'v.' + c)} as {c}" for c in session.catalog[spec.versions].column_types
    )
    return f"insert into {spec.versions} by name select {listed}"


def _columns(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select(
        "record", "ptr", "observed_ts", "known_from", "known_to", "version_no", "change_mask", "status_before",
        "record_status",
    )  # fmt: skip
