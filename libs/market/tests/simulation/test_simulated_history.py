import numpy as np
import pytest

from foretick.market.simulation import LISTINGS, Pace, SimulatedHistory, simulate_history
from foretick.market.simulation.history import LATENT_COLUMNS

from .conftest import START_NS

SECOND_NS = 1_000_000_000


@pytest.mark.parametrize("symbol", LISTINGS)
def test_columns_have_the_layout_of_the_feature_kernel(half_hour: SimulatedHistory, symbol: str):
    events = half_hour.events[symbol]
    n, m = len(events.kind), np.count_nonzero(events.kind == 2)
    assert (events.kind.dtype, events.recv_ns.dtype, events.v.dtype) == (np.uint8, np.int64, np.float64)
    assert (events.recv_ns.shape, events.v.shape, events.depth.shape) == ((n,), (n, 4), (m, 40))
    assert np.all(np.diff(events.recv_ns) >= 0)
    assert START_NS <= events.recv_ns[0]
    assert events.recv_ns[-1] <= START_NS + 1_800 * SECOND_NS + 10_000
    assert events.v[events.kind == 2, 0].tolist() == list(range(m))
    assert half_hour.latents[symbol].v.shape == (m, len(LATENT_COLUMNS))


@pytest.mark.parametrize("symbol", LISTINGS)
def test_event_rates_are_those_of_a_modest_feed(half_hour: SimulatedHistory, symbol: str):
    trades, quotes, depths, _ = np.bincount(half_hour.events[symbol].kind, minlength=4) / 1800
    assert 1 <= trades <= 5
    assert 7 <= quotes <= 16
    assert 7 <= depths <= 10
    assert 15 <= trades + quotes + depths <= 30


@pytest.mark.parametrize("symbol", LISTINGS)
def test_quotes_and_books_are_never_crossed_and_prices_lie_on_ticks(half_hour: SimulatedHistory, symbol: str):
    events = half_hour.events[symbol]
    bid, bid_qty, ask, ask_qty = events.v[events.kind == 1].T
    assert np.all(bid < ask)
    assert min(bid_qty.min(), ask_qty.min()) > 0
    tick = float(LISTINGS[symbol].tick_size)
    assert np.allclose(bid / tick, np.round(bid / tick), rtol=0, atol=1e-3)
    bid_prices, bid_sizes, ask_prices, ask_sizes = np.split(events.depth, 4, axis=1)
    assert np.all(np.diff(bid_prices, axis=1) < 0)
    assert np.all(np.diff(ask_prices, axis=1) > 0)
    assert np.all(bid_prices[:, 0] < ask_prices[:, 0])
    assert min(bid_sizes.min(), ask_sizes.min()) > 0


@pytest.mark.parametrize("symbol", ["BTCUSDT", "TSLA"])
def test_the_depth_row_begins_with_the_last_quote(half_hour: SimulatedHistory, symbol: str):
    events = half_hour.events[symbol]
    quoted = np.maximum.accumulate(np.where(events.kind == 1, np.arange(len(events.kind)), -1))
    rows = np.flatnonzero((events.kind == 2) & (quoted >= 0))
    assert np.array_equal(events.depth[events.v[rows, 0].astype(int)][:, [0, 10, 20, 30]], events.v[quoted[rows]])


@pytest.mark.parametrize("symbol", ["ETHUSDT", "AAPL"])
def test_a_trade_is_at_the_price_that_was_quoted_before_it_or_beyond(half_hour: SimulatedHistory, symbol: str):
    events = half_hour.events[symbol]
    quoted = np.maximum.accumulate(np.where(events.kind == 1, np.arange(len(events.kind)), -1))
    trades = np.flatnonzero((events.kind == 0) & (quoted >= 0))
    price, _, side, _ = events.v[trades].T
    bid, _, ask, _ = events.v[quoted[trades]].T
    assert set(side) == {-1.0, 1.0}
    assert np.all(price[side > 0] >= ask[side > 0])
    assert np.all(price[side < 0] <= bid[side < 0])
    assert np.mean(price == np.where(side > 0, ask, bid)) > 0.7


def test_a_quiet_instrument_gets_a_clock_event_every_second():
    events = simulate_history(["ADAUSDT"], 2, 600, 0, Pace(0.02)).events["ADAUSDT"]
    clocks = np.flatnonzero(events.kind == 3)
    assert len(clocks) > 50
    assert np.all(events.recv_ns[clocks] - events.recv_ns[clocks - 1] == SECOND_NS)
    assert np.all(np.diff(events.recv_ns) <= SECOND_NS)
    assert not events.v[clocks].any()


def test_prices_stay_plausible(half_hour: SimulatedHistory):
    for symbol, events in half_hour.events.items():
        ratio = events.depth[:, 0] / float(LISTINGS[symbol].price)
        assert 0.85 < ratio.min() < ratio.max() < 1.15
