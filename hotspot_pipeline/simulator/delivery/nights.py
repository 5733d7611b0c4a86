"""The files of one feed, night by night, with what goes wrong with them.

Belongs here: going through the calendar and sending each night's files. Does not belong here: the calendar (`plan`), the
rows (`extracts`), the errors themselves (`dirt`, `mishaps`), bytes on disk (`landing`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from hotspot_pipeline.simulator.crime.versions import Versions, as_text
from hotspot_pipeline.simulator.delivery import dirt, mishaps, plan
from hotspot_pipeline.simulator.delivery.extracts import RENAMED, Register
from hotspot_pipeline.simulator.delivery.landing import DeliveryFolder, Parcel, csv_text, stamp
from hotspot_pipeline.simulator.delivery.mishaps import Defect
from hotspot_pipeline.simulator.delivery.plan import DeliveryPlan, Night
from hotspot_pipeline.simulator.force.county import Ints
from hotspot_pipeline.simulator.force.premises import Premises
from hotspot_pipeline.simulator.streams import Streams

PREFIX = {"crime_extract": "crime", "asb_extract": "asb"}
Advanced = Callable[[], None]


@dataclass(eq=False)
class _Listing:
    """Which file first carried which state on which line; wrong things of single files."""

    states: list[Ints] = field(default_factory=list)
    lines: list[Ints] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    of_files: list[Defect] = field(default_factory=list)

    def carried(self, file: str, states: Ints, lines: Ints) -> None:
        self.files.append(file)
        self.states.append(states)
        self.lines.append(lines)


def deliver_places(folder: DeliveryFolder, premises: Premises, at: np.datetime64) -> None:
    """Venues, excluded sites and default geocodes, once."""
    for feed, frame in (
        ("venues", premises.venues),
        ("excluded_sites", premises.excluded_sites),
        ("default_geocodes", premises.default_geocodes),
    ):
        text = csv_text(as_text(frame))
        name = f"{feed}_{stamp(at)}.csv"
        folder.send(Parcel(feed, [(name, at)], "full", text, len(frame), at, len(frame)))


def deliver_feed(
    streams: Streams,
    folder: DeliveryFolder,
    calendar: DeliveryPlan,
    feed: str,
    versions: Versions,
    default_geocodes: pl.DataFrame,
    advanced: Advanced,
) -> pl.DataFrame:
    """Sends every file of crime_extract or asb_extract; returns what is wrong or unusual: schema DEFECT_SCHEMA.

    A wrong or unusual state is listed with the first file that carries it; later full extracts carry it again.
    `advanced` is called after each night.
    """
    nights = list(calendar.nights())
    has_mishaps = feed == "crime_extract"
    others = {n.number: mishaps.N_ROWS_WRONG[n.mishap] for n in nights if has_mishaps and n.mishap}
    times = np.array([night.at for night in nights], dtype="datetime64[s]")
    versions, wrong = dirt.spoil(
        streams("dirt", feed), feed, versions, default_geocodes, times, others
    )
    found = pl.concat([wrong, dirt.unusual_states(feed, versions.frame, default_geocodes)])
    odd = found["state"].to_numpy()
    keys = versions.frame[dirt.KEYS[feed]]
    register = Register.of(versions)
    del versions
    listing = _Listing()
    late: list[Parcel] = []
    for night in nights:
        register.advance(night.at)
        parcels = _files(feed, night, register, listing)
        if has_mishaps and night.mishap:
            rng = streams("mishaps", feed, night.number)
            parcels = _gone_wrong(rng, feed, night, parcels, keys, odd, register, listing)
        if night.arrives > night.at:
            late += parcels
            parcels = []
        for parcel in parcels:
            folder.send(parcel)
        if late and night.arrives == night.at:
            _send_late(folder, late, listing)
            late = []
        advanced()
    _send_late(folder, late, listing)
    return _defects(feed, found, keys, listing)


def _files(feed: str, night: Night, register: Register, listing: _Listing) -> list[Parcel]:
    renamed = RENAMED if night.is_renamed else None
    parcels = []
    carrier: tuple[str, Ints] | None = None
    if night.is_delta:
        name = f"{PREFIX[feed]}_delta_{stamp(night.at)}.csv.gz"
        carrier = name, register.fresh
        parcels.append(
            _parcel(
                feed,
                night,
                name,
                "delta",
                register.text(register.fresh, renamed),
                len(register.fresh),
            )
        )
    if night.is_full:
        name = f"{PREFIX[feed]}_full_{stamp(night.at)}.csv.gz"
        standing = register.standing
        # The export stops on the way; its own count of the rows was made before.
        sent = (
            standing[: round(plan.PARTIAL_SHARE * len(standing))] if night.is_partial else standing
        )
        carrier = carrier or (name, sent)
        text = register.text(sent, renamed)
        parcels.append(_parcel(feed, night, name, "full", text, len(sent), len(standing)))
    if carrier is not None:
        name, states = carrier
        lines = np.flatnonzero(np.isin(states, register.fresh))
        listing.carried(name, states[lines], lines + 2)
    if night.is_sent_twice:
        first = parcels[0]
        again = night.arrives + np.timedelta64(5, "m")
        copy = f"{PREFIX[feed]}_{first.kind}_{stamp(again)}.csv.gz"
        parcels[0] = _also(first, copy, again, listing)
    return parcels


def _parcel(
    feed: str, night: Night, name: str, kind: str, content: str, n: int, stated: int | None = None
) -> Parcel:
    return Parcel(
        feed, [(name, night.arrives)], kind, content, n, night.at, n if stated is None else stated
    )


def _also(parcel: Parcel, name: str, arrives: np.datetime64, listing: _Listing) -> Parcel:
    """The same file sent once more."""
    first = parcel.names[0][0]
    listing.of_files.append(Defect("delivered_twice", parcel.feed, name, None, first, "", "", "C2"))
    return Parcel(
        parcel.feed, [*parcel.names, (name, arrives)], parcel.kind, parcel.content, parcel.n_rows,
        parcel.at, parcel.n_rows_stated,
    )  # fmt: skip


def _gone_wrong(
    rng: np.random.Generator,
    feed: str,
    night: Night,
    parcels: list[Parcel],
    keys: pl.Series,
    odd: Ints,
    register: Register,
    listing: _Listing,
) -> list[Parcel]:
    first, *rest = parcels
    name = first.names[0][0]
    by_hand = night.at + np.timedelta64(plan.SENT_AGAIN_AFTER_H, "h")
    carried = register.fresh if first.kind == "delta" else register.standing
    of_rows = keys.gather(pl.Series(carried)).to_list()
    text = first.content
    assert isinstance(text, str)
    if night.mishap == plan.SENT_TWICE:
        copy = f"{PREFIX[feed]}_{first.kind}_{stamp(by_hand)}.csv.gz"
        return [_also(first, copy, by_hand, listing), *rest]
    if night.mishap == plan.PICTURE:
        wrong = f"{PREFIX[feed]}_{first.kind}_{stamp(by_hand)}.csv"
        listing.of_files.append(Defect("not_a_csv", feed, wrong, None, "", "", "PNG", "C1"))
        photo = Parcel(
            feed, [(wrong, by_hand)], "unreadable", mishaps.picture(rng), 0, by_hand, None
        )
        return [*parcels, photo]
    if night.mishap == plan.WRONG_FIELDS:
        text, found = mishaps.break_fields(rng, text, of_rows, name)
        n_more = 0
    else:
        wording = "Duplicate line, as exported"
        text, found = mishaps.repeat_lines(
            rng, text, "offence_desc", wording, of_rows, ~np.isin(carried, odd), name
        )
        n_more = len(found)
    listing.of_files += found
    stated = None if first.n_rows_stated is None else first.n_rows_stated + n_more
    return [
        Parcel(feed, first.names, first.kind, text, first.n_rows + n_more, first.at, stated),
        *rest,
    ]


def _send_late(folder: DeliveryFolder, late: list[Parcel], listing: _Listing) -> None:
    """The missing nights' files all at once, the newest first, as a folder is copied by hand."""
    for parcel in sorted(late, key=lambda p: p.names[0][0], reverse=True):
        name = parcel.names[0][0]
        listing.of_files.append(Defect("delivered_late", parcel.feed, name, None, "", "", "", "C2"))
        folder.send(parcel)


def _defects(feed: str, found: pl.DataFrame, keys: pl.Series, listing: _Listing) -> pl.DataFrame:
    n_states = [len(states) for states in listing.states]
    file = np.repeat(np.arange(len(listing.files)), n_states)
    carried = pl.DataFrame(
        {
            "state": np.concatenate(listing.states),
            "line": np.concatenate(listing.lines),
            "nth": file,
            "file": pl.Series(listing.files, dtype=pl.String)[file.tolist()],
        }
    )
    of_rows = carried.join(found, on="state", how="inner").sort("nth", "line", "kind")
    of_rows = of_rows.with_columns(feed=pl.lit(feed), key=keys[of_rows["state"].to_list()])
    names = list(mishaps.DEFECT_SCHEMA)
    of_files = pl.DataFrame(
        [[getattr(d, name) for name in names] for d in listing.of_files],
        schema=mishaps.DEFECT_SCHEMA,
        orient="row",
    )
    return pl.concat([of_rows.select(names), of_files], how="vertical_relaxed")
