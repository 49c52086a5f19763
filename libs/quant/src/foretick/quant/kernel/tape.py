"""How trades and quotes arrive (compiled): features of ``catalogue.microstructure`` that their times and signs give."""

import math

import numba

from foretick.quant import parameters as p
from foretick.quant.kernel.flow import decay
from foretick.quant.registry import INDEX

_EFFECTIVE = INDEX["effective_spread_bps"]
_ROLL = INDEX["roll_spread_bps"]
_QUOTE_RATE = INDEX["quote_rate_log_ratio"]
_QUOTES_TO_TRADES = INDEX["quote_trade_log_ratio"]
_SIZE = INDEX["trade_size_log_ratio"]
_INTENSITY = INDEX["hawkes_intensity_log_ratio"]
_EXCITED = INDEX["hawkes_imbalance"]
_PERSISTENCE = INDEX["trade_sign_autocorrelation"]
_VOLUME = INDEX["volume_imbalance"]
_SILENCE = INDEX["trade_silence"]
_TICK = INDEX["tick_volatility_bps"]
_SIGNATURE = INDEX["volatility_signature"]
_MOVES = INDEX["mid_move_imbalance"]

_NS_PER_S = 1_000_000_000
_FLOW_WARMUP_NS = p.FLOW_WARMUP_S * _NS_PER_S
_RATE_WARMUP_NS = p.RATE_WARMUP_S * _NS_PER_S
_FLOOR_BPS2 = 1e-4
_SLOWER = p.TRADE_TAU_S / p.RATE_TAU_S
_LEAST_RATE = 1.0 / p.RATE_TAU_S


@numba.njit(error_model="numpy")
def write_tape(s, t_ns, values) -> None:  # noqa: ANN001 - compiled
    """Write the features that are past their warm-up."""
    age_ns = t_ns - s.start_ns
    if age_ns < _FLOW_WARMUP_NS:
        return
    fast_trades = s.fast_count * decay(s.trade_ns, t_ns, p.TRADE_TAU_S)
    kept = decay(s.l1_ns, t_ns, p.DEPTH_TAU_S)
    values[_EFFECTIVE] = 1e4 * s.paid / s.paid_weight if s.paid_weight > 0.0 else 0.0
    values[_ROLL] = 2.0 * math.sqrt(max(0.0, -s.return_pairs / s.return_weight)) if s.return_weight > 0.0 else 0.0
    values[_QUOTES_TO_TRADES] = math.log((1.0 + s.l1_weight * kept) / (1.0 + fast_trades))
    values[_PERSISTENCE] = s.sign_pairs / s.pair_weight if s.pair_weight > 0.0 else 0.0
    values[_MOVES] = s.mid_signs * kept / (1.0 + s.mid_moves * kept)
    squares = s.mid_squares * kept / p.DEPTH_TAU_S
    values[_TICK] = math.sqrt(squares)
    if s.bars >= p.EW_WARMUP_BARS:
        by_bars = s.squares / s.squares_weight
        values[_SIGNATURE] = 0.5 * math.log((_FLOOR_BPS2 + squares) / (_FLOOR_BPS2 + by_bars))
    if age_ns >= _RATE_WARMUP_NS:
        _write_rates(s, t_ns, kept, values)


@numba.njit(error_model="numpy")
def _write_rates(s, t_ns, kept, values) -> None:  # noqa: ANN001 - compiled
    slow_quotes = s.l1_slow_weight * decay(s.l1_ns, t_ns, p.RATE_TAU_S) * _SLOWER
    values[_QUOTE_RATE] = math.log((1.0 + s.l1_weight * kept) / (1.0 + slow_quotes))
    values[_SILENCE] = 0.0
    values[_SIZE] = 0.0
    values[_VOLUME] = 0.0
    values[_EXCITED] = 0.0
    values[_INTENSITY] = 0.0
    if not s.slow_count > 0.0:
        return
    rate = s.slow_count * decay(s.trade_ns, t_ns, p.RATE_TAU_S) / p.RATE_TAU_S
    values[_SILENCE] = math.log1p((t_ns - s.trade_ns) / _NS_PER_S * rate)
    values[_SIZE] = math.log(s.fast_qty / s.fast_count / (s.slow_qty / s.slow_count))
    values[_VOLUME] = s.slow_signed_qty / s.slow_qty
    jump = p.HAWKES_BRANCHING / p.HAWKES_TAU_S * decay(s.trade_ns, t_ns, p.HAWKES_TAU_S)
    buys = (1.0 - p.HAWKES_BRANCHING) * 0.5 * rate + jump * s.excited_buys
    sells = (1.0 - p.HAWKES_BRANCHING) * 0.5 * rate + jump * s.excited_sells
    values[_EXCITED] = (buys - sells) / (buys + sells + _LEAST_RATE)
    values[_INTENSITY] = math.log((_LEAST_RATE + buys + sells) / (_LEAST_RATE + rate))
