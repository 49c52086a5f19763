"""Derivatives, liquidations, listings in full and changes of a book's trust: from message to row, exactly once."""

from collections.abc import Callable
from enum import Enum

import msgspec
import pytest

from foretick.common.contracts import (
    BookCounts,
    BookEvent,
    BookEventKind,
    BookProof,
    DerivativeColumns,
    Instrument,
    InstrumentKind,
    LiquidationColumns,
    Message,
    Trust,
)
from foretick.common.errors import Malformed
from foretick.common.subjects import BOOKS, INSTRUMENT_LISTINGS, TICKS
from foretick.common.testing import T0_NS, book_frame, eventually, instrument, snapshot, tick_frame
from foretick.ingest.domain.continuity import Positions
from foretick.ingest.domain.rows import Rows

from .conftest import Rig

MS = 1_000_000
SAID = DerivativeColumns(
    mark_price=[100.5, None], index_price=[None, 99.75], funding_rate_frac=[-1e-4, None],
    next_funding_ns=[T0_NS + 10**12, None], open_interest_qty=[None, 31.25],
)  # fmt: skip
FORCED = LiquidationColumns(price=[99.5], qty=[2.0], side=[-1])
IDENTITY = {"trust": "LIVE", "origin": "sim", "run_id": "test", "venue": "sim", "symbol": "BTCUSDT", "epoch": 1}


async def has_rows(rig: Rig, expected: int, table: str) -> None:
    async def holds() -> bool:
        return await rig.value(f"SELECT count(*) FROM {table}") >= expected

    await eventually(holds)
    assert await rig.value(f"SELECT count(*) FROM {table}") == expected


async def test_derivative_rows_equal_the_message(rig: Rig) -> None:
    rig.start()
    await rig.publish(TICKS, tick_frame("TDLQDC", seq=5, derivatives=SAID, liquidations=FORCED))
    await has_rows(rig, 3, "derivatives")
    none = dict.fromkeys(
        (
            "mark_price",
            "index_price",
            "funding_rate_frac",
            "next_funding_ns",
            "open_interest_qty",
            "price",
            "qty",
            "side",
        )
    )
    expected = [
        none | {"seq": 6, "kind": "D", "mark_price": 100.5, "funding_rate_frac": -1e-4,
                "next_funding_ns": T0_NS + 10**12},
        none | {"seq": 7, "kind": "L", "price": 99.5, "qty": 2.0, "side": -1},
        none | {"seq": 9, "kind": "D", "index_price": 99.75, "open_interest_qty": 31.25},
    ]  # fmt: skip
    rows = await rig.fetch("SELECT *, extract(epoch FROM ts) * 1000 AS ts_ms FROM derivatives ORDER BY seq")
    for row, fields in zip(rows, expected, strict=True):
        at_ns = T0_NS + (fields["seq"] - 5) * MS
        wanted = IDENTITY | fields | {"recv_ns": at_ns, "event_ns": at_ns - MS, "ts_ms": at_ns // MS}
        assert {name: row[name] for name in wanted} == wanted
    ticks = await rig.fetch("SELECT seq, kind FROM ticks ORDER BY seq")
    assert [(row["seq"], row["kind"]) for row in ticks] == [(5, "T"), (8, "Q"), (10, "C")]


async def test_unknown_letter_is_kept_and_trades_may_be_without_number(rig: Rig) -> None:
    rig.start()
    frame = tick_frame("TZTT")
    frame.trades.trade_id[:] = [7, None, None]
    frame.event_ns[3] = None
    await rig.publish(TICKS, frame)
    await has_rows(rig, 4, "ticks")
    rows = await rig.fetch("SELECT kind, trade_id, event_ns, price FROM ticks ORDER BY seq")
    assert [tuple(row.values()) for row in rows] == [
        ("T", 7, T0_NS - MS, 100.0), ("Z", None, T0_NS, None), ("T", None, T0_NS + MS, 100.01),
        ("T", None, None, 100.02),
    ]  # fmt: skip


async def test_every_field_of_a_listing_is_recorded_and_a_change_replaces_it(rig: Rig) -> None:
    rig.start()
    first = instrument(
        kind=InstrumentKind.PERPETUAL, contract_size=100.0, is_inverse=True, order_step_qty=1.0, min_order_qty=5.0,
        maker_fee_bps=-0.5, taker_fee_bps=4.0, session="XNYS", proof=BookProof.CHAIN_AND_CHECKSUM, aliases=["XBT"],
    )  # fmt: skip
    second = msgspec.structs.replace(first, taker_fee_bps=None, proof=BookProof.FULL, ts_recv_ns=T0_NS + 1)
    for listing in (first, second):
        await rig.publish(INSTRUMENT_LISTINGS, listing)

        async def is_there(wanted: Instrument = listing) -> bool:
            rows = await rig.fetch("SELECT * FROM instruments")
            return len(rows) == 1 and rows[0]["proof"] == wanted.proof.value

        await eventually(is_there)
        (row,) = await rig.fetch("SELECT * FROM instruments")
        of_message = set(Message.__struct_fields__) - {"venue", "symbol", "origin", "run_id"}
        for name in set(Instrument.__struct_fields__) - of_message:
            value = getattr(listing, name)
            assert row[name] == (value.value if isinstance(value, Enum) else value), name
        assert row["recv_ns"] == listing.ts_recv_ns


def state(trust: Trust, reason: str, at_ns: int, counts: BookCounts | None = None) -> BookEvent:
    return BookEvent(
        kind=BookEventKind.STATE, ts_recv_ns=at_ns, ts_event_ns=None, trust=trust, reason=reason, counts=counts
    )


def delta(trust: Trust, at_ns: int) -> BookEvent:
    return BookEvent(kind=BookEventKind.DELTA, ts_recv_ns=at_ns, ts_event_ns=None, trust=trust, bids=[(99.0, 1.0)])


COUNTS = BookCounts(
    syncs=1, chain_breaks=2, checksums_checked=3, checksums_failed=4, tops_compared=5, tops_differing=6, crossings=7,
    stalls=8, malformed=9,
)  # fmt: skip


async def changes(rig: Rig) -> list[tuple[object, ...]]:
    rows = await rig.fetch("SELECT seq, from_trust, to_trust, reason, recv_ns FROM integrity_events ORDER BY seq")
    return [tuple(row.values()) for row in rows]


async def test_each_change_of_trust_is_one_integrity_event(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig()
    rig.start()
    frame = book_frame(
        [
            snapshot(ts_ns=T0_NS),
            delta(Trust.LIVE, T0_NS + 1),
            delta(Trust.CROSSED, T0_NS + 2),
            state(Trust.CROSSED, "still", T0_NS + 3),
            state(Trust.RESYNC, "the chain broke", T0_NS + 4, COUNTS),
        ]
    )
    await rig.publish(BOOKS, frame, frame)  # the second time it is a duplicate
    await has_rows(rig, 5, "book_events")
    expected: list[tuple[object, ...]] = [
        (1, None, "LIVE", "", T0_NS),
        (3, "LIVE", "CROSSED", "", T0_NS + 2),
        (5, "CROSSED", "RESYNC", "the chain broke", T0_NS + 4),
    ]
    assert await changes(rig) == expected
    (counted,) = await rig.fetch("SELECT * FROM integrity_events WHERE seq = 5")
    assert {name: counted[name] for name in BookCounts.__struct_fields__} == msgspec.structs.asdict(COUNTS)
    assert await rig.value("SELECT counts FROM book_events WHERE seq = 5") == msgspec.structs.asdict(COUNTS)
    assert await rig.value("SELECT counts IS NULL AND syncs IS NULL FROM book_events JOIN integrity_events USING (seq)"
                           " WHERE seq = 3")  # fmt: skip
    await rig.stop()
    after = make_rig()  # which knows from the database where the book stood
    after.start()
    await after.publish(BOOKS, book_frame([state(Trust.RESYNC, "", T0_NS + 5), snapshot(ts_ns=T0_NS + 6)], seq=6))
    await has_rows(after, 7, "book_events")
    assert await changes(after) == [*expected, (7, "RESYNC", "LIVE", "", T0_NS + 6)]
    lagged = await after.fetch(
        "SELECT seq FROM (SELECT seq, trust, lag(trust) OVER (ORDER BY seq) AS before FROM book_events) AS pairs"
        " WHERE before IS DISTINCT FROM trust ORDER BY seq"
    )
    assert [row["seq"] for row in lagged] == [change[0] for change in await changes(after)]


async def test_new_run_begins_without_a_former_trust(rig: Rig) -> None:
    rig.start()
    await rig.publish(BOOKS, book_frame(), book_frame([state(Trust.STALE, "away", T0_NS)], run_id="next"))
    await has_rows(rig, 2, "integrity_events")
    rows = await rig.fetch("SELECT run_id, from_trust, to_trust FROM integrity_events ORDER BY run_id")
    assert [tuple(row.values()) for row in rows] == [("next", None, "STALE"), ("test", None, "LIVE")]


@pytest.mark.parametrize(
    ("kinds", "fields"),
    [
        ("D", {"derivatives": None}),
        ("L", {"liquidations": None}),
        ("DD", {"derivatives": DerivativeColumns(mark_price=[1.0, 2.0])}),
        ("T", {"liquidations": FORCED}),
    ],
)
def test_derivatives_that_contradict_their_kinds_are_refused_in_whole(kinds: str, fields: dict[str, object]) -> None:
    rows = Rows(Positions(), 1)
    with pytest.raises(Malformed):
        rows.add(tick_frame(kinds, **fields))
    assert sum(rows.counts().values()) == 0
    assert rows.positions.next_seq == {}
