"""Figure ``train``: rows/s of the kernel building a training set over polars computing 20 of the same indicators.

Both start from the same events in memory and end with a row for each step of 100 ms. The kernel's rows hold every
feature, the outcome and what a row of training is. Polars computes eleven indicators of trades, quotes and books, as
decaying sums, windows of rows and the latest levels, and nine of 1-second bars by rolling windows. Those that follow a
path of states (VPIN, SAR, KAMA) are left out: polars has no words for them. Nothing is timed unless the 20 agree.
Several instruments are made at once, so that both sides have the whole machine.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import polars as pl

from bench.features import GRID
from bench.harness import Figure, time_pair
from foretick.predictor.domain.targets import targets_of
from foretick.predictor.domain.vectors import Sampling, build_panel
from foretick.quant import parameters as p
from foretick.quant.events import EventArrays, EventKind
from foretick.quant.kernel import fold_history, warm
from foretick.quant.registry import FEATURE_COUNT, INDEX, MODEL_FEATURE_NAMES
from foretick.quant.testing import StreamShape, random_events

INSTRUMENTS, EVENTS = 4, 75_000
ROUNDS = 25
SETTLED_BARS = 120
"""Rows before so many bars are left out of the comparison: windows are not full yet."""

SECOND_NS = 1_000_000_000
TARGETS = targets_of(5, (), ())
SAMPLING = Sampling(GRID, TARGETS, MODEL_FEATURE_NAMES)

_OPEN, _HIGH, _LOW, _CLOSE, _VOLUME = (pl.col(name) for name in ("open", "high", "low", "close", "volume"))
_BPS = 1e4


def _gap(average: pl.Expr) -> pl.Expr:
    return _BPS * (_CLOSE / average - 1.0)


def _share(value: pl.Expr, whole: pl.Expr, otherwise: float) -> pl.Expr:
    return pl.when(whole == 0.0).then(otherwise).otherwise(value / whole)


def _positive(value: pl.Expr) -> pl.Expr:
    return pl.when(value > 0.0).then(value).otherwise(0.0)


def _indicators() -> dict[str, pl.Expr]:
    """Return 9 indicators of bars by the registry's names, each by its formula there."""
    n, k, slow, range_ = p.AVERAGE_BARS, p.STOCHASTIC_BARS, p.STOCHASTIC_SLOWING, p.RANGE_BARS
    moved, body = _CLOSE.diff(), _CLOSE - _OPEN
    low, high = _LOW.rolling_min(k), _HIGH.rolling_max(k)
    stochastic = (100.0 * _share(_CLOSE - low, high - low, 0.5)).rolling_mean(slow)
    rises, falls = (_positive(sign * moved).rolling_sum(p.CMO_BARS) for sign in (1.0, -1.0))
    middle = (_HIGH + _LOW) / 2.0
    spread = (_HIGH / _LOW).log()
    satchell = (_HIGH / _CLOSE).log() * (_HIGH / _OPEN).log() + (_LOW / _CLOSE).log() * (_LOW / _OPEN).log()
    fast, base = p.AWESOME_BARS
    return {
        "sma_gap_bps": _gap(_CLOSE.rolling_mean(n)),
        "stochastic_k": stochastic,
        "williams_r": -100.0 * _share(high - _CLOSE, high - low, 0.5),
        "cmo": 100.0 * _share(rises - falls, rises + falls, 0.0),
        "balance_of_power": _share(body, _HIGH - _LOW, 0.0),
        "awesome_oscillator_bps": _BPS * (middle.rolling_mean(fast) - middle.rolling_mean(base)) / _CLOSE,
        "parkinson_bps": _BPS * ((spread**2).rolling_mean(range_) / (4.0 * np.log(2.0))).sqrt(),
        "rogers_satchell_bps": _BPS * _root(satchell, range_),
        "volume_ratio": _share(_VOLUME, _VOLUME.rolling_mean(n), 0.0),
    }


@dataclass(frozen=True, slots=True)
class Frames:
    """Trades, quotes and the quantities of the book's best levels, each as events came, and the rows."""

    trades: pl.LazyFrame
    quotes: pl.LazyFrame
    depth: pl.LazyFrame
    rows: pl.LazyFrame


def _root(value: pl.Expr, bars: int) -> pl.Expr:
    return value.rolling_mean(bars).clip(0.0).sqrt()


_BID, _ASK, _BID_QTY, _ASK_QTY, _MID = (pl.col(name) for name in ("bid", "ask", "bid_qty", "ask_qty", "mid"))
_PRICES = {"mid": (_BID + _ASK) / 2.0, "micro": (_BID * _ASK_QTY + _ASK * _BID_QTY) / (_BID_QTY + _ASK_QTY)}
_BIDS, _ASKS = (pl.sum_horizontal(f"{side}_{n}" for n in range(p.FLOW_LEVELS)) for side in ("bid", "ask"))
_LOWEST, _HIGHEST = pl.col("lowest"), pl.col("highest")

_SINCE_QUOTE_S, _SINCE_TRADE_S = (pl.col("now_s") - pl.col(f"{name}_s") for name in ("quote", "trade"))
_DEPTH = pl.col("depth_sum") / pl.col("depth_count")


def _faded(name: str, since_s: pl.Expr, tau_s: float) -> pl.Expr:
    return pl.col(name) * (-since_s / tau_s).exp()


def _decaying(value: pl.Expr, time_s: str, tau_s: float) -> pl.Expr:
    """Return the decaying sum of ``value`` so far: weights grow with time, which a float holds for 700 tau."""
    return (value * (pl.col(time_s) / tau_s).exp()).cum_sum() * (-pl.col(time_s) / tau_s).exp()


def _pressure(price: str, qty: str, sign: int) -> pl.Expr:
    now, last = sign * pl.col(price), sign * pl.col(price).shift(1)
    gained = pl.when(now >= last).then(pl.col(qty)).otherwise(0.0)
    lost = pl.when(now <= last).then(pl.col(qty).shift(1)).otherwise(0.0)
    return (gained - lost).fill_null(0.0)


_ONE = pl.lit(1.0)
QUOTE_SUMS = {
    "flow": _decaying(_pressure("bid", "bid_qty", 1) - _pressure("ask", "ask_qty", -1), "quote_s", p.FLOW_TAU_S),
    "depth_sum": _decaying((_BID_QTY + _ASK_QTY) / 2.0, "quote_s", p.DEPTH_TAU_S),
    "depth_count": _decaying(_ONE, "quote_s", p.DEPTH_TAU_S),
}
_SIDE, _PRICE, _QTY = (pl.col(name) for name in ("side", "price", "qty"))
TRADE_SUMS = {
    "sides": _decaying(_SIDE, "trade_s", p.TRADE_TAU_S),
    "signed": _decaying(_SIDE * _QTY, "trade_s", p.TRADE_TAU_S),
    "fast": _decaying(_ONE, "trade_s", p.TRADE_TAU_S),
    "slow": _decaying(_ONE, "trade_s", p.RATE_TAU_S),
    "traded": _decaying(_PRICE * _QTY, "trade_s", p.RATE_TAU_S),
    "volume_slow": _decaying(_QTY, "trade_s", p.RATE_TAU_S),
}
_FAST = _faded("fast", _SINCE_TRADE_S, p.TRADE_TAU_S)
_SLOW = _faded("slow", _SINCE_TRADE_S, p.RATE_TAU_S) * p.TRADE_TAU_S / p.RATE_TAU_S

ROW_INDICATORS = {
    "order_flow_imbalance_l1": _faded("flow", _SINCE_QUOTE_S, p.FLOW_TAU_S) / _DEPTH,
    "trade_sign_imbalance": _faded("sides", _SINCE_TRADE_S, p.TRADE_TAU_S) / (1.0 + _FAST),
    "signed_volume": _faded("signed", _SINCE_TRADE_S, p.TRADE_TAU_S) / _DEPTH,
    "trade_rate_log_ratio": ((1.0 + _FAST) / (1.0 + _SLOW)).log(),
    "vwap_deviation_bps": _BPS * (_MID * pl.col("volume_slow") / pl.col("traded")).log(),
    "spread_bps": _BPS * (_ASK - _BID) / _MID,
    "queue_imbalance_l1": (_BID_QTY - _ASK_QTY) / (_BID_QTY + _ASK_QTY),
    "depth_imbalance_l5": (_BIDS - _ASKS) / (_BIDS + _ASKS),
    "microprice_drift_bps": _BPS * (pl.col("micro") / pl.col("micro_then")).log(),
    "log_return_bps": _BPS * (_MID / pl.col("mid_then")).log(),
    "price_position": _share(_MID - _LOWEST, _HIGHEST - _LOWEST, 0.5),
}
"""Of quotes and the book, at each row."""

BAR_INDICATORS = _indicators()
INDICATORS = (*ROW_INDICATORS, *BAR_INDICATORS)


def build_by_polars(frames: Frames) -> pl.LazyFrame:
    """Return the 20 indicators at each of the rows, not yet computed."""
    price = pl.col("price")
    bars = (
        frames.trades.group_by((pl.col("recv_ns") // SECOND_NS).alias("second"), maintain_order=True)
        .agg(
            price.first().alias("open"), price.max().alias("high"), price.min().alias("low"),
            price.last().alias("close"), pl.col("qty").sum().alias("volume"),
        )
        .select(((pl.col("second") + 1) * SECOND_NS).alias("closed_ns"), **BAR_INDICATORS)
    )  # fmt: skip
    quotes = frames.quotes.with_columns(**QUOTE_SUMS)
    sums = frames.trades.select("seq", "trade_s", **TRADE_SUMS)
    rows = frames.rows.join_asof(quotes, on="seq").join_asof(frames.depth, on="seq").join_asof(sums, on="seq")
    rows = rows.with_columns(**_PRICES)
    then = rows.select("step", pl.col("mid").alias("mid_then"), pl.col("micro").alias("micro_then"))
    window = f"{GRID.window_steps}i"
    return (
        rows.with_columns(since=pl.col("step") - p.LOOKBACK_STEPS)
        .join_asof(then, left_on="since", right_on="step")
        .with_columns(
            lowest=pl.col("mid").rolling_min_by("step", window), highest=pl.col("mid").rolling_max_by("step", window)
        )
        .join_asof(bars, left_on="recv_ns", right_on="closed_ns")
        .select(*BAR_INDICATORS, **ROW_INDICATORS)
    )


def frames_of(events: EventArrays) -> Frames:
    """Return what polars starts from: the same events, and when the rows are."""
    seq = np.arange(len(events))
    trade, quote, book = (events.kind == kind for kind in (EventKind.TRADE, EventKind.QUOTE, EventKind.DEPTH))
    vectors = fold_history(events, GRID, first_seq=0)
    recv_s = (events.recv_ns - events.recv_ns[0]) / SECOND_NS
    levels = events.depth[events.v[book, 0].astype(int)]
    sides = {"bid": levels[:, 10:], "ask": levels[:, 30:]}
    tops = dict(zip(("bid", "bid_qty", "ask", "ask_qty"), events.v[quote].T.copy(), strict=True))
    traded = dict(zip(("price", "qty", "side"), events.v[trade].T.copy(), strict=False))
    now_s = (vectors.recv_ns - events.recv_ns[0]) / SECOND_NS
    return Frames(
        trades=pl.LazyFrame({"seq": seq[trade], "recv_ns": events.recv_ns[trade], "trade_s": recv_s[trade], **traded}),
        quotes=pl.LazyFrame({"seq": seq[quote], "quote_s": recv_s[quote], **tops}),
        depth=pl.LazyFrame(
            {"seq": seq[book], **{f"{side}_{n}": of[:, n] for side, of in sides.items() for n in range(p.FLOW_LEVELS)}}
        ),
        rows=pl.LazyFrame({"seq": vectors.asof_seq, "step": vectors.step, "recv_ns": vectors.recv_ns, "now_s": now_s}),
    )


def check_agreement(events: EventArrays, found: pl.DataFrame) -> None:
    """Stop unless polars has the kernel's rows, and its values of the 20."""
    vectors = fold_history(events, GRID)
    settled = vectors.recv_ns >= events.recv_ns[0] + SETTLED_BARS * SECOND_NS
    if len(found) != len(vectors) or not settled.any():
        raise RuntimeError(f"polars has {len(found)} rows, the kernel {len(vectors)}")
    for name in INDICATORS:
        ours, theirs = vectors.values[settled, INDEX[name]], found[name].to_numpy()[settled]
        np.testing.assert_allclose(theirs, ours, rtol=1e-6, atol=1e-6, err_msg=name)


def measure() -> list[Figure]:
    """Measure the figure.

    Raises:
        MachineTooNoisy: the null pair left its band.
    """
    warm()
    given = [random_events(seed, EVENTS, StreamShape(shares=(20, 55, 24, 1, 0))) for seed in range(INSTRUMENTS)]
    plans = [build_by_polars(frames_of(events)) for events in given]
    for events, found in zip(given, pl.collect_all(plans), strict=True):
        check_agreement(events, found)
    count = sum(len(fold_history(events, GRID)) for events in given)

    def build(events: EventArrays) -> object:
        return build_panel("X", events, SAMPLING, np.random.default_rng(0))

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        kernel_s, polars_s = time_pair(
            lambda: list(pool.map(build, given)), lambda: pl.collect_all(plans), loops=1, rounds=ROUNDS
        )
    note = (
        f"{count:,} rows of {INSTRUMENTS * EVENTS:,} events: {FEATURE_COUNT} features at {count / kernel_s:,.0f} "
        "rows/s, "
        f"{len(INDICATORS)} indicators by polars at {count / polars_s:,.0f}"
    )
    return [Figure("train", polars_s / kernel_s, "ratio", floor=1.0, aim=2.0, smaller_is_better=False, note=note)]


if __name__ == "__main__":
    for figure in measure():
        figure.report()
