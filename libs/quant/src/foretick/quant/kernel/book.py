"""The shape of the book (compiled): the features of ``catalogue.microstructure`` that its levels give."""

import math

import numba

from foretick.quant import parameters as p
from foretick.quant.events import DEPTH_LEVELS
from foretick.quant.registry import INDEX

_MICRO = INDEX["microprice_gap_bps"]
_SPREAD = INDEX["spread_ratio"]
_WEIGHTED = INDEX["weighted_depth_imbalance"]
_DEEP = INDEX["deep_price_gap_bps"]
_WIDTH = INDEX["depth_spread_bps"]
_GAPS = INDEX["level_gap_imbalance_bps"]
_TOP = INDEX["top_depth_share"]
_DEPTH = INDEX["depth_log_ratio"]


@numba.njit(error_model="numpy")
def write_book(s, values) -> None:  # noqa: ANN001 - compiled
    """Write what quotes and levels say now; what they don't say stays missing."""
    if s.l1_ok:
        values[_MICRO] = 1e4 * math.log1p((s.micro - s.mid) / s.mid)
        usual = s.l1_spread / s.l1_weight
        values[_SPREAD] = (s.ask - s.bid) / s.mid / usual if usual > 0.0 else 1.0
    if s.depth_ok and 0.0 < s.levels[0, 0] <= s.levels[2, 0]:
        _write_levels(s.levels, values)
        near = 0.0
        for m in range(p.FLOW_LEVELS):
            near += 0.5 * (s.levels[1, m] + s.levels[3, m])
        usual = s.level_qty / s.level_weight * p.FLOW_LEVELS
        values[_DEPTH] = math.log(near / usual)


@numba.njit(error_model="numpy")
def _write_levels(levels, values) -> None:  # noqa: ANN001 - compiled
    bid, ask = levels[0, 0], levels[2, 0]
    mid = 0.5 * (bid + ask)
    bids = asks = near_bids = near_asks = bid_gap = ask_gap = 0.0
    for m in range(DEPTH_LEVELS):
        bids += levels[1, m]
        asks += levels[3, m]
        near_bids += levels[1, m] / (m + 1)
        near_asks += levels[3, m] / (m + 1)
        if levels[1, m] > 0.0:
            bid_gap += (levels[0, m] - bid) * levels[1, m]
        if levels[3, m] > 0.0:
            ask_gap += (levels[2, m] - ask) * levels[3, m]
    values[_WEIGHTED] = (near_bids - near_asks) / (near_bids + near_asks)
    mean_bid, mean_ask = bid_gap / bids, ask_gap / asks  # from the best
    half = 0.5 * (ask - bid)
    fair = ((mean_bid - half) * asks + (mean_ask + half) * bids) / (bids + asks)  # from the mid
    values[_DEEP] = 1e4 * fair / mid
    values[_WIDTH] = 1e4 * ((ask - bid) + (mean_ask - mean_bid)) / mid
    values[_TOP] = (levels[1, 0] + levels[3, 0]) / (bids + asks)
    if levels[0, 1] > 0.0 and levels[2, 1] > 0.0:
        values[_GAPS] = 1e4 * ((levels[2, 1] - ask) - (bid - levels[0, 1])) / mid
