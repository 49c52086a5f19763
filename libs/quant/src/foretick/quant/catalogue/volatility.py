"""How far the price swings. The order is that of ``kernel.volatility``."""

from functools import partial

from foretick.quant import parameters as p
from foretick.quant.catalogue.bars import ANY, POSITIVE, SHARE, of_bars
from foretick.quant.feature import Group, Unit

_of = partial(of_bars, Group.VOLATILITY)
_N = p.RANGE_BARS
_M = p.MOMENT_BARS
_R = "r = 1e4 * ln(close / close')"
_RS = "ln(high / close) * ln(high / open) + ln(low / close) * ln(low / open)"

VOLATILITY = (
    _of(
        p.BOLLINGER_BARS, "bollinger_width_bps", "Bollinger band width",
        f"1e4 * (upper - lower) / mean, bands as in bollinger_b over {p.BOLLINGER_BARS} bars", Unit.BPS, POSITIVE,
        "Bollinger 2001; TA-Lib BBANDS",
    ),
    _of(
        _N, "keltner_position", f"Position in the Keltner channel ({_N})",
        f"(close - lower) / (upper - lower), bands ema{_N}((high + low + close) / 3) -/+ {p.KELTNER_WIDTH:g} "
        f"atr{p.KELTNER_ATR_BARS}, both seeded at bar {_N}; 0.5 where they meet",
        Unit.RATIO, ANY, "Keltner 1960; TA-Lib KC",
    ),
    _of(
        _N + 1, "donchian_position", f"Position in the Donchian channel ({_N})",
        f"(close - low) / (high - low) of the {_N} bars before; above 1 and below 0 it breaks out; 0.5 where they meet",
        Unit.RATIO, ANY, "Donchian 1960; TA-Lib DONCHIAN, a bar later",
    ),
    _of(
        _N, "donchian_width_bps", f"Donchian channel width ({_N})",
        f"1e4 * (high - low) / close, highest high and lowest low of {_N} bars", Unit.BPS, POSITIVE, "TA-Lib DONCHIAN",
    ),
    _of(
        _N, "parkinson_bps", f"Volatility from ranges, Parkinson ({_N})",
        f"1e4 * sqrt(mean(ln(high / low)^2) / (4 ln 2)) over {_N} bars", Unit.BPS, POSITIVE, "Parkinson 1980",
    ),
    _of(
        _N, "garman_klass_bps", f"Volatility from ranges, Garman-Klass ({_N})",
        f"1e4 * sqrt(mean(ln(high / low)^2 / 2 - (2 ln 2 - 1) * ln(close / open)^2)) over {_N} bars", Unit.BPS,
        POSITIVE, "Garman and Klass 1980",
    ),
    _of(
        _N, "rogers_satchell_bps", f"Volatility from ranges, Rogers-Satchell ({_N})",
        f"1e4 * sqrt(mean({_RS})) over {_N} bars", Unit.BPS, POSITIVE, "Rogers and Satchell 1991",
    ),
    _of(
        _N + 1, "yang_zhang_bps", f"Volatility from ranges, Yang-Zhang ({_N})",
        f"1e4 * sqrt(var(ln(open / close')) + k * var(ln(close / open)) + (1 - k) * mean({_RS})), "
        f"k = 0.34 / (1.34 + {_N + 1} / {_N - 1}), over {_N} bars", Unit.BPS, POSITIVE, "Yang and Zhang 2000",
    ),
    _of(
        p.ULCER_BARS, "ulcer_bps", f"Ulcer index ({p.ULCER_BARS})",
        f"1e4 * root mean square of (close / highest close so far - 1) over {p.ULCER_BARS} bars", Unit.BPS, POSITIVE,
        "Martin and McCann 1989",
    ),
    _of(
        p.ATR_BARS + 1, "range_expansion", "True range against usual",
        f"true range / atr{p.ATR_BARS}; 0 where it is 0", Unit.RATIO, (0.0, float(p.ATR_BARS)), "TA-Lib TRANGE, ATR",
    ),
    _of(
        _M + 1, "return_skewness", f"Skewness of returns ({_M})",
        f"mean((r - mean r)^3) / var(r)^1.5 over {_M} bars, {_R}; "
        "0 where they are equal", Unit.RATIO, ANY, "Fisher 1930",
    ),
    _of(
        _M + 1, "return_kurtosis", f"Excess kurtosis of returns ({_M})",
        f"mean((r - mean r)^4) / var(r)^2 - 3 over {_M} bars, {_R}; 0 where they are equal", Unit.RATIO, (-2.0, None),
        "Fisher 1930",
    ),
    _of(
        _M + 1, "bipower_volatility_bps", f"Volatility without jumps ({_M})",
        f"sqrt(B / {_M}), B = pi / 2 * {_M} / {_M - 1} * sum|r * r'| over {_M} bars, {_R}", Unit.BPS, POSITIVE,
        "Barndorff-Nielsen and Shephard 2004",
    ),
    _of(
        _M + 1, "jump_share", f"Share of jumps in the variance ({_M})",
        f"max(0, 1 - B / sum(r^2)) over {_M} bars, B as in bipower_volatility_bps; 0 where nothing moved", Unit.RATIO,
        SHARE, "Barndorff-Nielsen and Shephard 2004",
    ),
    _of(
        _M + 1, "jump_statistic", f"Jump test ({_M})",
        f"(1 - B / V) / sqrt(((pi / 2)^2 + pi - 5) / {_M} * max(1, T / B^2)), V = sum(r^2), B as in "
        f"bipower_volatility_bps, T = {_M}^2 / {_M - 2} * mu^-3 * sum|r * r' * r''|^(4/3), mu = 2^(2/3) * "
        f"gamma(7/6) / gamma(1/2), over {_M} bars; 0 where nothing moved", Unit.RATIO, ANY, "Huang and Tauchen 2005",
    ),
    _of(
        _M + 1, "downside_share", f"Share of falls in the variance ({_M})",
        f"sum(r^2 [r < 0]) / sum(r^2) over {_M} bars, {_R}; 0.5 where nothing moved", Unit.RATIO, SHARE,
        "Barndorff-Nielsen, Kinnebrock and Shephard 2010",
    ),
)  # fmt: skip
