"""Two encoders that know nothing of each other give the same bytes; PostgreSQL reads them in ``test_recorder``."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretick.common.contracts import TickFrame
from foretick.common.testing import T0_NS, tick_frame
from foretick.ingest.adapters.timescale.encode import encode_block, encode_rows, to_columns
from foretick.ingest.domain.continuity import Positions
from foretick.ingest.domain.rows import Rows
from foretick.ingest.domain.tables import TABLES

TYPES = TABLES["ticks"]


def rows_of(frame: TickFrame) -> Rows:
    rows = Rows(Positions(), 1)
    rows.add(frame)
    return rows


def plainly(frame: TickFrame) -> list[tuple[object, ...]]:
    """The rows of ``frame`` event by event, read straight off the contract's definition."""
    trades = zip(frame.trades.price, frame.trades.qty, frame.trades.side, frame.trades.trade_id, strict=True)
    quotes = zip(frame.quotes.bid, frame.quotes.bid_qty, frame.quotes.ask, frame.quotes.ask_qty, strict=True)
    rows: list[tuple[object, ...]] = []
    for index, kind in enumerate(frame.kinds):
        price, qty, side, trade_id = next(trades) if kind == "T" else (None,) * 4
        bid, bid_qty, ask, ask_qty = next(quotes) if kind == "Q" else (None,) * 4
        values = {
            "ingested_at": frame.ts_ingest_ns, "ts": frame.recv_ns[index], "recv_ns": frame.recv_ns[index],
            "event_ns": frame.event_ns[index], "epoch": frame.epoch, "seq": frame.seq + index, "trade_id": trade_id,
            "price": price, "qty": qty, "bid": bid, "bid_qty": bid_qty, "ask": ask, "ask_qty": ask_qty, "side": side,
            "kind": kind, "trust": frame.trust.value, "origin": frame.origin.value, "run_id": frame.run_id,
            "venue": frame.venue, "symbol": frame.symbol,
        }  # fmt: skip
        rows.append(tuple(values[name] for name in TYPES))
    return rows


@given(kinds=st.text("TQC", min_size=1, max_size=30), symbol=st.text(min_size=1, max_size=8), data=st.data())
def test_blocks_hold_the_same_rows_as_one_by_one(kinds: str, symbol: str, data: st.DataObject) -> None:
    times = st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1))
    event_ns = data.draw(st.lists(times, min_size=len(kinds), max_size=len(kinds)))
    try:
        symbol.encode()
    except UnicodeEncodeError:
        symbol = "S"
    frame = tick_frame(kinds, seq=data.draw(st.integers(1, 2**60)), symbol=symbol, event_ns=event_ns)
    trades = kinds.count("T")
    ids = st.one_of(st.none(), st.integers(0, 2**63 - 1))
    frame.trades.trade_id[:] = data.draw(st.lists(ids, min_size=trades, max_size=trades))
    blocks = rows_of(frame).ticks.values()
    encoded = b"".join(encode_block(TYPES, block.constants, to_columns(TYPES, block.columns)) for block in blocks)
    plain = [encode_rows(TYPES.values(), [row]) for row in plainly(frame)]
    assert len(encoded) == sum(map(len, plain))
    for row in plain:
        assert row in encoded


def test_row_is_what_the_manual_says() -> None:
    """From the manual's section on COPY: 16-bit field count; 32-bit length, -1 for NULL; big-endian values."""
    day_2000_ns = 946_684_800_000_000_000
    encoded = encode_rows(["int8", "text", "bool", "float8", "timestamptz"], [(1, "a", True, None, day_2000_ns + 1000)])
    expected = "000500000008000000000000000100000001610000000101ffffffff000000080000000000000001"
    assert encoded.hex() == expected


@pytest.mark.parametrize("field", [{"recv_ns": [2**63]}, {"event_ns": [2**63]}])
def test_number_beyond_64_bits_is_refused(field: dict[str, list[int]]) -> None:
    (block,) = rows_of(tick_frame("C", **field, ts_recv_ns=T0_NS)).ticks.values()
    with pytest.raises(OverflowError):
        encode_block(TYPES, block.constants, to_columns(TYPES, block.columns))


def test_side_beyond_16_bits_is_refused() -> None:
    frame = tick_frame("T")
    frame.trades.side[0] = 2**16 + 1
    (block,) = rows_of(frame).ticks.values()
    with pytest.raises(OverflowError, match="side"):
        encode_block(TYPES, block.constants, to_columns(TYPES, block.columns))
    with pytest.raises(struct.error):
        encode_rows(["int2"], [(2**16 + 1,)])
