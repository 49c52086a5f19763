"""Folds quotes, depth and trades into a row of state (compiled; ``s`` is a record of ``state.STATE``)."""

import math

import numba

from foretick.quant import parameters as p
from foretick.quant.events import DEPTH_LEVELS

_S_PER_NS = 1e-9
_PAIR_KEPT = 1.0 - 2.0 / (p.PAIR_TRADES + 1)


@numba.njit(error_model="numpy")
def decay(from_ns, to_ns, tau_s):  # noqa: ANN001, ANN201 - compiled
    """Return exp(-age / tau)."""
    return math.exp((from_ns - to_ns) * _S_PER_NS / tau_s)


@numba.njit(error_model="numpy")
def is_size(value):  # noqa: ANN001, ANN201 - compiled
    """Return whether a price or quantity is one."""
    return p.SMALLEST <= value <= p.LARGEST


@numba.njit(error_model="numpy")
def _pressure(price, qty, last_price, last_qty):  # noqa: ANN001, ANN202 - compiled
    """Return what a bid level's update adds to order flow; an ask's counts the other way, its prices negated."""
    change = 0.0
    if price >= last_price:
        change += qty
    if price <= last_price:
        change -= last_qty
    return change


@numba.njit(error_model="numpy")
def void_top(s) -> None:  # noqa: ANN001 - compiled
    """Forget the top of book."""
    s.l1_ok = 0
    s.mid = math.nan
    s.micro = math.nan


@numba.njit(error_model="numpy")
def fold_top(s, t_ns, bid, bid_qty, ask, ask_qty) -> None:  # noqa: ANN001 - compiled
    """Fold a best bid and ask. A side that is missing, or a bid above the ask, is no top of book."""
    if not (ask >= bid and is_size(bid) and is_size(ask) and is_size(bid_qty) and is_size(ask_qty)):
        void_top(s)
        return
    kept = decay(s.l1_ns, t_ns, p.DEPTH_TAU_S)
    mid = 0.5 * (bid + ask)
    s.l1_qty = s.l1_qty * kept + 0.5 * (bid_qty + ask_qty)
    s.l1_weight = s.l1_weight * kept + 1.0
    s.l1_spread = s.l1_spread * kept + (ask - bid) / mid
    s.l1_slow_weight = s.l1_slow_weight * decay(s.l1_ns, t_ns, p.RATE_TAU_S) + 1.0
    s.ofi *= decay(s.l1_ns, t_ns, p.FLOW_TAU_S)
    _fold_mid(s, mid, kept)
    if s.l1_ok:
        s.ofi += _pressure(bid, bid_qty, s.bid, s.bid_qty) - _pressure(-ask, ask_qty, -s.ask, s.ask_qty)
    s.l1_ns = t_ns
    s.l1_ok = 1
    s.bid, s.bid_qty, s.ask, s.ask_qty = bid, bid_qty, ask, ask_qty
    s.mid = mid
    s.micro = (bid * ask_qty + ask * bid_qty) / (bid_qty + ask_qty)
    if s.bar_mids:
        s.mid_high, s.mid_low = max(s.mid_high, s.mid), min(s.mid_low, s.mid)
    else:
        s.bar_mids = 1
        s.mid_open = s.mid_high = s.mid_low = s.mid
    s.mid_close = s.mid


@numba.njit(error_model="numpy")
def _fold_mid(s, mid, kept) -> None:  # noqa: ANN001 - compiled
    """Note how the mid moves from update to update; ``kept`` is what is left of the moves before."""
    s.mid_squares *= kept
    s.mid_signs *= kept
    s.mid_moves *= kept
    if s.l1_ok and mid != s.mid:
        r_bps = 1e4 * math.log1p((mid - s.mid) / s.mid)
        s.mid_squares += r_bps * r_bps
        s.mid_signs += 1.0 if mid > s.mid else -1.0
        s.mid_moves += 1.0


@numba.njit(error_model="numpy")
def fold_quote(s, t_ns, v) -> None:  # noqa: ANN001 - compiled
    """Fold a quote: it speaks for the top of book."""
    s.quote_ns = t_ns
    fold_top(s, t_ns, v[0], v[1], v[2], v[3])


@numba.njit(error_model="numpy")
def _level(price, qty):  # noqa: ANN001, ANN202 - compiled
    """Return a level of the book, 0 and 0 where there is none."""
    return (price, qty) if is_size(price) and is_size(qty) else (0.0, 0.0)


@numba.njit(error_model="numpy")
def fold_depth(s, t_ns, row) -> None:  # noqa: ANN001 - compiled
    """Fold the top levels of a LIVE book, and its best bid and ask where no quote spoke lately."""
    n = DEPTH_LEVELS
    bids = asks = flow = 0.0
    for m in range(n):
        bid, bid_qty = _level(row[m], row[n + m])
        ask, ask_qty = _level(row[2 * n + m], row[3 * n + m])
        if m < p.FLOW_LEVELS:
            bids += bid_qty
            asks += ask_qty
            if s.depth_ok and bid > 0.0 and s.levels[0, m] > 0.0:
                flow += _pressure(bid, bid_qty, s.levels[0, m], s.levels[1, m])
            if s.depth_ok and ask > 0.0 and s.levels[2, m] > 0.0:
                flow -= _pressure(-ask, ask_qty, -s.levels[2, m], s.levels[3, m])
        s.levels[0, m], s.levels[1, m], s.levels[2, m], s.levels[3, m] = bid, bid_qty, ask, ask_qty
    kept = decay(s.depth_ns, t_ns, p.DEPTH_TAU_S)
    s.level_qty = s.level_qty * kept + 0.5 * (bids + asks) / p.FLOW_LEVELS
    s.level_weight = s.level_weight * kept + 1.0
    s.level_ofi = s.level_ofi * decay(s.depth_ns, t_ns, p.FLOW_TAU_S) + flow / p.FLOW_LEVELS
    s.depth_ns = t_ns
    s.depth_ok = 1
    s.imbalance = (bids - asks) / (bids + asks) if bids + asks > 0.0 else math.nan
    if s.quote_ns < 0 or t_ns - s.quote_ns >= p.QUOTE_TTL_NS:
        fold_top(s, t_ns, row[0], row[n], row[2 * n], row[3 * n])


@numba.njit(error_model="numpy")
def fold_state(s, is_gap) -> None:  # noqa: ANN001 - compiled
    """Mask the book until the next depth; across a gap quotes are void too."""
    s.depth_ok = 0
    s.imbalance = math.nan
    if is_gap or s.quote_ns < 0:
        s.quote_ns = -1
        void_top(s)


@numba.njit(error_model="numpy")
def fold_trade(s, t_ns, v) -> None:  # noqa: ANN001 - compiled
    """Fold a trade; one without a positive, finite price and quantity says nothing."""
    price, qty = v[0], v[1]
    if not (is_size(price) and is_size(qty)):
        return
    side = 1.0 if v[2] > 0.0 else -1.0
    _fold_rates(s, t_ns, price, qty, side)
    _fold_pair(s, price, side)
    _fill_bucket(s, side, qty)
    if s.bar_trades:
        s.high, s.low = max(s.high, price), min(s.low, price)
    else:
        s.bar_trades = 1
        s.open = s.high = s.low = price
    s.close = price
    s.volume += qty
    s.signed_quote += side * price * qty


@numba.njit(error_model="numpy")
def _fold_rates(s, t_ns, price, qty, side) -> None:  # noqa: ANN001 - compiled
    """Fold a trade into sums that decay with time."""
    fast = decay(s.trade_ns, t_ns, p.TRADE_TAU_S)
    slow = decay(s.trade_ns, t_ns, p.RATE_TAU_S)
    excited = decay(s.trade_ns, t_ns, p.HAWKES_TAU_S)
    s.trade_ns = t_ns
    s.fast_count = s.fast_count * fast + 1.0
    s.fast_sign = s.fast_sign * fast + side
    s.fast_qty = s.fast_qty * fast + qty
    s.fast_signed_qty = s.fast_signed_qty * fast + side * qty
    s.slow_count = s.slow_count * slow + 1.0
    s.slow_qty = s.slow_qty * slow + qty
    s.vwap += (price - s.vwap) * (qty / s.slow_qty)
    s.slow_signed_qty = s.slow_signed_qty * slow + side * qty
    s.excited_buys = s.excited_buys * excited + (1.0 if side > 0.0 else 0.0)
    s.excited_sells = s.excited_sells * excited + (0.0 if side > 0.0 else 1.0)
    s.paid *= fast
    s.paid_weight *= fast
    if s.l1_ok:
        s.paid += 2.0 * abs(price - s.mid) / s.mid
        s.paid_weight += 1.0


@numba.njit(error_model="numpy")
def _fold_pair(s, price, side) -> None:  # noqa: ANN001 - compiled
    """Fold what a trade has to do with the one before it."""
    if s.trade_price > 0.0:
        s.sign_pairs = s.sign_pairs * _PAIR_KEPT + side * s.trade_side
        s.pair_weight = s.pair_weight * _PAIR_KEPT + 1.0
        r_bps = 0.0 if price == s.trade_price else 1e4 * math.log1p((price - s.trade_price) / s.trade_price)
        if s.pair_weight > 1.0:
            s.return_pairs = s.return_pairs * _PAIR_KEPT + r_bps * s.trade_return
            s.return_weight = s.return_weight * _PAIR_KEPT + 1.0
        s.trade_return = r_bps
    s.trade_price, s.trade_side = price, side


@numba.njit(error_model="numpy")
def _fill_bucket(s, side, qty) -> None:  # noqa: ANN001 - compiled
    if s.bucket_buy + s.bucket_sell == 0.0:
        s.bucket_size = s.slow_qty * (p.VPIN_BUCKET_S / p.RATE_TAU_S)
    if side > 0.0:
        s.bucket_buy += qty
    else:
        s.bucket_sell += qty
    volume = s.bucket_buy + s.bucket_sell
    if volume >= s.bucket_size:
        alpha = 2.0 / (p.VPIN_BUCKETS + 1)
        s.vpin_gap += alpha * (abs(s.bucket_buy - s.bucket_sell) - s.vpin_gap)
        s.vpin_volume += alpha * (volume - s.vpin_volume)
        s.bucket_buy = s.bucket_sell = 0.0
        s.buckets += 1
