"""Windows and time constants of the features: one place, read by the kernel and by the registry's formulas.

``_S`` are seconds of data time (time constants of exponential decay), ``_BARS`` closed 1-second bars, ``_STEPS`` steps
of data time.
"""

BAR_NS = 1_000_000_000
SILENCE_NS = 300_000_000_000
"""After so long without any event, though clock events come every second, an instrument starts anew."""

FLOW_TAU_S = 1.0
"""Order-flow imbalance forgets at this rate: about twice the default prediction horizon."""
DEPTH_TAU_S = 10.0
"""Average displayed size, the yardstick of flows."""
TRADE_TAU_S = 10.0
RATE_TAU_S = 60.0
"""The slow side of the arrival rate, volume and VWAP."""
FLOW_LEVELS = 5
QUOTE_TTL_NS = 2_000_000_000
"""Depth speaks for the top of book only after so long without a quote: quotes arrive sooner than depth."""

LOOKBACK_STEPS = 10
LOOKBACK_LIMIT_STEPS = 30
POSITION_WARMUP_STEPS = 100

RSI_BARS = 14
MACD_FAST_BARS = 12
MACD_SLOW_BARS = 26
MACD_SIGNAL_BARS = 9
BOLLINGER_BARS = 20
BOLLINGER_WIDTH = 2.0
ATR_BARS = 14
ADX_BARS = 14
OBV_BARS = 20
VOLATILITY_BARS = 60
KYLE_BARS = 60
EW_WARMUP_BARS = 30
"""Closed bars before an exponentially weighted statistic over 60 of them is believed."""

FLOW_WARMUP_S = 10
RATE_WARMUP_S = 30

VPIN_BUCKET_S = 3.0
"""A volume bucket holds what trades in so many seconds at the recent rate."""
VPIN_BUCKETS = 50
