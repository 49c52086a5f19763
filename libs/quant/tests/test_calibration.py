"""Temperature and shares against what they were made with, and against a general minimiser."""

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.metrics import log_loss

from foretick.quant.calibration import apply_temperature, fit_shares, fit_temperature


def draw(probabilities: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return (rng.random(len(probabilities))[:, None] > probabilities.cumsum(axis=1)).sum(axis=1)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_temperature_that_truth_was_made_with_is_found(temperature):
    rng = np.random.default_rng(2)
    given = rng.dirichlet([1.5, 2, 1.5], 60_000)
    came = draw(apply_temperature(given, temperature), rng)
    assert fit_temperature(given, came) == pytest.approx(temperature, rel=0.05)


def test_temperature_minimises_the_weighted_loss():
    rng = np.random.default_rng(3)
    given, weight = rng.dirichlet([1, 1, 1], 400), rng.random(400)
    came = draw(apply_temperature(given, 2.0), rng)
    found = fit_temperature(given, came, weight)

    def loss(temperature):
        return log_loss(came, apply_temperature(given, temperature), labels=[0, 1, 2], sample_weight=weight)

    assert loss(found) <= min(loss(found * 1.02), loss(found / 1.02)) + 1e-12


def test_temperature_of_one_changes_nothing():
    given = np.array([[0.2, 0.3, 0.5]])
    assert apply_temperature(given, 1.0) is given


def test_shares_equal_those_of_a_general_minimiser():
    rng = np.random.default_rng(5)
    members = rng.dirichlet([1, 1, 1], (3, 2_000))
    came = draw(np.tensordot([0.6, 0.3, 0.1], members, axes=1), rng)

    def loss(raw):
        shares = np.exp(raw) / np.exp(raw).sum()
        return log_loss(came, np.tensordot(shares, members, axes=1), labels=[0, 1, 2])

    best = minimize(loss, np.zeros(3), method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-12, "maxiter": 4000})
    np.testing.assert_allclose(
        fit_shares(members, came, rounds=3_000), np.exp(best.x) / np.exp(best.x).sum(), atol=5e-3
    )


def test_member_that_knows_takes_all():
    rng = np.random.default_rng(6)
    came = rng.integers(0, 3, 500)
    knowing = 0.9 * np.eye(3)[came] + 0.1 / 3
    shares = fit_shares(np.array([knowing, np.full((500, 3), 1 / 3)]), came)
    assert shares[0] > 0.99
    assert shares.sum() == pytest.approx(1.0)


def test_nothing_to_learn_from_is_refused():
    with pytest.raises(ValueError, match="no rows"):
        fit_temperature(np.zeros((0, 3)), np.zeros(0, np.int64))
    with pytest.raises(ValueError, match="no rows"):
        fit_shares(np.zeros((2, 0, 3)), np.zeros(0, np.int64))
