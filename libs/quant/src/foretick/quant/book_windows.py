"""Plain features of an order book at its own events: ten levels, imbalances, order flow and returns over windows.

Rows follow each other without a gap: split where the book was not LIVE. All are scale-free, so that they carry over
between instruments. They are what a benchmark model is given; the live kernel's features are another set.
"""

import numpy as np
from numpy.typing import NDArray

from foretick.common.units import BPS_PER_UNIT
from foretick.quant.events import DEPTH_COLUMNS, DEPTH_LEVELS

Floats = NDArray[np.float64]

FLOW_WINDOWS = (1, 10, 50, 100)
RETURN_WINDOWS = (1, 5, 10, 50, 100)
IMBALANCE_LEVELS = (1, 3, 5, 10)
FLOW_LEVELS = 5
_USUAL_EVENTS = 100

LEVEL_NAMES: tuple[str, ...] = (
    *(f"bid_{level + 1}_away_bps" for level in range(DEPTH_LEVELS)),
    *(f"ask_{level + 1}_away_bps" for level in range(DEPTH_LEVELS)),
    *(f"bid_{level + 1}_qty_log_ratio" for level in range(DEPTH_LEVELS)),
    *(f"ask_{level + 1}_qty_log_ratio" for level in range(DEPTH_LEVELS)),
)
WINDOW_NAMES: tuple[str, ...] = (
    *(f"imbalance_{levels}" for levels in IMBALANCE_LEVELS),
    "micro_away_bps",
    *(f"flow_1_over_{events}" for events in FLOW_WINDOWS),
    *(f"flow_{FLOW_LEVELS}_over_{events}" for events in FLOW_WINDOWS),
    *(f"return_over_{events}_bps" for events in RETURN_WINDOWS),
    f"volatility_over_{_USUAL_EVENTS}_bps",
)


def book_mid(depth: Floats) -> Floats:
    """Return the mid of each row of ``depth`` (n, 40), laid out as in ``quant.events``; NaN without both sides."""
    bid, ask = depth[:, 0], depth[:, 2 * DEPTH_LEVELS]
    return np.where((bid > 0.0) & (ask > 0.0), (bid + ask) / 2.0, np.nan)


def level_features(depth: Floats) -> Floats:
    """Return ``LEVEL_NAMES`` for each row: how far each level is from the mid, and its quantity against the usual.

    The usual quantity of a level is the mean over the book's 20 levels of the last 100 rows. A level that is not there
    lies as far away as the last one that is, with no quantity.
    """
    bid, bid_qty, ask, ask_qty = _sides(depth)
    mid = book_mid(depth)[:, None]
    usual = _usual_qty(depth)[:, None]
    away = [
        _fill_missing(BPS_PER_UNIT * (mid - bid) / mid, bid > 0.0),
        _fill_missing(BPS_PER_UNIT * (ask - mid) / mid, ask > 0.0),
    ]
    return np.concatenate([*away, np.log1p(bid_qty / usual), np.log1p(ask_qty / usual)], axis=1)


def window_features(depth: Floats) -> Floats:
    """Return ``WINDOW_NAMES`` for each row; NaN before a window is full.

    Order flow of a level as in Cont, Kukanov and Stoikov 2014, summed over the window and over levels (Xu, Gould and
    Howison 2018), in usual quantities of a level.
    """
    bid, bid_qty, ask, ask_qty = _sides(depth)
    mid = book_mid(depth)
    usual = _usual_qty(depth)
    columns: list[Floats] = []
    for levels in IMBALANCE_LEVELS:
        bids, asks = bid_qty[:, :levels].sum(axis=1), ask_qty[:, :levels].sum(axis=1)
        columns.append((bids - asks) / np.maximum(bids + asks, 1e-300))
    top = np.maximum(bid_qty[:, 0] + ask_qty[:, 0], 1e-300)
    micro = (bid[:, 0] * ask_qty[:, 0] + ask[:, 0] * bid_qty[:, 0]) / top
    columns.append(BPS_PER_UNIT * (micro - mid) / mid)
    flow = _flow(bid, bid_qty, 1.0) - _flow(ask, ask_qty, -1.0)
    columns += [_sum_over(flow[:, 0], events) / usual for events in FLOW_WINDOWS]
    columns += [_sum_over(flow[:, :FLOW_LEVELS].sum(axis=1), events) / usual for events in FLOW_WINDOWS]
    columns += [past_return(mid, events) for events in RETURN_WINDOWS]
    columns.append(np.sqrt(_sum_over(past_return(mid, 1) ** 2, _USUAL_EVENTS) / _USUAL_EVENTS))
    return np.column_stack(columns)


def past_return(mid: Floats, events: int) -> Floats:
    """Return the log return (bps) over the last ``events`` rows; NaN before."""
    out = np.full(len(mid), np.nan)
    if len(mid) > events:
        out[events:] = BPS_PER_UNIT * np.log(mid[events:] / mid[:-events])
    return out


def _sides(depth: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    if depth.ndim != 2 or depth.shape[1] != DEPTH_COLUMNS:
        raise ValueError(f"depth must have {DEPTH_COLUMNS} columns, not shape {depth.shape}")
    bid, bid_qty, ask, ask_qty = np.split(depth, 4, axis=1)
    return bid, bid_qty, ask, ask_qty


def _usual_qty(depth: Floats) -> Floats:
    _, bid_qty, _, ask_qty = _sides(depth)
    mean = (bid_qty.sum(axis=1) + ask_qty.sum(axis=1)) / (2 * DEPTH_LEVELS)
    total = np.concatenate([[0.0], np.cumsum(mean)])
    row = np.arange(1, len(mean) + 1)
    first = np.maximum(row - _USUAL_EVENTS, 0)
    return np.maximum((total[row] - total[first]) / (row - first), 1e-300)


def _fill_missing(away: Floats, is_there: NDArray[np.bool_]) -> Floats:
    filled = away.copy()
    for level in range(1, filled.shape[1]):
        filled[:, level] = np.where(is_there[:, level], filled[:, level], filled[:, level - 1])
    return filled


def _flow(price: Floats, qty: Floats, sign: float) -> Floats:
    """Return what came to one side minus what left it, by level; ``sign`` 1 for bids, where higher is better."""
    out = np.full(price.shape, np.nan)
    better, worse = sign * (price[1:] - price[:-1]) >= 0.0, sign * (price[1:] - price[:-1]) <= 0.0
    out[1:] = qty[1:] * better - qty[:-1] * worse
    return out


def _sum_over(values: Floats, events: int) -> Floats:
    """Return trailing sums over ``events`` rows; NaN while one of them is."""
    out = np.full(len(values), np.nan)
    if len(values) >= events:
        out[events - 1 :] = np.lib.stride_tricks.sliding_window_view(values, events).sum(axis=1)
    return out
