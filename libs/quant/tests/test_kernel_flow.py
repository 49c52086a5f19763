"""Microstructure and price features against their definitions: sums over all history of the raw events."""

import math

import numpy as np
import pytest

from foretick.quant.catalogue.microstructure import BOOK_SHAPE, TAPE
from foretick.quant.events import EventArrays, EventKind
from foretick.quant.kernel import Grid, fold_history
from foretick.quant.registry import INDEX
from foretick.quant.testing import StreamShape, random_events

GRID = Grid(interval_ns=100_000_000, window_steps=150)
S = 1_000_000_000


class Oracle:
    """The features at one instant, from every event up to it. Quotes come often enough to speak for the top of book."""

    def __init__(self, events: EventArrays, last: int) -> None:
        self.t = int(events.recv_ns[last])
        kind, v = events.kind[: last + 1], events.v[: last + 1]
        self.age = (self.t - events.recv_ns[: last + 1]) / S
        self.quotes, self.quote_age = v[kind == EventKind.QUOTE], self.age[kind == EventKind.QUOTE]
        self.trades, self.trade_age = v[kind == EventKind.TRADE], self.age[kind == EventKind.TRADE]
        is_depth = kind == EventKind.DEPTH
        self.depth, self.depth_age = events.depth[v[is_depth, 0].astype(int)], self.age[is_depth]
        self.bid, self.bid_qty, self.ask, self.ask_qty = self.quotes[-1]
        self.mid = (self.bid + self.ask) / 2
        self.micro = (self.bid * self.ask_qty + self.ask * self.bid_qty) / (self.bid_qty + self.ask_qty)

    def features(self) -> dict[str, float]:
        _, qty, side = self.trades[:, :3].T
        fast, slow = np.exp(-self.trade_age / 10), np.exp(-self.trade_age / 60)
        mean_qty = np.average((self.quotes[:, 1] + self.quotes[:, 3]) / 2, weights=np.exp(-self.quote_age / 10))
        levels = [self.depth[:, [m, 10 + m, 20 + m, 30 + m]] for m in range(5)]
        level_qty = np.mean([(level[:, 1] + level[:, 3]) / 2 for level in levels], axis=0)
        bids, asks = self.depth[-1, 10:15].sum(), self.depth[-1, 30:35].sum()
        vwap = (slow * self.trades[:, 0] * qty).sum() / (slow * qty).sum()
        seconds = self.t / S % 86_400
        return {
            "spread_bps": 1e4 * (self.ask - self.bid) / self.mid,
            "queue_imbalance_l1": (self.bid_qty - self.ask_qty) / (self.bid_qty + self.ask_qty),
            "depth_imbalance_l5": (bids - asks) / (bids + asks),
            "order_flow_imbalance_l1": order_flow(self.quotes, self.quote_age) / mean_qty,
            "order_flow_imbalance_l5": np.mean([order_flow(level, self.depth_age) for level in levels])
            / np.average(level_qty, weights=np.exp(-self.depth_age / 10)),
            "trade_sign_imbalance": (fast * side).sum() / (1 + fast.sum()),
            "signed_volume": (fast * side * qty).sum() / mean_qty,
            "trade_rate_log_ratio": math.log((1 + fast.sum()) / (1 + slow.sum() / 6)),
            "vwap_deviation_bps": 1e4 * math.log(self.mid / vwap),
            "hour_sin": math.sin(2 * math.pi * seconds / 86_400),
            "hour_cos": math.cos(2 * math.pi * seconds / 86_400),
            "day_of_week": 3.0,  # 2026-01-01 was a Thursday
            "minute_sin": math.sin(2 * math.pi * (seconds % 3600) / 3600),
            "minute_cos": math.cos(2 * math.pi * (seconds % 3600) / 3600),
            "week_sin": math.sin(2 * math.pi * (3 * 86_400 + seconds) / 604_800),
            "week_cos": math.cos(2 * math.pi * (3 * 86_400 + seconds) / 604_800),
        }

    def book_features(self) -> dict[str, float]:
        b, bq, a, aq = np.split(self.depth[-1], 4)
        mid, near = (b[0] + a[0]) / 2, 1 / np.arange(1, 11)
        mean_bid, mean_ask = np.average(b, weights=bq), np.average(a, weights=aq)
        fair = (mean_bid * aq.sum() + mean_ask * bq.sum()) / (bq.sum() + aq.sum())
        spreads = (self.quotes[:, 2] - self.quotes[:, 0]) / self.quotes[:, [0, 2]].mean(axis=1)
        depths = self.depth[:, 10:15].sum(axis=1) + self.depth[:, 30:35].sum(axis=1)
        return {
            "microprice_gap_bps": 1e4 * math.log(self.micro / self.mid),
            "spread_ratio": spreads[-1] / np.average(spreads, weights=np.exp(-self.quote_age / 10)),
            "weighted_depth_imbalance": (bq @ near - aq @ near) / (bq @ near + aq @ near),
            "deep_price_gap_bps": 1e4 * (fair / mid - 1),
            "depth_spread_bps": 1e4 * (mean_ask - mean_bid) / mid,
            "level_gap_imbalance_bps": 1e4 * ((a[1] - a[0]) - (b[0] - b[1])) / mid,
            "top_depth_share": (bq[0] + aq[0]) / (bq.sum() + aq.sum()),
            "depth_log_ratio": math.log(depths[-1] / np.average(depths, weights=np.exp(-self.depth_age / 10))),
        }

    def tape_features(self) -> dict[str, float]:
        price, qty, side = self.trades[:, :3].T
        fast, slow, excited = (np.exp(-self.trade_age / tau) for tau in (10, 60, 1))
        kept = np.exp(-self.quote_age / 10)
        mids = self.quotes[:, [0, 2]].mean(axis=1)
        at = np.searchsorted(-self.quote_age, -self.trade_age, side="right") - 1
        quoted = at >= 0
        paid = 2 * np.abs(price - mids[at]) / mids[at]
        moves, signs = 1e4 * np.diff(np.log(mids)), np.sign(np.diff(mids))
        pair = lambda values: np.average(values, weights=(1 - 2 / 101) ** np.arange(len(values))[::-1])  # noqa: E731
        returns = 1e4 * np.diff(np.log(price))
        rate = slow.sum() / 60
        intensity = {s: 0.25 * rate + 0.5 * excited[side == s].sum() for s in (1, -1)}
        both = intensity[1] + intensity[-1]
        return {
            "effective_spread_bps": 1e4 * np.average(paid[quoted], weights=fast[quoted]),
            "roll_spread_bps": 2 * math.sqrt(max(0.0, -pair(returns[1:] * returns[:-1]))),
            "quote_rate_log_ratio": math.log((1 + kept.sum()) / (1 + np.exp(-self.quote_age / 60).sum() / 6)),
            "quote_trade_log_ratio": math.log((1 + kept.sum()) / (1 + fast.sum())),
            "trade_size_log_ratio": math.log(np.average(qty, weights=fast) / np.average(qty, weights=slow)),
            "hawkes_intensity_log_ratio": math.log((1 / 60 + both) / (1 / 60 + rate)),
            "hawkes_imbalance": (intensity[1] - intensity[-1]) / (both + 1 / 60),
            "trade_sign_autocorrelation": pair(side[1:] * side[:-1]),
            "volume_imbalance": np.average(side * qty, weights=slow) / np.average(qty, weights=slow),
            "trade_silence": math.log(1 + self.trade_age[-1] * rate),
            "tick_volatility_bps": math.sqrt((moves**2 @ kept[1:]) / 10),
            "mid_move_imbalance": (signs @ kept[1:]) / (1 + np.abs(signs) @ kept[1:]),
        }


def order_flow(levels: np.ndarray, age: np.ndarray) -> float:
    """Cont, Kukanov and Stoikov's e, each weighted exp(-age / 1 s)."""
    total = 0.0
    for (b0, bq0, a0, aq0), (b1, bq1, a1, aq1), at in zip(levels[:-1], levels[1:], age[1:], strict=True):
        e = bq1 * (b1 >= b0) - bq0 * (b1 <= b0) - aq1 * (a1 <= a0) + aq0 * (a1 >= a0)
        total += e * math.exp(-at)
    return total


@pytest.fixture(scope="module", params=[1, 2, 3])
def stream(request):
    return random_events(request.param, 4_000, StreamShape(shares=(20, 50, 25, 5, 0), mean_gap_ns=15_000_000))


@pytest.fixture(scope="module")
def vectors(stream):
    return fold_history(stream, GRID, first_seq=0)


def test_features_are_their_definitions(stream, vectors):
    for k in range(320, len(vectors), 23):  # past the warm-up of 30 s
        oracle = Oracle(stream, int(vectors.asof_seq[k]))
        features = oracle.features() | oracle.book_features() | oracle.tape_features()
        assert set(features) | {"volatility_signature"} >= {f.name for f in (*BOOK_SHAPE, *TAPE)}
        for name, wanted in features.items():
            assert vectors.values[k, INDEX[name]] == pytest.approx(wanted, rel=1e-9, abs=1e-9), (k, name)


def test_lookbacks_compare_with_the_last_vector_ten_steps_ago(stream, vectors):
    for k in range(50, len(vectors), 37):
        at = int(np.flatnonzero(vectors.step <= vectors.step[k] - 10)[-1])
        now, then = Oracle(stream, int(vectors.asof_seq[k])), Oracle(stream, int(vectors.asof_seq[at]))
        got = vectors.values[k, [INDEX["log_return_bps"], INDEX["microprice_drift_bps"]]]
        wanted = [1e4 * math.log(now.mid / then.mid), 1e4 * math.log(now.micro / then.micro)]
        np.testing.assert_allclose(got, wanted, rtol=1e-9, atol=1e-9)


def test_price_position_is_that_in_the_window(vectors):
    column = vectors.values[:, INDEX["price_position"]]
    assert np.isnan(column[vectors.step - vectors.step[np.isfinite(vectors.mid)][0] < 100]).all()
    for k in range(150, len(vectors), 11):
        inside = vectors.mid[(vectors.step > vectors.step[k] - 150) & (vectors.step <= vectors.step[k])]
        low, high = np.nanmin(inside), np.nanmax(inside)
        assert column[k] == pytest.approx((vectors.mid[k] - low) / (high - low), abs=1e-12)
        got = vectors.values[k, [INDEX[name] for name in ("drawdown_bps", "run_up_bps", "window_range_bps")]]
        wanted = 1e4 * np.log([vectors.mid[k] / high, vectors.mid[k] / low, high / low])
        np.testing.assert_allclose(got, wanted, rtol=1e-9, atol=1e-9)


def test_volatility_signature_compares_updates_with_bars(vectors):
    ticks, bars, got = (
        vectors.values[:, INDEX[name]]
        for name in ("tick_volatility_bps", "realised_volatility_bps", "volatility_signature")
    )
    np.testing.assert_allclose(got, 0.5 * np.log((1e-4 + ticks**2) / (1e-4 + bars**2)), rtol=1e-9, atol=1e-12)


def test_vpin_is_the_mean_over_volume_buckets(stream, vectors):
    k = len(vectors) - 1
    oracle = Oracle(stream, int(vectors.asof_seq[k]))
    buckets, buy, sell, size = [], 0.0, 0.0, 0.0
    for i, (_, qty, side, _) in enumerate(oracle.trades):
        if buy + sell == 0.0:
            ages = oracle.trade_age[: i + 1] - oracle.trade_age[i]
            size = (np.exp(-ages / 60) * oracle.trades[: i + 1, 1]).sum() * 3 / 60
        buy, sell = buy + qty * (side > 0), sell + qty * (side < 0)
        if buy + sell >= size:
            buckets.append((abs(buy - sell), buy + sell))
            buy = sell = 0.0
    weights = (1 - 2 / 51) ** np.arange(len(buckets))[::-1]
    gap, volume = np.average(np.array(buckets), axis=0, weights=weights)
    assert len(buckets) > 20
    assert vectors.values[k, INDEX["vpin"]] == pytest.approx(gap / volume, rel=1e-9)


def test_scaling_prices_changes_no_feature(stream, vectors):
    """Scale-free: a price 128 times as high (a power of two, so that floats scale exactly) gives the same vector."""
    v, depth = stream.v.copy(), stream.depth * 1.0
    v[stream.kind == EventKind.TRADE, 0] *= 128
    v[np.ix_(stream.kind == EventKind.QUOTE, [0, 2])] *= 128
    depth[:, :10] *= 128
    depth[:, 20:30] *= 128
    scaled = fold_history(EventArrays(stream.kind, stream.recv_ns, v, depth), GRID, first_seq=0)
    np.testing.assert_allclose(scaled.values, vectors.values, rtol=1e-9, atol=1e-9)
