"""An instrument's events as frames, cut in any way, and the events themselves one by one for a brute-force oracle."""

import random
from typing import Any, NamedTuple

import pytest

from foretick.common.contracts import BookFrame, QuoteColumns, TickFrame, TradeColumns, Trust
from foretick.common.testing import T0_NS, book_frame, snapshot, tick_frame
from foretick.market.bars import BarEngine, BarUpdate

SECOND_NS = 1_000_000_000
Frame = TickFrame | BookFrame


class Event(NamedTuple):
    """``kind``: a letter of ``TickFrame.kinds``, or B of the book; ``trade``: price, qty, side; ``mid``: of a quote."""

    seq: int
    recv_ns: int
    kind: str
    trust: Trust
    trade: tuple[float, float, int] | None
    quote: tuple[float, float] | None


def make_events(count: int, seed: int, mean_gap_s: float = 0.3) -> list[Event]:
    """Random events from ``seq`` 1 on: bursts at one instant, silences of minutes, every kind, any trust."""
    rng = random.Random(seed)
    now_ns, price = T0_NS + 7 * SECOND_NS + 123, 100.0
    events = []
    for seq in range(1, count + 1):
        pause = rng.choices((0.0, rng.expovariate(1 / mean_gap_s), 90.0), (5, 15, 0.05))[0]
        now_ns += int(pause * SECOND_NS)
        kind = rng.choices("TQCDLB", (6, 5, 1, 0.5, 0.3, 2))[0]
        price = round(price * (1 + rng.gauss(0, 1e-4)), 2)
        trade = (price, round(rng.uniform(0.001, 3), 3), rng.choice((-1, 0, 1))) if kind == "T" else None
        quote = (round(price - 0.01, 2), round(price + 0.01 * rng.randint(1, 4), 2)) if kind == "Q" else None
        trust = rng.choices((Trust.LIVE, Trust.STALE, Trust.GAP), (30, 1, 1))[0]
        events.append(Event(seq, now_ns, kind, trust, trade, quote))
    return events


def frame_events(events: list[Event], seed: int, longest: int, **fields: Any) -> list[Frame]:
    """The same events in frames of random length; the venue's clock runs in any order."""
    rng = random.Random(seed)
    frames: list[Frame] = []
    start = 0
    while start < len(events):
        first = events[start]
        stop, size = start + 1, rng.randint(1, longest)
        while (
            stop < len(events)
            and stop - start < size
            and (events[stop].kind == "B") == (first.kind == "B")
            and (first.kind == "B" or events[stop].trust is first.trust)
            and events[stop].seq == events[stop - 1].seq + 1
        ):
            stop += 1
        frames.append(_frame(events[start:stop], rng, fields))
        start = stop
    return frames


def _frame(events: list[Event], rng: random.Random, fields: dict[str, Any]) -> Frame:
    first = events[0]
    if first.kind == "B":
        changes = [snapshot(ts_ns=event.recv_ns, trust=event.trust) for event in events]
        return book_frame(changes, seq=first.seq, **fields)
    trades = [event.trade for event in events if event.trade is not None]
    quotes = [event.quote for event in events if event.quote is not None]
    return tick_frame(
        "".join(event.kind for event in events), seq=first.seq, trust=first.trust,
        recv_ns=[event.recv_ns for event in events], ts_recv_ns=events[-1].recv_ns,
        event_ns=[event.recv_ns + rng.randint(-(10**10), 10**10) for event in events],
        trades=TradeColumns(price=[t[0] for t in trades], qty=[t[1] for t in trades], side=[t[2] for t in trades],
                            trade_id=[None] * len(trades)),
        quotes=QuoteColumns(bid=[q[0] for q in quotes], bid_qty=[1.0] * len(quotes), ask=[q[1] for q in quotes],
                            ask_qty=[1.0] * len(quotes)),
        **fields,
    )  # fmt: skip


def fold(engine: BarEngine, frame: Frame, skip: int = 0) -> list[BarUpdate]:
    return engine.fold_ticks(frame, skip) if isinstance(frame, TickFrame) else engine.fold_book(frame, skip)


@pytest.fixture
def events():
    return make_events


@pytest.fixture
def framed():
    return frame_events


@pytest.fixture
def fold_frame():
    return fold
