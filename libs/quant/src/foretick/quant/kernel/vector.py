"""Reads a row of state out as a feature vector, in the registry's order (compiled)."""

import math

import numba

from foretick.quant import parameters as p
from foretick.quant.feature import WarmupUnit
from foretick.quant.kernel.book import write_book
from foretick.quant.kernel.cross import Line, due_second, write_cross
from foretick.quant.kernel.flow import decay
from foretick.quant.kernel.health import count_faults
from foretick.quant.kernel.slots import INDEX_OF_SLOT, SLOT_COUNT
from foretick.quant.kernel.state import RING
from foretick.quant.kernel.tape import write_tape
from foretick.quant.registry import INDEX, MODEL_FEATURES

META_COLUMNS = 6
"""Columns before the values: index of the event in the call, step, ns since the step began, mid, warm (0 or 1), and the
second of the cross-section that is in it, -1 for none."""

_NS_PER_S = 1_000_000_000
_THERE = Line.THERE.value
_HOUR_NS, _DAY_NS, _WEEK_NS = 3_600 * _NS_PER_S, 86_400 * _NS_PER_S, 7 * 86_400 * _NS_PER_S
_THURSDAY = 3  # the Unix epoch's day of the week, Monday 0
_DRAWDOWN, _RUN_UP, _WINDOW_RANGE = INDEX["drawdown_bps"], INDEX["run_up_bps"], INDEX["window_range_bps"]
_MINUTE, _WEEK = INDEX["minute_sin"], INDEX["week_sin"]
_FLOW_WARMUP_NS = p.FLOW_WARMUP_S * _NS_PER_S
_RATE_WARMUP_NS = p.RATE_WARMUP_S * _NS_PER_S
_LONGEST_WARMUP_BARS = max(f.warmup.count for f in MODEL_FEATURES if f.warmup.unit is WarmupUnit.BARS)


@numba.njit(error_model="numpy")
def emit(s, deques, lines, t_ns, step, row, faults) -> None:  # noqa: ANN001, PLR0913 - compiled
    """Write the vector at ``t_ns`` into ``row``, remember its mid, and add to ``faults`` what is wrong with it."""
    if s.l1_ok:
        _remember(s, deques, step)
    row[1], row[2] = step, t_ns - step * s.interval_ns
    row[3] = s.mid
    is_warm = _is_warm(s, t_ns, step)
    row[4] = 1.0 if is_warm else 0.0
    values = row[META_COLUMNS:]
    values[:] = math.nan
    _write_flow(s, t_ns, values)
    _write_prices(s, deques, t_ns, step, values)
    write_book(s, values)
    write_tape(s, t_ns, values)
    for slot in range(SLOT_COUNT):
        values[INDEX_OF_SLOT[slot]] = s.from_bars[slot]
    _write_calendar(t_ns, values)
    line = write_cross(lines, t_ns, values)
    row[5] = due_second(t_ns) if line == _THERE else -1
    count_faults(s, t_ns, is_warm, line, values, faults)


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
    if s.buckets >= 1:
        values[10] = s.vpin_gap / s.vpin_volume


@numba.njit(error_model="numpy")
def _write_prices(s, deques, t_ns, step, values) -> None:  # noqa: ANN001 - compiled
    if not s.l1_ok:
        return
    slot = s.reference % RING
    age_steps = step - s.ring_step[slot]
    if p.LOOKBACK_STEPS <= age_steps <= p.LOOKBACK_LIMIT_STEPS:
        values[2] = _log_ratio_bps(s.micro, s.ring_micro[slot])
        values[11] = _log_ratio_bps(s.mid, s.ring_mid[slot])
    if t_ns - s.start_ns >= _RATE_WARMUP_NS and s.vwap > 0.0:
        values[13] = _log_ratio_bps(s.mid, s.vwap)
    if step - s.first_step >= p.POSITION_WARMUP_STEPS:
        low = deques[1, s.low_head % deques.shape[1]]
        high = -deques[3, s.high_head % deques.shape[1]]
        values[14] = (s.mid - low) / (high - low) if high > low else 0.5
        values[_DRAWDOWN] = _log_ratio_bps(s.mid, high)
        values[_RUN_UP] = _log_ratio_bps(s.mid, low)
        values[_WINDOW_RANGE] = _log_ratio_bps(high, low)


@numba.njit(error_model="numpy")
def _log_ratio_bps(a, b):  # noqa: ANN001, ANN202 - compiled
    """Return 1e4 * ln(a / b), exact also where they hardly differ."""
    return 1e4 * math.log1p((a - b) / b)


@numba.njit(error_model="numpy")
def _write_calendar(t_ns, values) -> None:  # noqa: ANN001 - compiled
    _write_phase(t_ns % _DAY_NS / _DAY_NS, 21, values)
    _write_phase(t_ns % _HOUR_NS / _HOUR_NS, _MINUTE, values)
    _write_phase((t_ns + _THURSDAY * _DAY_NS) % _WEEK_NS / _WEEK_NS, _WEEK, values)
    values[23] = (t_ns // _DAY_NS + _THURSDAY) % 7


@numba.njit(error_model="numpy")
def _write_phase(turn, at, values) -> None:  # noqa: ANN001 - compiled
    values[at] = math.sin(2.0 * math.pi * turn)
    values[at + 1] = math.cos(2.0 * math.pi * turn)
