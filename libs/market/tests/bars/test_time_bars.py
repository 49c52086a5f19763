"""Bars of 1s, 1m, 5m and 15m against brute force over the events; cuts, losses, restarts, and when they are told."""

import math

import msgspec
import pytest

from foretick.common.contracts import Trust
from foretick.common.testing import T0_NS, tick_frame
from foretick.market.bars import TIMEFRAMES_S, BarEngine, BarUpdate, EngineState, Terms

SECOND_NS = 10**9
STEP_NS = SECOND_NS // 2
START_NS = T0_NS // (900 * SECOND_NS) * 900 * SECOND_NS
RANK = {trust: rank for rank, trust in enumerate(Trust)}


def tell(engine, frames, fold) -> list[BarUpdate]:
    return [update for frame in frames for update in fold(engine, frame)]


def content(update: BarUpdate) -> tuple:
    return (update.name, update.is_closed, update.asof_seq, update.ts_recv_ns, msgspec.structs.astuple(update.bar))


def brute_force(events, length_ns: int) -> list[dict]:
    """Every bar that has events, by grouping them."""
    groups: dict[int, list] = {}
    for event in events:
        groups.setdefault(event.recv_ns // length_ns * length_ns, []).append(event)
    bars = []
    for start_ns, members in sorted(groups.items()):
        trades = [event.trade for event in members if event.trade]
        prices = [price for price, _, _ in trades]
        mids = [(bid + ask) / 2 for bid, ask in (event.quote for event in members if event.quote)]
        bars.append({
            "start_ns": start_ns, "end_ns": start_ns + length_ns, "first_seq": members[0].seq,
            "last_seq": members[-1].seq, "events": len(members),
            "live_events": sum(event.trust is Trust.LIVE for event in members),
            "worst_rank": max(RANK[event.trust] for event in members), "trades": len(trades),
            "volume_qty": math.fsum(qty for _, qty, _ in trades),
            "buy_volume_qty": math.fsum(qty for _, qty, side in trades if side == 1),
            "price_qty": math.fsum(price * qty for price, qty, _ in trades),
            "qty_per_price": math.fsum(qty / price for price, qty, _ in trades),
            **dict(zip(("open", "high", "low", "close"), spread(prices), strict=True)),
            **dict(zip(("mid_open", "mid_high", "mid_low", "mid_close"), spread(mids), strict=True)),
        })  # fmt: skip
    return bars


def spread(values: list[float]) -> tuple:
    return (values[0], max(values), min(values), values[-1]) if values else (None,) * 4


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_closed_bars_are_those_of_all_events(events, framed, fold_frame, seed):
    made = events(12_000, seed)
    updates = tell(BarEngine((), STEP_NS), framed(made, seed, 40), fold_frame)
    for name, length_s in TIMEFRAMES_S.items():
        closed = [update.bar for update in updates if update.is_closed and update.name == name]
        expected = brute_force(made, length_s * SECOND_NS)[:-1]  # the last one is under way
        assert len(closed) == len(expected) > 2
        for bar, wanted in zip(closed, expected, strict=True):
            for field, value in wanted.items():
                assert getattr(bar, field) == (pytest.approx(value, rel=1e-12) if value is not None else None), field


@pytest.mark.parametrize("seed", [4, 5])
def test_bar_under_way_is_that_of_the_events_so_far(events, framed, fold_frame, seed):
    made = events(3_000, seed)
    updates = tell(BarEngine((), STEP_NS), framed(made, seed, 20), fold_frame)
    forming = [update for update in updates if not update.is_closed]
    assert {update.name for update in forming} == set(TIMEFRAMES_S)
    for update in forming[:: len(forming) // 200]:
        so_far = [event for event in made if event.seq <= update.asof_seq]
        wanted = brute_force(so_far, TIMEFRAMES_S[update.name] * SECOND_NS)[-1]
        for field in ("start_ns", "first_seq", "last_seq", "events", "trades", "open", "high", "low", "close"):
            assert getattr(update.bar, field) == wanted[field], field
        assert update.bar.volume_qty == pytest.approx(wanted["volume_qty"], rel=1e-12)


def test_cutting_frames_otherwise_changes_no_bit(events, framed, fold_frame):
    made = events(4_000, 6)
    single = tell(BarEngine((), STEP_NS), framed(made, 0, 1), fold_frame)
    for longest in (3, 64, 1000):
        again = tell(BarEngine((), STEP_NS), framed(made, longest, longest), fold_frame)
        assert list(map(content, again)) == list(map(content, single))


def test_events_that_come_twice_are_left_out_by_skip(events, framed, fold_frame):
    made = events(600, 7)
    whole = tell(BarEngine((), STEP_NS), framed(made, 0, 1), fold_frame)
    engine, updates = BarEngine((), STEP_NS), []
    for frame in framed(made, 8, 30):
        updates += fold_frame(engine, frame, 0)
        count = len(getattr(frame, "kinds", None) or frame.events)
        assert fold_frame(engine, frame, count) == []
    assert list(map(content, updates)) == list(map(content, whole))


def test_engine_that_goes_on_from_its_state_tells_the_same(events, framed, fold_frame):
    made = events(2_000, 9)
    frames = framed(made, 9, 10)
    whole = tell(BarEngine((), STEP_NS), frames, fold_frame)
    engine, updates = BarEngine((), STEP_NS), []
    for frame in frames:
        saved = msgspec.msgpack.encode(engine.state)
        engine = BarEngine((), STEP_NS)
        engine.restore(msgspec.msgpack.decode(saved, type=EngineState))
        updates += fold_frame(engine, frame)
    assert list(map(content, updates)) == list(map(content, whole))


def test_nothing_changes_when_the_future_is_appended(events, framed, fold_frame):
    frames = framed(events(800, 10), 10, 5)
    whole = list(map(content, tell(BarEngine((), STEP_NS), frames, fold_frame)))
    for cut in range(1, len(frames), 17):
        part = list(map(content, tell(BarEngine((), STEP_NS), frames[:cut], fold_frame)))
        assert part == whole[: len(part)]


def test_an_event_makes_at_most_one_update_of_a_kind_and_their_numbers_rise(events, framed, fold_frame):
    updates = tell(BarEngine((), STEP_NS), framed(events(5_000, 11), 11, 30), fold_frame)
    for name in TIMEFRAMES_S:
        numbers = [update.asof_seq for update in updates if update.name == name]
        assert numbers == sorted(set(numbers))


def test_bars_under_way_are_told_at_most_once_a_step_and_closed_ones_always():
    frame = tick_frame("T" * 4_000, start_ns=START_NS, spacing_ns=SECOND_NS // 400)  # ten seconds
    updates = BarEngine((), STEP_NS).fold_ticks(frame, 0)
    seconds = [(update.is_closed, update.bar.start_ns - START_NS) for update in updates if update.name == "1s"]
    expected = [(False, 0)]  # the first event ever is at a boundary
    for second in range(10):
        expected.append((False, second * SECOND_NS))
        if second < 9:
            expected.append((True, second * SECOND_NS))
    assert seconds == expected
    assert sum(not update.is_closed for update in updates if update.name == "1m") == 20


def test_second_closes_at_the_first_event_after_it_and_without_it():
    engine = BarEngine((), STEP_NS)
    engine.fold_ticks(tick_frame("TT", start_ns=START_NS, spacing_ns=SECOND_NS - 1), 0)
    updates = engine.fold_ticks(tick_frame("C", seq=3, start_ns=START_NS + SECOND_NS), 0)
    (closed,) = [update for update in updates if update.name == "1s"]
    assert (closed.is_closed, closed.asof_seq, closed.bar.last_seq, closed.bar.trades) == (True, 3, 2, 2)
    assert engine.state.time.second is not None
    assert (engine.state.time.second.first_seq, engine.state.time.second.open) == (3, None)


def test_bar_that_began_before_the_first_event_is_not_whole_and_the_next_is():
    for seq, is_whole in ((1, True), (700, False)):
        engine = BarEngine((), STEP_NS)
        updates = engine.fold_ticks(
            tick_frame("T" * 3, seq=seq, start_ns=START_NS + 30 * SECOND_NS, spacing_ns=60 * SECOND_NS), 0
        )
        minutes = [update.bar for update in updates if update.name == "1m" and update.is_closed]
        assert [bar.is_whole for bar in minutes] == [is_whole, True]
        assert all(bar.trust is Trust.LIVE for bar in minutes)


def test_loss_makes_the_bars_around_it_untrusted_and_not_whole():
    engine = BarEngine((), STEP_NS)
    engine.fold_ticks(tick_frame("T", start_ns=START_NS), 0)
    engine.lose()  # what was lost may have been in the first second or in the third
    updates = engine.fold_ticks(tick_frame("T" * 3, seq=9, start_ns=START_NS + 2 * SECOND_NS, spacing_ns=SECOND_NS), 0)
    seconds = [(u.bar.start_ns - START_NS, u.bar.trust, u.bar.is_whole)
               for u in updates if u.name == "1s" and u.is_closed]  # fmt: skip
    assert seconds == [
        (0, Trust.GAP, False), (2 * SECOND_NS, Trust.GAP, False), (3 * SECOND_NS, Trust.LIVE, True),
    ]  # fmt: skip
    minute = engine.fold_ticks(tick_frame("T", seq=12, start_ns=START_NS + 60 * SECOND_NS), 0)
    (closed,) = [update.bar for update in minute if update.name == "1m"]
    assert (closed.trust, closed.is_whole, closed.live_events, closed.events) == (Trust.GAP, False, 4, 4)


@pytest.mark.parametrize(
    ("terms", "volume_quote", "vwap"),
    [
        (Terms(10.0), (100 * 2 + 50 * 6) * 10.0, 500 / 8),
        (Terms(10.0, is_inverse=True), 8 * 10.0, 8 / (2 / 100 + 6 / 50)),
    ],
)
def test_quote_volume_and_vwap_follow_the_contract(terms, volume_quote, vwap):
    frame = tick_frame("TT")
    frame.trades.price[:], frame.trades.qty[:] = [100.0, 50.0], [2.0, 6.0]
    engine = BarEngine((), STEP_NS, terms)
    engine.fold_ticks(frame, 0)
    bar = engine.state.time.second
    assert bar is not None
    assert (bar.volume_quote(terms), bar.vwap(terms)) == (pytest.approx(volume_quote), pytest.approx(vwap))
