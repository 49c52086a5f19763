"""The unseen part by regime and by instrument, against scikit-learn on the rows of each."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, log_loss

from foretick.predictor.domain.dataset import Rows
from foretick.predictor.domain.strata import Answered, part_rows

NAMES = ("realised_volatility_bps", "volatility_log_ratio", "efficiency_ratio")
N = 400


@pytest.fixture
def answered():
    rng = np.random.default_rng(5)
    features = np.column_stack([np.ones(N), rng.normal(size=N), rng.uniform(size=N)]).astype(np.float32)
    given = rng.dirichlet(np.ones(3), N)
    step = np.tile(np.arange(N // 2), 2)
    symbol = np.repeat(["A", "B"], N // 2)
    rows = Rows(features, rng.normal(size=N), symbol, step, step + 1, np.full(N, -1))
    return Answered(rows, given, rng.integers(0, 3, N), np.zeros(3), 0, np.array([0.25, 0.5, 0.25]))


def test_each_instrument_has_the_scores_of_its_rows(answered):
    found = part_rows(answered, NAMES).by_symbol
    assert list(found) == ["A", "B"]
    at = answered.rows.symbol == "A"
    classes, given = answered.classes[at], answered.probabilities[at]
    assert found["A"].rows == N // 2
    assert found["A"].log_loss_nats == pytest.approx(log_loss(classes, given, labels=[0, 1, 2]))
    assert found["A"].accuracy_frac == accuracy_score(classes, given.argmax(axis=1))
    prior = np.tile(answered.prior, (N // 2, 1))
    assert found["A"].prior_log_loss_nats == pytest.approx(log_loss(classes, prior, labels=[0, 1, 2]))
    assert found["A"].held.intervals == N // 2 - 50


def test_regimes_part_the_rows_by_volatility_and_efficiency(answered):
    """Rough: above the usual volatility; trending: an efficiency above that of a random walk over 10 bars."""
    found = part_rows(answered, NAMES).by_regime
    ratio, efficiency = answered.rows.features[:, 1], answered.rows.features[:, 2]
    wanted = {
        "calm_choppy": (ratio <= 0) & (efficiency <= 10**-0.5),
        "calm_trending": (ratio <= 0) & (efficiency > 10**-0.5),
        "rough_choppy": (ratio > 0) & (efficiency <= 10**-0.5),
        "rough_trending": (ratio > 0) & (efficiency > 10**-0.5),
    }
    assert {name: one.rows for name, one in found.items()} == {name: int(at.sum()) for name, at in wanted.items()}


def test_features_without_a_regime_give_no_regimes(answered):
    assert part_rows(answered, ("realised_volatility_bps", "x", "y")).by_regime == {}
