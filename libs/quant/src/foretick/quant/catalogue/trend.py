"""Where the price stands against its averages, and which way it goes. The order is that of ``kernel.trend``."""

from functools import partial

from foretick.quant import parameters as p
from foretick.quant.catalogue.bars import ANY, SHARE, SIGNED_INDEX, of_bars
from foretick.quant.feature import Group, Unit

_of = partial(of_bars, Group.TREND)
_CHAIN = p.CHAIN_BARS - 1

TREND = (
    _of(
        p.AVERAGE_BARS, "sma_gap_bps", f"Above the simple average ({p.AVERAGE_BARS})",
        f"1e4 * (close / sma{p.AVERAGE_BARS}(close) - 1)", Unit.BPS, ANY, "TA-Lib SMA",
    ),
    _of(
        p.AVERAGE_BARS, "ema_gap_bps", f"Above the exponential average ({p.AVERAGE_BARS})",
        f"1e4 * (close / ema{p.AVERAGE_BARS}(close) - 1), seeded with the mean", Unit.BPS, ANY, "TA-Lib EMA",
    ),
    _of(
        p.AVERAGE_BARS, "wma_gap_bps", f"Above the weighted average ({p.AVERAGE_BARS})",
        f"1e4 * (close / wma{p.AVERAGE_BARS}(close) - 1), weights rising by 1 a bar", Unit.BPS, ANY, "TA-Lib WMA",
    ),
    _of(
        p.AVERAGE_BARS, "trima_gap_bps", f"Above the triangular average ({p.AVERAGE_BARS})",
        f"1e4 * (close / trima{p.AVERAGE_BARS}(close) - 1), weights rising and falling", Unit.BPS, ANY, "TA-Lib TRIMA",
    ),
    _of(
        p.AVERAGE_BARS + 3, "hma_gap_bps", f"Above the Hull average ({p.AVERAGE_BARS})",
        f"1e4 * (close / wma4(2 * wma{p.AVERAGE_BARS // 2}(close) - wma{p.AVERAGE_BARS}(close)) - 1)",
        Unit.BPS, ANY, "Hull 2005; TA-Lib HMA",
    ),
    _of(
        2 * _CHAIN + 1, "dema_gap_bps", f"Above the double exponential average ({p.CHAIN_BARS})",
        f"1e4 * (close / (2 * ema - ema(ema)) - 1), each over {p.CHAIN_BARS} bars", Unit.BPS, ANY,
        "Mulloy 1994; TA-Lib DEMA",
    ),
    _of(
        3 * _CHAIN + 1, "tema_gap_bps", f"Above the triple exponential average ({p.CHAIN_BARS})",
        f"1e4 * (close / (3 * ema - 3 * ema(ema) + ema(ema(ema))) - 1), each over {p.CHAIN_BARS} bars",
        Unit.BPS, ANY, "Mulloy 1994; TA-Lib TEMA",
    ),
    _of(
        6 * (p.T3_BARS - 1) + 1, "t3_gap_bps", f"Above Tillson's T3 ({p.T3_BARS})",
        f"1e4 * (close / t3(close) - 1), six EMAs over {p.T3_BARS} bars, factor {p.T3_FACTOR:g}", Unit.BPS, ANY,
        "Tillson 1998; TA-Lib T3",
    ),
    _of(
        p.KAMA_BARS + 1, "kama_gap_bps", f"Above Kaufman's average ({p.KAMA_BARS})",
        f"1e4 * (close / kama(close) - 1), efficiency over {p.KAMA_BARS} bars, rates of {p.KAMA_FAST_BARS} to "
        f"{p.KAMA_SLOW_BARS} bars", Unit.BPS, ANY, "Kaufman 1995; TA-Lib KAMA",
    ),
    _of(
        p.LINE_BARS, "regression_slope_bps", f"Slope of the regression line ({p.LINE_BARS})",
        f"1e4 * slope a bar of the least-squares line through {p.LINE_BARS} closes / close", Unit.BPS, ANY,
        "TA-Lib LINEARREG_SLOPE",
    ),
    _of(
        p.LINE_BARS, "regression_forecast_bps", f"Next value of the regression line ({p.LINE_BARS})",
        f"1e4 * (next value of the least-squares line through {p.LINE_BARS} closes / close - 1)", Unit.BPS, ANY,
        "TA-Lib TSF",
    ),
    _of(
        p.LINE_BARS, "regression_fit", f"Fit of the regression line ({p.LINE_BARS})",
        f"R squared of the least-squares line through {p.LINE_BARS} closes; 0 where they are equal", Unit.RATIO, SHARE,
        "TA-Lib CORREL with time, squared",
    ),
    _of(
        2, "sar_gap_bps", "Above the parabolic stop",
        f"1e4 * (close - sar) / close, acceleration {p.SAR_STEP:g} up to {p.SAR_LIMIT:g}", Unit.BPS, ANY,
        "Wilder 1978; TA-Lib SAR",
    ),
    _of(
        p.AROON_BARS + 1, "aroon_oscillator", f"Aroon oscillator ({p.AROON_BARS})",
        f"100 * (bars since the lowest low - bars since the highest high) / {p.AROON_BARS}, the latest of equals",
        Unit.SIGNED_INDEX, SIGNED_INDEX, "Chande 1995; TA-Lib AROONOSC",
    ),
    _of(
        p.VORTEX_BARS + 1, "vortex", f"Vortex ({p.VORTEX_BARS})",
        f"(sum|high - low'| - sum|low - high'|) / sum(true range) over {p.VORTEX_BARS} bars; 0 where it is 0",
        Unit.RATIO, ANY, "Botes and Siepman 2010; TA-Lib VORTEX, plus less minus",
    ),
    _of(
        p.ADX_BARS + 1, "directional_balance", f"Directional balance ({p.ADX_BARS})",
        f"+DI - -DI over {p.ADX_BARS} bars; 0 where nothing moved", Unit.SIGNED_INDEX, SIGNED_INDEX,
        "Wilder 1978; TA-Lib PLUS_DI, MINUS_DI",
    ),
    _of(
        p.KIJUN_BARS, "ichimoku_bps", "Ichimoku, conversion over base",
        f"1e4 * (middle of the range of {p.TENKAN_BARS} bars - that of {p.KIJUN_BARS}) / close", Unit.BPS, ANY,
        "Hosoda 1969; TA-Lib MIDPRICE",
    ),
    _of(
        p.ELDER_BARS, "bull_power_bps", f"Bull power ({p.ELDER_BARS})",
        f"1e4 * (high - ema{p.ELDER_BARS}(close)) / close", Unit.BPS, ANY, "Elder 1993; TA-Lib ERI",
    ),
    _of(
        p.ELDER_BARS, "bear_power_bps", f"Bear power ({p.ELDER_BARS})",
        f"1e4 * (low - ema{p.ELDER_BARS}(close)) / close", Unit.BPS, ANY, "Elder 1993; TA-Lib ERI",
    ),
)  # fmt: skip
