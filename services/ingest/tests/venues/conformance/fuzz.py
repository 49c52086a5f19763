"""Damaged bytes, and what a parser may make of them."""

from collections.abc import Sequence
from math import inf

from hypothesis import strategies as st

from foretick.common.contracts import Level
from foretick.common.errors import Malformed
from foretick.ingest.domain.events import (
    DerivativeState,
    Liquidation,
    Maintenance,
    Numbered,
    Quiet,
    ShutdownNotice,
    Trade,
    Unknown,
    VenueError,
)
from foretick.market.book import PriceGrid
from foretick.market.compiled_book import CompiledBook
from foretick.market.integrity import Delta, Snapshot, Top
from foretick.market.level_text import LevelText

_PIECES = (b'"', b"}", b"[", b"-", b"e9", b"null", b",", b"\x00", b"\xff", b"NaN", b"1e999", b"{}", b"0", b"true")
_FEW = 40_000


@st.composite
def mutated(draw, payloads: list[bytes]) -> bytes:
    """One of ``payloads`` with up to four small faults."""
    frame = bytearray(draw(st.sampled_from(payloads)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(0, len(frame) - 1)))
        match draw(st.sampled_from(["flip", "cut", "insert", "repeat"])):
            case "flip" if frame:
                frame[at] = draw(st.integers(0, 255))
            case "cut":
                del frame[at : at + draw(st.integers(1, 10))]
            case "insert":
                frame[at:at] = draw(st.sampled_from(_PIECES))
            case _:
                frame[at:at] = frame[at : at + draw(st.integers(1, 30))]
    return bytes(frame)


def samples(payloads: list[bytes], most: int = 60) -> list[bytes]:
    """Return a few of each length of ``payloads``, the shortest first: messages of a kind are of a like length."""
    small = sorted({payload for payload in payloads if len(payload) < _FEW}, key=len)
    return small[:: max(1, len(small) // most)]


def assert_sound_levels(bids: Sequence[Level], asks: Sequence[Level]) -> None:
    """Hold levels to what a book may rely on; levels that are still text are the book's own to judge."""
    if not isinstance(bids, LevelText):
        assert all(0 < price < inf and 0 <= qty < inf for price, qty in [*bids, *asks])
        return
    book = CompiledBook(PriceGrid(1e-8, 1e-8))
    try:
        book.apply_snapshot(bids, asks)
    except Malformed:
        return
    assert all(0 < price < 1e15 and 0 < qty < 1e18 for side in book.top(100) for price, qty in side)


def assert_sound(symbol: str, event: object) -> None:
    """Hold an event to what every consumer may rely on; how large levels may be is for their grid to say."""
    match event:
        case Trade(price, qty, side, trade_id):
            assert 0 < price < 1e15
            assert 0 < qty < 1e15
            assert side in (1, 0, -1)
            assert trade_id is None or 0 <= trade_id <= 2**63
        case Top(_, bid, bid_qty, ask, ask_qty):
            assert 0 < bid < ask < 1e15
            assert 0 <= min(bid_qty, ask_qty) <= max(bid_qty, ask_qty) < 1e15
        case DerivativeState(mark_price, index_price, rate, _, interest):
            assert all(price is None or 0 < price < 1e15 for price in (mark_price, index_price))
            assert rate is None or -1 < rate < 1
            assert interest is None or 0 <= interest < 1e15
        case Liquidation(price, qty, side):
            assert 0 < price < 1e15
            assert 0 < qty < 1e15
            assert side in (1, -1)
        case Delta(first_id, last_id, bids, asks):
            assert 0 <= first_id <= last_id < 2**63
            assert_sound_levels(bids, asks)
        case Snapshot(last_id, bids, asks):
            assert 0 <= last_id < 2**63
            assert_sound_levels(bids, asks)
        case _:
            assert isinstance(event, Unknown | Quiet | VenueError | ShutdownNotice | Maintenance | Numbered)
            assert symbol == ""
            return
    assert symbol
    for each_ns in (getattr(event, "ts_event_ns", None), getattr(event, "next_funding_ns", None)):
        assert each_ns is None or 0 <= each_ns <= 4_102_444_800_000_000_000
