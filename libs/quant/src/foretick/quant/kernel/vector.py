"""Reads a row of state out as a feature vector, in the registry's order (compiled)."""

import math

import numba

from foretick.quant import parameters as p
from foretick.quant.kernel.bars import ROUNDING
from foretick.quant.kernel.flow import decay
from foretick.quant.kernel.state import RING

META_COLUMNS = 5
"""Columns before the values: index of the event in the call, step, ns since the step began, mid, warm (0 or 1)."""

_NS_PER_S = 1_000_000_000
_DAY_NS = 86_400 * _NS_PER_S
_THURSDAY = 3  # the Unix epoch's day of the week, Monday 0
_TINY = 1e-200
_FLOW_WARMUP_NS = p.FLOW_WARMUP_S * _NS_PER_S
_RATE_WARMUP_NS = p.RATE_WARMUP_S * _NS_PER_S
_MACD_WARMUP_BARS = p.MACD_SLOW_BARS + p.MACD_SIGNAL_BARS - 1
_LONGEST_WARMUP_BARS = max(_MACD_WARMUP_BARS, 2 * p.ADX_BARS, p.EW_WARMUP_BARS)


@numba.njit(error_model="numpy")
def emit(s, deques, t_ns, step, row) -> None:  # noqa: ANN001 - compiled
    """Write the vector at ``t_ns`` into ``row`` and remember its mid."""
    if s.l1_ok:
        _remember(s, deques, step)
    row[1], row[2] = step, t_ns - step * s.interval_ns
    row[3] = s.mid
    row[4] = 1.0 if _is_warm(s, t_ns, step) else 0.0
    values = row[META_COLUMNS:]
    values[:] = math.nan
    _write_flow(s, t_ns, values)
    _write_prices(s, deques, t_ns, step, values)
    _write_indicators(s, values)
    _write_calendar(t_ns, values)


@numba.njit(error_model="numpy")
def _is_warm(s, t_ns, step):  # noqa: ANN001, ANN202 - compiled
    return (
        s.bars >= _LONGEST_WARMUP_BARS
        and t_ns - s.start_ns >= _RATE_WARMUP_NS
        and s.first_step >= 0
        and step - s.first_step >= p.POSITION_WARMUP_STEPS
        and s.buckets >= 1
        and s.level_weight > 0.0
    )


@numba.njit(error_model="numpy")
def _remember(s, deques, step) -> None:  # noqa: ANN001 - compiled
    slot = s.vectors % RING
    s.ring_step[slot], s.ring_mid[slot], s.ring_micro[slot] = step, s.mid, s.micro
    s.vectors += 1
    if s.first_step < 0:
        s.first_step = step
    while s.reference + 1 < s.vectors and s.ring_step[(s.reference + 1) % RING] <= step - p.LOOKBACK_STEPS:
        s.reference += 1
    s.low_head, s.low_tail = _slide(deques[0], deques[1], s.low_head, s.low_tail, step - s.window_steps)
    s.high_head, s.high_tail = _slide(deques[2], deques[3], s.high_head, s.high_tail, step - s.window_steps)
    s.low_tail = _push(deques[0], deques[1], s.low_head, s.low_tail, step, s.mid)
    s.high_tail = _push(deques[2], deques[3], s.high_head, s.high_tail, step, -s.mid)


@numba.njit(error_model="numpy")
def _slide(steps, values, head, tail, expired):  # noqa: ANN001, ANN202 - compiled
    while head < tail and steps[head % len(steps)] <= expired:
        head += 1
    return head, tail


@numba.njit(error_model="numpy")
def _push(steps, values, head, tail, step, value):  # noqa: ANN001, ANN202 - compiled
    """Append to a queue whose values rise from head to tail: its head is the least of the window."""
    size = len(steps)
    while head < tail and values[(tail - 1) % size] >= value:
        tail -= 1
    steps[tail % size], values[tail % size] = step, value
    return tail + 1


@numba.njit(error_model="numpy")
def _write_flow(s, t_ns, values) -> None:  # noqa: ANN001 - compiled
    age_ns = t_ns - s.start_ns
    has_flow = age_ns >= _FLOW_WARMUP_NS
    mean_qty = s.l1_qty / s.l1_weight
    fast = decay(s.trade_ns, t_ns, p.TRADE_TAU_S)
    if s.l1_ok:
        values[0] = 1e4 * (s.ask - s.bid) / s.mid
        values[1] = (s.bid_qty - s.ask_qty) / (s.bid_qty + s.ask_qty)
        if has_flow:
            values[4] = s.ofi * decay(s.l1_ns, t_ns, p.FLOW_TAU_S) / mean_qty
            values[7] = s.fast_signed_qty * fast / mean_qty
    if s.depth_ok:
        values[3] = s.imbalance
        if has_flow and s.level_qty > 0.0:
            mean_level = s.level_qty / s.level_weight
            values[5] = s.level_ofi * decay(s.depth_ns, t_ns, p.FLOW_TAU_S) / mean_level
    if has_flow:
        values[6] = s.fast_sign * fast / (1.0 + s.fast_count * fast)
    if age_ns >= _RATE_WARMUP_NS:
        slow_count = s.slow_count * decay(s.trade_ns, t_ns, p.RATE_TAU_S) * (p.TRADE_TAU_S / p.RATE_TAU_S)
        values[8] = math.log((1.0 + s.fast_count * fast) / (1.0 + slow_count))
    if s.bars >= p.EW_WARMUP_BARS and s.kyle_weight > 0.0:
        values[9] = _impact_bps(s)
    if s.buckets >= 1:
        values[10] = s.vpin_gap / s.vpin_volume


@numba.njit(error_model="numpy")
def _impact_bps(s):  # noqa: ANN001, ANN202 - compiled
    mean_x, mean_r = s.kyle_x / s.kyle_weight, s.kyle_r / s.kyle_weight
    square = s.kyle_xx / s.kyle_weight
    variance = square - mean_x * mean_x
    if not variance > ROUNDING * square:
        return 0.0
    return (s.kyle_xr / s.kyle_weight - mean_x * mean_r) / variance * (s.kyle_abs / s.kyle_weight)


@numba.njit(error_model="numpy")
def _write_prices(s, deques, t_ns, step, values) -> None:  # noqa: ANN001 - compiled
    if s.bars >= p.EW_WARMUP_BARS:
        values[12] = math.sqrt(s.squares / s.squares_weight)
    if not s.l1_ok:
        return
    slot = s.reference % RING
    age_steps = step - s.ring_step[slot]
    if p.LOOKBACK_STEPS <= age_steps <= p.LOOKBACK_LIMIT_STEPS:
        values[2] = 1e4 * math.log(s.micro / s.ring_micro[slot])
        values[11] = 1e4 * math.log(s.mid / s.ring_mid[slot])
    if t_ns - s.start_ns >= _RATE_WARMUP_NS and s.slow_qty > _TINY:
        values[13] = 1e4 * math.log(s.mid / (s.slow_quote / s.slow_qty))
    if step - s.first_step >= p.POSITION_WARMUP_STEPS:
        low = deques[1, s.low_head % deques.shape[1]]
        high = -deques[3, s.high_head % deques.shape[1]]
        values[14] = (s.mid - low) / (high - low) if high > low else 0.5


@numba.njit(error_model="numpy")
def _write_indicators(s, values) -> None:  # noqa: ANN001 - compiled
    n, close = s.bars, s.last_close
    if n > p.RSI_BARS:
        moved = s.gain + s.loss
        values[15] = 100.0 * s.gain / moved if moved > ROUNDING * close else 50.0
    if n >= _MACD_WARMUP_BARS:
        values[16] = 1e4 * (s.macd - s.signal_ema) / close
    if n >= p.BOLLINGER_BARS:
        half_width = p.BOLLINGER_WIDTH * math.sqrt(s.close_m2 / p.BOLLINGER_BARS)
        flat = not half_width > 1e-9 * close
        values[17] = 0.5 if flat else (close - s.close_mean + half_width) / (2.0 * half_width)
    if n > p.ATR_BARS:
        values[18] = 1e4 * s.atr / close
    if n >= 2 * p.ADX_BARS:
        values[19] = s.adx
    if n >= p.OBV_BARS:
        values[20] = s.obv_signed / s.obv_volume if s.obv_volume > _TINY else 0.0


@numba.njit(error_model="numpy")
def _write_calendar(t_ns, values) -> None:  # noqa: ANN001 - compiled
    angle = 2.0 * math.pi * ((t_ns % _DAY_NS) / _DAY_NS)
    values[21] = math.sin(angle)
    values[22] = math.cos(angle)
    values[23] = (t_ns // _DAY_NS + _THURSDAY) % 7
