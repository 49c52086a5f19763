"""What the price does where it trades. The order is that of ``kernel.volume``."""

from functools import partial

from foretick.quant import parameters as p
from foretick.quant.catalogue.bars import ANY, POSITIVE, SIGNED_SHARE, of_bars
from foretick.quant.feature import Group, Unit

_of = partial(of_bars, Group.VOLUME)
_N = p.AVERAGE_BARS
_FLOW = "flow = ((close - low) - (high - close)) / (high - low) * volume, 0 without a range"

VOLUME_FEATURES = (
    _of(
        _N, "volume_ratio", f"Volume against usual ({_N})",
        f"volume / sma{_N}(volume); 0 where nothing traded", Unit.RATIO, (0.0, float(_N)), "TA-Lib SMA",
    ),
    _of(
        _N, "vwma_gap_bps", f"Above the volume-weighted average ({_N})",
        f"1e4 * (close / (sum(close * volume) / sum(volume)) - 1) over {_N} bars; 0 where nothing traded", Unit.BPS,
        ANY, "TA-Lib VWMA",
    ),
    _of(
        _N, "chaikin_money_flow", f"Chaikin money flow ({_N})",
        f"sum(flow) / sum(volume) over {_N} bars, {_FLOW}; 0 where nothing traded", Unit.RATIO, SIGNED_SHARE,
        "Chaikin; TA-Lib CMF",
    ),
    _of(
        _N, "chaikin_oscillator", "Chaikin oscillator",
        f"(ema{p.CHAIKIN_BARS[0]} - ema{p.CHAIKIN_BARS[1]} of the running sum of flow) / sma{_N}(volume), {_FLOW}; "
        "0 where nothing traded", Unit.RATIO, ANY, "Chaikin; TA-Lib ADOSC",
    ),
    _of(
        p.OBV_BARS, "accumulation_slope", "Accumulation slope",
        f"ema(flow) / ema(volume), alpha 2 / ({p.OBV_BARS} + 1), {_FLOW}; 0 where nothing traded", Unit.RATIO,
        SIGNED_SHARE, "Williams 1972; TA-Lib AD",
    ),
    _of(
        p.FORCE_BARS + 1, "force_index_bps", f"Force index ({p.FORCE_BARS})",
        f"1e4 * ema{p.FORCE_BARS}((close - close') * volume) / ema{p.FORCE_BARS}(volume) / close; 0 where "
        "nothing traded",
        Unit.BPS, ANY, "Elder 1993; TA-Lib EFI",
    ),
    _of(
        p.PVO_BARS[1], "volume_oscillator", "Volume oscillator",
        f"100 * (ema{p.PVO_BARS[0]}(volume) / ema{p.PVO_BARS[1]}(volume) - 1); 0 where nothing traded", Unit.PERCENT,
        (-100.0, None), "TA-Lib PVO",
    ),
    _of(
        _N, "price_volume_correlation", f"Correlation of price and volume ({_N})",
        f"Pearson's correlation of close and volume over {_N} bars; 0 where either does not vary", Unit.RATIO,
        SIGNED_SHARE, "TA-Lib CORREL",
    ),
    _of(
        p.EW_WARMUP_BARS, "amihud_bps", "Illiquidity (Amihud)",
        "mean(|r| / q) * mean(q) over bars that traded, weighted "
        f"exp(-1/{p.AMIHUD_BARS}) a bar; r = 1e4 * ln(close / close'), q = close * volume; 0 where nothing traded",
        Unit.BPS, POSITIVE, "Amihud 2002",
    ),
)  # fmt: skip
