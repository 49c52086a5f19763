"""How fast the price goes, and whether too far. The order is that of ``kernel.momentum``."""

from functools import partial

from foretick.quant import parameters as p
from foretick.quant.catalogue.bars import ANY, INDEX, SIGNED_INDEX, SIGNED_SHARE, of_bars
from foretick.quant.feature import Group, Unit

_of = partial(of_bars, Group.MOMENTUM)
_K = p.STOCHASTIC_BARS
_SLOW = p.STOCHASTIC_SLOWING
_TYPICAL = "typical = (high + low + close) / 3"

MOMENTUM = (
    _of(
        _K + _SLOW - 1, "stochastic_k", f"Stochastic %K ({_K}, {_SLOW})",
        f"sma{_SLOW}(100 * (close - low{_K}) / (high{_K} - low{_K})), low and high of {_K} bars; 50 where they are "
        "equal",
        Unit.INDEX, INDEX, "Lane 1984; TA-Lib STOCH",
    ),
    _of(
        _K + 2 * _SLOW - 2, "stochastic_d", f"Stochastic %D ({_K}, {_SLOW}, {_SLOW})", f"sma{_SLOW}(stochastic_k)",
        Unit.INDEX, INDEX, "Lane 1984; TA-Lib STOCH",
    ),
    _of(
        2 * p.RSI_BARS, "stochastic_rsi", f"Stochastic RSI ({p.RSI_BARS})",
        f"100 * (rsi - lowest) / (highest - lowest) of {p.RSI_BARS} rsi; 50 where they are within 1e-9", Unit.INDEX,
        INDEX,
        "Chande and Kroll 1994; TA-Lib STOCHRSI",
    ),
    _of(
        _K, "williams_r", f"Williams %R ({_K})",
        f"-100 * (high{_K} - close) / (high{_K} - low{_K}); -50 where they are equal", Unit.SIGNED_INDEX, (-100.0, 0.0),
        "Williams 1979; TA-Lib WILLR",
    ),
    _of(
        p.CCI_BARS, "cci", f"Commodity channel index ({p.CCI_BARS})",
        f"(typical - sma{p.CCI_BARS}(typical)) / (0.015 * mean absolute deviation), {_TYPICAL}; 0 where it is 0",
        Unit.RATIO, ANY, "Lambert 1980; TA-Lib CCI",
    ),
    _of(
        p.MFI_BARS + 1, "mfi", f"Money flow index ({p.MFI_BARS})",
        f"100 * up / (up + down), typical * volume of the bars of {p.MFI_BARS} whose typical rose or fell; {_TYPICAL}; "
        "50 where neither traded", Unit.INDEX, INDEX, "Quong and Soudack 1989; TA-Lib MFI",
    ),
    _of(
        p.ROC_BARS + 1, "rate_of_change_bps", f"Return over {p.ROC_BARS} bars",
        f"1e4 * (close / close {p.ROC_BARS} bars ago - 1)", Unit.BPS, ANY, "TA-Lib ROCP",
    ),
    _of(
        p.ATR_BARS + 1, "momentum_atr", f"Momentum in true ranges ({p.ROC_BARS})",
        f"(close - close {p.ROC_BARS} bars ago) / atr{p.ATR_BARS}; 0 where it is 0", Unit.RATIO, ANY,
        "TA-Lib MOM, ATR",
    ),
    _of(
        p.CMO_BARS + 1, "cmo", f"Chande momentum ({p.CMO_BARS})",
        f"100 * (rises - falls) / (rises + falls) of the close, sums over {p.CMO_BARS} bars; 0 where nothing moved",
        Unit.SIGNED_INDEX, SIGNED_INDEX, "Chande 1994; TA-Lib CMOU",
    ),
    _of(
        p.MACD_SLOW_BARS, "ppo_bps", "Price oscillator",
        f"1e4 * (ema{p.MACD_FAST_BARS}(close) / ema{p.MACD_SLOW_BARS}(close) - 1)", Unit.BPS, ANY,
        "Appel 2005; TA-Lib PPO with EMA",
    ),
    _of(
        3 * p.CHAIN_BARS - 1, "trix_bps", f"TRIX ({p.CHAIN_BARS})",
        f"1e4 * (ema3 / ema3' - 1), ema3 = ema(ema(ema(close))), each over {p.CHAIN_BARS} bars", Unit.BPS, ANY,
        "Hutson 1983; TA-Lib TRIX",
    ),
    _of(
        p.ULTIMATE_BARS[2] + 1, "ultimate_oscillator", "Ultimate oscillator",
        "100 * (4 * a + 2 * b + c) / 7, each sum(close - floor) / sum(max(high, close') - floor) over "
        f"{', '.join(map(str, p.ULTIMATE_BARS))} bars, floor = min(low, close'); 1/2 where that is 0",
        Unit.INDEX, INDEX, "Williams 1985; TA-Lib ULTOSC",
    ),
    _of(
        sum(p.TSI_BARS), "true_strength", f"True strength ({p.TSI_BARS[0]}, {p.TSI_BARS[1]})",
        f"100 * ema{p.TSI_BARS[1]}(ema{p.TSI_BARS[0]}(close - close')) / the same of |close - close'|; 0 where it is 0",
        Unit.SIGNED_INDEX, SIGNED_INDEX, "Blau 1991; TA-Lib TSI",
    ),
    _of(
        p.AWESOME_BARS[1], "awesome_oscillator_bps", "Awesome oscillator",
        f"1e4 * (sma{p.AWESOME_BARS[0]} - sma{p.AWESOME_BARS[1]} of (high + low) / 2) / close", Unit.BPS, ANY,
        "Williams 1998; TA-Lib AO",
    ),
    _of(
        1, "balance_of_power", "Balance of power", "(close - open) / (high - low); 0 where they are equal", Unit.RATIO,
        SIGNED_SHARE, "Livshin 2001; TA-Lib BOP",
    ),
    _of(
        p.IMI_BARS, "intraday_momentum", f"Intraday momentum ({p.IMI_BARS})",
        f"100 * rises / (rises + falls) from open to close, sums over {p.IMI_BARS} bars; 50 where nothing moved",
        Unit.INDEX, INDEX, "Chande and Kroll 1994; TA-Lib IMI",
    ),
    _of(
        p.QSTICK_BARS, "qstick_bps", f"QStick ({p.QSTICK_BARS})",
        f"1e4 * sma{p.QSTICK_BARS}(close - open) / close", Unit.BPS, ANY, "Chande and Kroll 1994; TA-Lib QSTICK",
    ),
)  # fmt: skip
