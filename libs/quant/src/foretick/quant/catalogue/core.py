"""The first features of the vector: what ``kernel.vector``, ``kernel.flow`` and ``kernel.bars`` compute."""

from foretick.quant import parameters as p
from foretick.quant.feature import Feature, Group, Input, Needs, Unit, Warmup, WarmupUnit

_ONE_EVENT = Warmup(1, WarmupUnit.EVENTS)
_FLOW = Warmup(p.FLOW_WARMUP_S, WarmupUnit.SECONDS)
_RATE = Warmup(p.RATE_WARMUP_S, WarmupUnit.SECONDS)
_LOOKBACK = Warmup(p.LOOKBACK_STEPS, WarmupUnit.STEPS)
_EW_BARS = Warmup(p.EW_WARMUP_BARS, WarmupUnit.BARS)


def _bars(count: int) -> Warmup:
    return Warmup(count, WarmupUnit.BARS)


MICROSTRUCTURE = (
    Feature(
        "spread_bps", "Spread", "1e4 * (ask - bid) / mid, mid = (bid + ask) / 2",
        Unit.BPS, 0.0, None, _ONE_EVENT, Group.MICROSTRUCTURE, (Input.QUOTES,), "Harris 2003, ch. 14", Needs.TOP,
    ),
    Feature(
        "queue_imbalance_l1", "Queue imbalance", "(bid_qty - ask_qty) / (bid_qty + ask_qty)",
        Unit.RATIO, -1.0, 1.0, _ONE_EVENT, Group.MICROSTRUCTURE, (Input.QUOTES,), "Gould and Bonart 2016", Needs.TOP,
    ),
    Feature(
        "microprice_drift_bps", "Microprice drift",
        f"1e4 * ln(micro / micro of the last vector at least {p.LOOKBACK_STEPS} steps ago), "
        "micro = (bid * ask_qty + ask * bid_qty) / (bid_qty + ask_qty)",
        Unit.BPS, None, None, _LOOKBACK, Group.MICROSTRUCTURE, (Input.QUOTES,), "Stoikov 2018", Needs.TOP,
    ),
    Feature(
        "depth_imbalance_l5", f"Depth imbalance, {p.FLOW_LEVELS} levels",
        f"(B - A) / (B + A), B and A the bid and ask qty of the best {p.FLOW_LEVELS} levels",
        Unit.RATIO, -1.0, 1.0, _ONE_EVENT, Group.MICROSTRUCTURE, (Input.BOOK,), "Cao, Hansch and Wang 2009", Needs.BOOK,
    ),
    Feature(
        "order_flow_imbalance_l1", "Order-flow imbalance",
        f"sum of e over updates of the best bid and ask, decaying with tau {p.FLOW_TAU_S:g} s, / mean of "
        "(bid_qty + ask_qty) / 2 "
        f"weighted with tau {p.DEPTH_TAU_S:g} s; e = bid_qty [bid >= bid'] - bid_qty' [bid <= bid'] - ask_qty "
        "[ask <= ask'] "
        "+ ask_qty' [ask >= ask']",
        Unit.DEPTHS, None, None, _FLOW, Group.MICROSTRUCTURE, (Input.QUOTES,), "Cont, Kukanov and Stoikov 2014",
        Needs.TOP,
    ),
    Feature(
        "order_flow_imbalance_l5", f"Order-flow imbalance, {p.FLOW_LEVELS} levels",
        f"mean over the best {p.FLOW_LEVELS} levels of the sum of e of that level, decaying with tau "
        f"{p.FLOW_TAU_S:g} s, / mean displayed "
        f"qty a level weighted with tau {p.DEPTH_TAU_S:g} s",
        Unit.DEPTHS, None, None, _FLOW, Group.MICROSTRUCTURE, (Input.BOOK,), "Xu, Gould and Howison 2018", Needs.BOOK,
    ),
    Feature(
        "trade_sign_imbalance", "Trade-sign imbalance",
        f"sum(side) / (1 + count) over trades, both decaying with tau {p.TRADE_TAU_S:g} s",
        Unit.RATIO, -1.0, 1.0, _FLOW, Group.MICROSTRUCTURE, (Input.TRADES,),
        "Lee and Ready 1991; Lillo and Farmer 2004",
    ),
    Feature(
        "signed_volume", "Signed volume",
        f"sum(side * qty) over trades, decaying with tau {p.TRADE_TAU_S:g} s, / the depth of order_flow_imbalance_l1",
        Unit.DEPTHS, None, None, _FLOW, Group.MICROSTRUCTURE, (Input.TRADES, Input.QUOTES),
        "Chordia, Roll and Subrahmanyam 2002", Needs.TOP,
    ),
    Feature(
        "trade_rate_log_ratio", "Trade rate against usual",
        f"ln((1 + n_fast) / (1 + n_slow * {p.TRADE_TAU_S:g} / {p.RATE_TAU_S:g})), trades decaying with tau "
        f"{p.TRADE_TAU_S:g} s and {p.RATE_TAU_S:g} s",
        Unit.LOG_RATIO, None, None, _RATE, Group.MICROSTRUCTURE, (Input.TRADES,), "Engle and Russell 1998",
    ),
    Feature(
        "kyle_lambda_bps", "Price impact (Kyle's lambda)",
        f"cov(r, x) / var(x) * mean|x| over seconds weighted exp(-1/{p.KYLE_BARS}) a bar; r = 1e4 * ln of the "
        "mid's ratio over the "
        "second, x = sum(side * price * qty) in it; 0 where x did not vary",
        Unit.BPS, None, None, _EW_BARS, Group.MICROSTRUCTURE, (Input.TRADES, Input.QUOTES), "Kyle 1985; Hasbrouck 2009",
    ),
    Feature(
        "vpin", "Order-flow toxicity (VPIN)",
        f"ema(|B - S|) / ema(B + S) over volume buckets, alpha 2 / ({p.VPIN_BUCKETS} + 1); a bucket closes "
        "with the trade that fills it to "
        f"the volume of {p.VPIN_BUCKET_S:g} s at the rate (tau {p.RATE_TAU_S:g} s) when it opened",
        Unit.RATIO, 0.0, 1.0, Warmup(1, WarmupUnit.BUCKETS), Group.MICROSTRUCTURE, (Input.TRADES,),
        "Easley, Lopez de Prado and O'Hara 2012, with whole trades and known sides",
    ),
)  # fmt: skip

RETURNS = (
    Feature(
        "log_return_bps", "Log return",
        f"1e4 * ln(mid / mid of the last vector at least {p.LOOKBACK_STEPS} steps ago); missing if that is "
        f"over {p.LOOKBACK_LIMIT_STEPS} steps ago",
        Unit.BPS, None, None, _LOOKBACK, Group.RETURNS, (Input.QUOTES,), "definition", Needs.TOP,
    ),
    Feature(
        "realised_volatility_bps", "Realised volatility",
        f"sqrt(mean of (1e4 * ln(close / close'))^2), weighted exp(-1/{p.VOLATILITY_BARS}) a bar",
        Unit.BPS, 0.0, None, _EW_BARS, Group.RETURNS, (Input.BARS,), "Andersen and Bollerslev 1998",
    ),
    Feature(
        "vwap_deviation_bps", "Deviation from VWAP",
        f"1e4 * ln(mid / vwap), vwap = sum(price * qty) / sum(qty) decaying with tau {p.RATE_TAU_S:g} s",
        Unit.BPS, None, None, _RATE, Group.RETURNS, (Input.TRADES, Input.QUOTES),
        "Berkowitz, Logue and Noser 1988", Needs.TOP,
    ),
    Feature(
        "price_position", "Position in the range",
        "(mid - low) / (high - low) of the mids of vectors in the last FEATURE_WINDOW_SIZE steps; 0.5 where "
        "they are equal",
        Unit.RATIO, 0.0, 1.0, Warmup(p.POSITION_WARMUP_STEPS, WarmupUnit.STEPS), Group.RETURNS, (Input.QUOTES,),
        "Lane's stochastic %K on mids", Needs.TOP,
    ),
)  # fmt: skip

INDICATORS = (
    Feature(
        "rsi", f"RSI ({p.RSI_BARS})",
        f"100 * gain / (gain + loss), Wilder means over {p.RSI_BARS} bars; 50 where nothing moved",
        Unit.INDEX, 0.0, 100.0, _bars(p.RSI_BARS + 1), Group.INDICATORS, (Input.BARS,), "Wilder 1978; TA-Lib RSI",
    ),
    Feature(
        "macd_histogram_bps", "MACD histogram",
        f"1e4 * (macd - ema{p.MACD_SIGNAL_BARS}(macd)) / close, macd = ema{p.MACD_FAST_BARS}(close) - "
        f"ema{p.MACD_SLOW_BARS}(close), each seeded with its mean",
        Unit.BPS, None, None, _bars(p.MACD_SLOW_BARS + p.MACD_SIGNAL_BARS - 1), Group.INDICATORS, (Input.BARS,),
        "Appel 2005; TA-Lib MACD",
    ),
    Feature(
        "bollinger_b", "Bollinger %b",
        f"(close - lower) / (upper - lower), bands mean -/+ {p.BOLLINGER_WIDTH:g} population deviations over "
        f"{p.BOLLINGER_BARS} bars; "
        "0.5 where they meet",
        Unit.RATIO, None, None, _bars(p.BOLLINGER_BARS), Group.INDICATORS, (Input.BARS,),
        "Bollinger 2001; TA-Lib BBANDS",
    ),
    Feature(
        "atr_bps", f"ATR ({p.ATR_BARS})", f"1e4 * Wilder mean of the true range over {p.ATR_BARS} bars / close",
        Unit.BPS, 0.0, None, _bars(p.ATR_BARS + 1), Group.INDICATORS, (Input.BARS,), "Wilder 1978; TA-Lib ATR",
    ),
    Feature(
        "adx", f"ADX ({p.ADX_BARS})",
        f"Wilder mean over {p.ADX_BARS} bars of 100 * |+DI - -DI| / (+DI + -DI)",
        Unit.INDEX, 0.0, 100.0, _bars(2 * p.ADX_BARS), Group.INDICATORS, (Input.BARS,), "Wilder 1978; TA-Lib ADX",
    ),
    Feature(
        "obv_slope", "On-balance volume slope",
        f"ema(sign(close - close') * volume) / ema(volume), alpha 2 / ({p.OBV_BARS} + 1); 0 where nothing traded",
        Unit.RATIO, -1.0, 1.0, _bars(p.OBV_BARS), Group.INDICATORS, (Input.BARS,), "Granville 1963",
    ),
)  # fmt: skip

CALENDAR = (
    Feature(
        "hour_sin", "Hour of day, sine", "sin(2 pi * seconds since midnight UTC / 86400)",
        Unit.RATIO, -1.0, 1.0, _ONE_EVENT, Group.CALENDAR, (Input.CLOCK,), "definition",
    ),
    Feature(
        "hour_cos", "Hour of day, cosine", "cos(2 pi * seconds since midnight UTC / 86400)",
        Unit.RATIO, -1.0, 1.0, _ONE_EVENT, Group.CALENDAR, (Input.CLOCK,), "definition",
    ),
    Feature(
        "day_of_week", "Day of week", "day of the week in UTC, Monday 0 to Sunday 6",
        Unit.DAY, 0.0, 6.0, _ONE_EVENT, Group.CALENDAR, (Input.CLOCK,), "definition",
    ),
)  # fmt: skip
