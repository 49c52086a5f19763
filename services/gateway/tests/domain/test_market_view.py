"""Prices, the five-minute window and its history."""

import pytest

from foretick.common.contracts import QuoteColumns, TickFrame, TradeColumns
from foretick.common.testing.builders import T0_NS, tick_frame
from foretick.common.units import NS_PER_S
from foretick.gateway.domain.market_view import WINDOW_S, MarketView

T0_S = T0_NS // NS_PER_S


def quote(mid: float, at_s: float, seq: int = 1) -> TickFrame:
    columns = QuoteColumns(bid=[mid - 0.5], bid_qty=[2.0], ask=[mid + 0.5], ask_qty=[3.0])
    return tick_frame("Q", seq=seq, start_ns=T0_NS + round(at_s * NS_PER_S), quotes=columns)


def trade(price: float, qty: float, at_s: float) -> TickFrame:
    columns = TradeColumns(price=[price], qty=[qty], side=[1], trade_id=[1])
    return tick_frame("T", start_ns=T0_NS + round(at_s * NS_PER_S), trades=columns)


def test_before_any_quote_price_is_known_and_mid_is_not():
    view = MarketView()
    view.fold(trade(101.0, 0.5, at_s=0))
    data = view.data()
    assert (data.price, data.mid, data.change_frac, data.volume_qty) == (101.0, None, None, 0.5)


def test_mixed_frame_takes_the_last_trade_and_the_last_quote():
    view = MarketView()
    trades = TradeColumns(price=[10.0, 11.0], qty=[1.0, 2.0], side=[1, -1], trade_id=[1, 2])
    quotes = QuoteColumns(bid=[9.0, 10.0], bid_qty=[1.0, 4.0], ask=[11.0, 12.0], ask_qty=[1.0, 5.0])
    view.fold(tick_frame("TQTQC", trades=trades, quotes=quotes))
    data = view.data()
    assert (data.price, data.bid, data.bid_qty, data.ask, data.ask_qty) == (11.0, 10.0, 4.0, 12.0, 5.0)
    assert (data.mid, data.volume_qty) == (11.0, 3.0)


def test_skipped_events_are_not_folded_again():
    view = MarketView()
    trades = TradeColumns(price=[10.0, 11.0], qty=[1.0, 2.0], side=[1, -1], trade_id=[1, 2])
    view.fold(tick_frame("TQT", trades=trades), skip=2)
    assert (view.data().price, view.data().volume_qty, view.data().mid) == (11.0, 2.0, None)


def test_change_is_against_the_first_mid_of_the_window():
    view = MarketView()
    view.fold(quote(100.0, at_s=0))
    view.fold(quote(103.0, at_s=10))
    assert view.data().change_frac == pytest.approx(0.03)
    assert view.data().change_window_s == 10


def test_history_has_the_last_mid_of_each_second():
    view = MarketView()
    for mid, at_s in ((100.0, 0.1), (101.0, 0.9), (102.0, 1.0), (103.0, 3.5)):
        view.fold(quote(mid, at_s))
    assert view.history() == [
        (T0_S * 1_000_000, 101.0), ((T0_S + 1) * 1_000_000, 102.0), ((T0_S + 3) * 1_000_000, 103.0),
    ]  # fmt: skip


def test_clock_event_of_a_quiet_second_carries_the_mid_forward():
    view = MarketView()
    view.fold(quote(100.0, at_s=0))
    view.fold(tick_frame("C", start_ns=T0_NS + NS_PER_S))
    assert [mid for _, mid in view.history()] == [100.0, 100.0]


def test_window_is_bounded_and_forgets_price_and_volume_beyond_it():
    view = MarketView()
    view.fold(trade(100.0, 5.0, at_s=0))
    for second in range(1000):
        view.fold(quote(100.0 + second, at_s=second))
        view.fold(trade(100.0, 1.0, at_s=second))
    data = view.data()
    assert len(view.history()) == WINDOW_S
    assert data.volume_qty == WINDOW_S
    assert data.change_frac == pytest.approx(1099 / 800 - 1)  # seconds 700..999
    assert data.change_window_s == 299


def test_pause_longer_than_the_window_leaves_only_the_new_second():
    view = MarketView()
    view.fold(quote(100.0, at_s=0))
    view.fold(quote(110.0, at_s=400))
    assert len(view.history()) == 1
    assert view.data().change_frac == 0


def test_snapshot_is_the_data_with_history():
    view = MarketView()
    view.fold(quote(100.0, at_s=0))
    snapshot, data = view.snapshot(), view.data()
    assert {name: getattr(snapshot, name) for name in data.__struct_fields__} == {
        name: getattr(data, name) for name in data.__struct_fields__
    }
    assert snapshot.history == view.history()
