"""Windows and time constants of the features: one place, read by the kernel and by the registry's formulas.

``_S`` are seconds of data time (time constants of exponential decay), ``_BARS`` closed 1-second bars, ``_STEPS`` steps
of data time.
"""

BAR_NS = 1_000_000_000
SILENCE_NS = 300_000_000_000
"""After so long without any event, though clock events come every second, an instrument starts anew."""

SMALLEST, LARGEST = 1e-15, 1e15
"""A price or quantity beyond these is none: no market has it, and its square would leave what a float holds."""

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

STALE_NS = 5_000_000_000
"""What quotes or a book said so long ago is counted as stale: five clock events came since."""

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

RECENT_BARS = 40
"""Closed bars that are kept: the longest window and what leads to it."""

AVERAGE_BARS = 20
CHAIN_BARS = 20
T3_BARS = 5
T3_FACTOR = 0.7
KAMA_BARS = 10
KAMA_FAST_BARS = 2
KAMA_SLOW_BARS = 30
LINE_BARS = 14
SAR_STEP = 0.02
SAR_LIMIT = 0.2
AROON_BARS = 25
VORTEX_BARS = 14
TENKAN_BARS = 9
KIJUN_BARS = 26
ELDER_BARS = 13

STOCHASTIC_BARS = 14
STOCHASTIC_SLOWING = 3
CCI_BARS = 20
MFI_BARS = 14
ROC_BARS = 10
CMO_BARS = 14
ULTIMATE_BARS = (7, 14, 28)
TSI_BARS = (25, 13)
AWESOME_BARS = (5, 34)
IMI_BARS = 14
QSTICK_BARS = 8

RANGE_BARS = 20
"""Bars of the estimators of volatility from a bar's range, and of channels."""
KELTNER_ATR_BARS = 10
KELTNER_WIDTH = 2.0
ULCER_BARS = 14
MOMENT_BARS = 30
"""Returns of the moments, of bipower variation and of the jump test."""

FORCE_BARS = 13
PVO_BARS = (12, 26)
CHAIKIN_BARS = (3, 10)
AMIHUD_BARS = 60

EFFICIENCY_BARS = 10
CHOPPINESS_BARS = 14
VARIANCE_RATIO_LAG = 4
FAST_VOLATILITY_BARS = 10

BODY_BARS = 10
NEAR_BARS = 5

HAWKES_TAU_S = 1.0
HAWKES_BRANCHING = 0.5
"""Share of trades that other trades set off, and how fast that wears off: fixed, not fitted, so that live is replay."""
PAIR_TRADES = 100
"""Trades of the exponentially weighted means from trade to trade."""

CROSS_DELAY_S = 3
"""A vector in second s carries what closed seconds of all instruments say up to s - 3: that one ended at least 2 s ago,
and every instrument, a quiet one too, has had a clock event since."""
CROSS_KEPT_S = 32
"""Seconds of cross-sections that are kept beside a kernel: for vectors that a successor makes late."""
CROSS_RETURN_S = 10
CROSS_WINDOW_S = 600
CROSS_HALF_LIFE_S = 120
CROSS_MIN_PAIRS = 60
"""Seconds with a return of the instrument and of a basket, before a statistic of them is believed."""
