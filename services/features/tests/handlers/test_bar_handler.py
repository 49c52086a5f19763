"""Frames in, bars out: identity, sums, trust, cuts, and that each is published once by whichever process."""

import msgspec
import pytest

from foretick.common.contracts import Bar, InstrumentKind, Trust
from foretick.common.testing import T0_NS, instrument, tick_frame

SECOND_NS = 10**9
START_NS = T0_NS // (900 * SECOND_NS) * 900 * SECOND_NS


def of(service, timeframe: str) -> list[Bar]:
    return [bar for bar in service.publisher.bars if bar.timeframe == timeframe]


def test_bar_says_what_it_was_made_from(service):
    frame = tick_frame("QTTQ", seq=1, start_ns=START_NS + 100, trust=Trust.STALE)
    after = tick_frame("C", seq=5, start_ns=START_NS + SECOND_NS, event_ns=[None])
    service.frames.handle([frame, after])
    forming, closed = of(service, "1s")
    assert (forming.is_closed, forming.asof_seq, forming.prev_asof_seq) == (False, 1, None)
    assert (closed.is_closed, closed.asof_seq, closed.prev_asof_seq) == (True, 5, 1)
    assert (closed.venue, closed.symbol, closed.origin, closed.run_id) == ("sim", "BTCUSDT", frame.origin, "test")
    assert (closed.producer, closed.epoch) == ("features.serve-0", 1)
    assert (closed.ts_recv_ns, closed.ts_ingest_ns) == (START_NS + SECOND_NS, START_NS + SECOND_NS)
    assert closed.ts_event_ns == frame.event_ns[-1]
    assert (closed.start_ns, closed.end_ns) == (START_NS, START_NS + SECOND_NS)
    assert (closed.first_seq, closed.last_seq, closed.events, closed.live_frac) == (1, 4, 4, 0.0)
    assert (closed.trust, closed.is_whole) == (Trust.STALE, True)
    # two trades of 1 at 100 and 100.01, the first a buy; quotes of 99.99 / 100.01
    assert (closed.open, closed.high, closed.low, closed.close) == (100.0, 100.01, 100.0, 100.01)
    assert (closed.trades, closed.volume_qty, closed.buy_volume_qty, closed.volume_quote) == (2, 2.0, 1.0, 200.01)
    assert closed.vwap == 100.005
    assert (closed.mid_open, closed.mid_close) == (100.0, 100.0)
    assert msgspec.json.decode(msgspec.json.encode(closed), type=Bar) == closed


def test_amounts_follow_the_contract_of_the_listing(service):
    service.bars.learn(instrument(kind=InstrumentKind.PERPETUAL, contract_size=10.0, is_inverse=True))
    service.own()  # taken over once it is listed
    service.frames.handle([tick_frame("TT")])
    assert service.publisher.bars[0].volume_quote == 10.0  # the first trade makes it due


def test_cutting_frames_otherwise_changes_no_bit(service, start, store, history, market, content):
    service.frames.handle(market(5, 4_000, per_frame=1))
    whole = start(store, history).own()
    whole.frames.handle(market(5, 4_000, per_frame=64))
    assert {bar.timeframe for bar in service.publisher.bars} == {
        "1s", "1m", "5m", "15m", "tick-50", "volume-imbalance-40",
    }  # fmt: skip
    assert len(of(service, "1m")) > 20
    assert [content(bar) for bar in whole.publisher.bars] == [content(bar) for bar in service.publisher.bars]


def test_each_bar_names_the_one_before(service, market):
    service.frames.handle(market(6, 2_000, per_frame=4))
    for timeframe in ("1s", "1m", "tick-50"):
        last = None
        for bar in of(service, timeframe):
            assert bar.prev_asof_seq == last
            last = bar.asof_seq


def test_duplicates_make_no_bar(service, start, store, history, market, content):
    frames = market(7, 900, per_frame=5)
    again = start(store, history).own()
    for index, frame in enumerate(frames):
        again.frames.handle([frame, frame, *frames[max(0, index - 3) : index]])
    service.frames.handle(frames)
    assert [content(bar) for bar in again.publisher.bars] == [content(bar) for bar in service.publisher.bars]


def test_gap_is_told_by_the_bars_around_it(service):
    times = [START_NS, START_NS + SECOND_NS, START_NS + 2 * SECOND_NS, START_NS + 3 * SECOND_NS]
    frames = [tick_frame("T", seq=seq, start_ns=at) for seq, at in zip((1, 2, 8, 9), times, strict=True)]
    service.frames.handle(frames)
    closed = [(bar.first_seq, bar.trust, bar.is_whole) for bar in of(service, "1s") if bar.is_closed]
    assert closed == [(1, Trust.LIVE, True), (2, Trust.GAP, False), (8, Trust.GAP, False)]


@pytest.mark.parametrize("saved", [True, False])
async def test_successor_publishes_what_is_missing_and_nothing_twice(
    start, store, history, market, content, saved, service
):
    frames = market(12, 3_000, per_frame=3)
    service.frames.handle(frames)
    first = await start(store, history).take_over()
    for frame in frames[:600]:
        first.clock.ns = frame.ts_recv_ns
        first.custodian.handle([frame])
        history.frames.append((frame.ts_recv_ns, frame))
    if saved:
        await first.custodian.save()
    for frame in frames[600:700]:
        first.custodian.handle([frame])
        history.frames.append((frame.ts_recv_ns, frame))
    history.vectors += first.vectors
    history.bars += first.publisher.bars
    second = start(store, history, epoch=2)
    second.clock.ns = frames[700].ts_recv_ns
    await second.take_over()
    assert second.publisher.bars == []
    second.custodian.handle(frames[700:])
    bars = first.publisher.bars + second.publisher.bars
    assert [content(bar) for bar in bars] == [content(bar) for bar in service.publisher.bars]


async def test_bar_that_was_sent_but_is_not_stored_yet_is_not_sent_twice(start, store, history, market):
    frames = market(17, 600, per_frame=3)
    first = await start(store, history).take_over()
    for frame in frames:
        first.clock.ns = frame.ts_recv_ns
        first.custodian.handle([frame])
        history.frames.append((frame.ts_recv_ns, frame))
    await first.custodian.hand_over([("sim", "BTCUSDT")])
    assert first.publisher.bars != []
    second = start(store, history, epoch=2)
    second.clock.ns = frames[-1].ts_recv_ns
    await second.take_over()
    assert second.publisher.bars == []
