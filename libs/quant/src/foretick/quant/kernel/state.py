"""The layout of an instrument's row of state. Times are data time in ns; -1 in a time or step means never."""

import numba
import numpy as np

from foretick.quant import parameters as p
from foretick.quant.events import DEPTH_LEVELS
from foretick.quant.kernel import momentum, regime, series, trend, volatility, volume
from foretick.quant.kernel.slots import SLOT_COUNT

RING = 16
"""Vectors kept for look-backs: more than ``LOOKBACK_STEPS``, at most one a step."""

STATE = np.dtype(
    [
        # the grid of steps
        ("interval_ns", "i8"), ("window_steps", "i8"),
        # data time
        ("start_ns", "i8"), ("last_ns", "i8"), ("last_step", "i8"),
        # top of book; valid while l1_ok
        ("l1_ok", "i8"), ("quote_ns", "i8"), ("bid", "f8"), ("bid_qty", "f8"), ("ask", "f8"), ("ask_qty", "f8"),
        ("mid", "f8"), ("micro", "f8"),
        # its order flow: decayed to l1_ns
        ("l1_ns", "i8"), ("ofi", "f8"), ("l1_qty", "f8"), ("l1_weight", "f8"), ("l1_spread", "f8"),
        ("l1_slow_weight", "f8"), ("mid_squares", "f8"), ("mid_signs", "f8"), ("mid_moves", "f8"),
        # best levels: bid price, bid qty, ask price, ask qty; valid while depth_ok
        ("depth_ok", "i8"), ("levels", "f8", (4, DEPTH_LEVELS)), ("imbalance", "f8"),
        # their order flow: decayed to depth_ns
        ("depth_ns", "i8"), ("level_ofi", "f8"), ("level_qty", "f8"), ("level_weight", "f8"),
        # trades: decayed to trade_ns; fast over TRADE_TAU_S, slow over RATE_TAU_S, excited over HAWKES_TAU_S
        ("trade_ns", "i8"), ("fast_count", "f8"), ("fast_sign", "f8"), ("fast_signed_qty", "f8"), ("fast_qty", "f8"),
        ("slow_count", "f8"), ("vwap", "f8"), ("slow_qty", "f8"), ("slow_signed_qty", "f8"),
        ("excited_buys", "f8"), ("excited_sells", "f8"), ("paid", "f8"), ("paid_weight", "f8"),
        # from trade to trade: the last side, price and return, and means of their products
        ("trade_side", "f8"), ("trade_price", "f8"), ("trade_return", "f8"), ("sign_pairs", "f8"),
        ("pair_weight", "f8"),
        ("return_pairs", "f8"), ("return_weight", "f8"),
        # volume buckets
        ("buckets", "i8"), ("bucket_size", "f8"), ("bucket_buy", "f8"), ("bucket_sell", "f8"),
        ("vpin_gap", "f8"), ("vpin_volume", "f8"),
        # the open bar of second bar_s: from trades while bar_trades, else from mids while bar_mids
        ("bar_s", "i8"), ("bar_trades", "i8"), ("bar_mids", "i8"),
        ("open", "f8"), ("high", "f8"), ("low", "f8"), ("close", "f8"),
        ("mid_open", "f8"), ("mid_high", "f8"), ("mid_low", "f8"), ("mid_close", "f8"),
        ("volume", "f8"), ("signed_quote", "f8"),
        # closed bars: how many, the latest of them, what each family of features keeps, and the features made of them
        ("bars", "i8"), ("recent", "f8", (series.LINES, p.RECENT_BARS)),
        ("gain", "f8"), ("loss", "f8"), ("rsi", "f8"),
        ("fast_gap", "f8"), ("slow_gap", "f8"), ("signal_ema", "f8"),
        ("atr", "f8"), ("plus_dm", "f8"), ("minus_dm", "f8"), ("dm_range", "f8"), ("adx", "f8"),
        ("obv_signed", "f8"), ("obv_volume", "f8"),
        ("squares", "f8"), ("squares_weight", "f8"),
        ("trend", trend.STATE), ("momentum", momentum.STATE), ("volatility", volatility.STATE),
        ("trading", volume.STATE), ("regime", regime.STATE),
        ("from_bars", "f8", (SLOT_COUNT,)),
        # price impact by second: weighted means and sums of products about them; kyle_mid is the mid at the last close,
        # NaN where it was unknown
        ("kyle_mid", "f8"), ("kyle_weight", "f8"), ("kyle_x", "f8"), ("kyle_r", "f8"), ("kyle_xr", "f8"),
        ("kyle_xx", "f8"), ("kyle_abs", "f8"),
        # vectors with a mid: the latest RING, and the monotonic queues of lows and highs (values in the deque block)
        ("vectors", "i8"), ("first_step", "i8"), ("reference", "i8"),
        ("ring_step", "i8", (RING,)), ("ring_mid", "f8", (RING,)), ("ring_micro", "f8", (RING,)),
        ("low_head", "i8"), ("low_tail", "i8"), ("high_head", "i8"), ("high_tail", "i8"),
    ],
    align=True,
)  # fmt: skip

DEQUE_ROWS = 4
"""Rows of the deque block: steps and mids of the queue of lows, then of the queue of highs."""


def initial_row(interval_ns: int, window_steps: int) -> np.ndarray:
    """Return the state (shape 1, ``STATE``) of an instrument of which nothing is known."""
    row = np.zeros(1, STATE)
    row["interval_ns"], row["window_steps"] = interval_ns, window_steps
    for name in ("start_ns", "last_ns", "last_step", "quote_ns", "bar_s", "first_step"):
        row[name] = -1
    for name in ("mid", "micro", "imbalance", "kyle_mid", "from_bars"):
        row[name] = np.nan
    return row


_BLANK = initial_row(0, 0).view(np.uint8)


@numba.njit(error_model="numpy")
def advance(states, s, recv_ns):  # noqa: ANN001, ANN201 - compiled
    """Move data time of ``s``, the record in the bytes ``states``, to ``recv_ns`` unless that is past; return it.

    After ``SILENCE_NS`` without an event ``s`` is what it was before its first one.
    """
    t_ns = max(recv_ns, s.last_ns)
    if s.last_ns >= 0 and t_ns - s.last_ns > p.SILENCE_NS:
        interval_ns, window_steps = s.interval_ns, s.window_steps
        states[:] = _BLANK
        s.interval_ns, s.window_steps = interval_ns, window_steps
    s.last_ns = t_ns
    if s.start_ns < 0:
        s.start_ns = t_ns
    return t_ns
