"""The registry is what contract, model and document say."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from foretick.quant.feature import Group, WarmupUnit
from foretick.quant.registry import (
    FEATURE_NAMES,
    FEATURES,
    MODEL_FEATURES,
    SCHEMA_HASH,
    hash_schema,
    render_markdown,
)

DOCUMENT = Path(__file__).parents[3] / "docs" / "features.md"


FIRST_VECTOR = (
    "spread_bps", "queue_imbalance_l1", "microprice_drift_bps", "depth_imbalance_l5", "order_flow_imbalance_l1",
    "order_flow_imbalance_l5", "trade_sign_imbalance", "signed_volume", "trade_rate_log_ratio", "kyle_lambda_bps",
    "vpin", "log_return_bps", "realised_volatility_bps", "vwap_deviation_bps", "price_position", "rsi",
    "macd_histogram_bps", "bollinger_b", "atr_bps", "adx", "obv_slope", "hour_sin", "hour_cos", "day_of_week",
)  # fmt: skip
"""The vector of the first release: it may only grow."""


def test_hundred_features_of_which_sixty_four_are_the_models():
    assert len(FEATURES) >= 100
    assert len(set(MODEL_FEATURES)) == 64
    assert sum(feature.group is Group.MICROSTRUCTURE for feature in FEATURES) >= 30


def test_vectors_append_only():
    assert FEATURE_NAMES[: len(FIRST_VECTOR)] == FIRST_VECTOR


def test_model_is_warm_after_34_bars_and_30_seconds():
    """What a model takes must be there soon after a start: the page shows nothing before."""
    limits = {WarmupUnit.BARS: 34, WarmupUnit.SECONDS: 30, WarmupUnit.STEPS: 100}
    for feature in MODEL_FEATURES:
        assert feature.warmup.count <= limits.get(feature.warmup.unit, 1), feature.name


def test_range_is_one():
    for feature in FEATURES:
        assert feature.low is None or feature.high is None or feature.low < feature.high, feature.name


def test_names_labels_and_formulas_are_unique():
    for field in ("name", "label", "formula"):
        assert len({getattr(feature, field) for feature in FEATURES}) == len(FEATURES), field
    assert all(name.isidentifier() and name == name.lower() for name in FEATURE_NAMES)


def test_hash_follows_names_formulas_units_and_order():
    first, *rest = FEATURES
    changed = [
        (replace(first, name="other"), *rest),
        (replace(first, formula="other"), *rest),
        (replace(first, unit=rest[0].unit), *rest),
        (*rest, first),
    ]
    assert len({SCHEMA_HASH, *(hash_schema(features) for features in changed)}) == 5
    assert hash_schema((replace(first, label="other"), *rest)) == SCHEMA_HASH


def test_committed_document_is_the_registrys():
    assert DOCUMENT.read_text() == render_markdown(), "run make spec"


def test_whoever_only_needs_names_and_labels_imports_no_compiler():
    """The gateway and the launcher read the registry: Numba would cost each of them 100 MB and a second."""
    code = "import sys, foretick.quant.registry; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
