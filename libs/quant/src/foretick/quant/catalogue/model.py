"""Which features a model learns from unless it is told otherwise.

All are there within 34 bars and 30 seconds of an instrument's first event. Candlestick patterns are mostly 0 and are
left to strategies, but for the commonest; of the moving averages those that differ most.
"""

NAMES = (
    "spread_bps", "queue_imbalance_l1", "microprice_drift_bps", "depth_imbalance_l5", "order_flow_imbalance_l1",
    "order_flow_imbalance_l5", "trade_sign_imbalance", "signed_volume", "trade_rate_log_ratio", "kyle_lambda_bps",
    "vpin",
    "log_return_bps", "realised_volatility_bps", "vwap_deviation_bps", "price_position",
    "rsi", "macd_histogram_bps", "bollinger_b", "atr_bps", "adx", "obv_slope",
    "hour_sin", "hour_cos", "day_of_week",
    "ema_gap_bps", "hma_gap_bps", "kama_gap_bps", "regression_slope_bps", "regression_fit", "sar_gap_bps",
    "aroon_oscillator", "vortex", "directional_balance",
    "stochastic_k", "stochastic_rsi", "cci", "mfi", "rate_of_change_bps", "ppo_bps", "ultimate_oscillator",
    "bollinger_width_bps", "keltner_position", "donchian_position", "garman_klass_bps", "jump_share", "jump_statistic",
    "volume_ratio", "chaikin_money_flow", "price_volume_correlation", "amihud_bps",
    "efficiency_ratio", "variance_ratio", "volatility_log_ratio", "doji", "engulfing",
    "microprice_gap_bps", "weighted_depth_imbalance", "deep_price_gap_bps", "effective_spread_bps",
    "quote_rate_log_ratio", "hawkes_intensity_log_ratio", "hawkes_imbalance", "tick_volatility_bps",
    "mid_move_imbalance",
)  # fmt: skip
