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


def test_temperature_of_one_changes_nothing_but_the_impossible():
    np.testing.assert_allclose(apply_temperature(np.array([[0.2, 0.3, 0.5]]), 1.0), [[0.2, 0.3, 0.5]], rtol=1e-15)
    given = np.array([[0.5, 0.5, 0.0]])
    np.testing.assert_allclose(apply_temperature(given, 1.0), np.array([[0.5, 0.5, 1e-6]]) / 1.000001, rtol=1e-12)


def calibration_error(given: np.ndarray, came: np.ndarray) -> float:
    """Confidence against hit rate in ten bins, by the definition of Guo et al. 2017."""
    confidence, hit = given.max(axis=1), given.argmax(axis=1) == came
    bins = [(confidence >= low) & (confidence < low + 0.1) for low in np.arange(0.0, 1.0, 0.1)]
    return sum(abs(confidence[one].sum() - hit[one].sum()) for one in bins) / len(came)


@pytest.mark.parametrize("temperature", [0.6, 2.5])
def test_calibrated_answers_can_be_taken_at_their_word_on_rows_that_the_fit_has_not_seen(temperature):
    rng = np.random.default_rng(4)
    true = rng.dirichlet([1.5, 2, 1.5], 60_000)
    given = true**temperature / (true**temperature).sum(axis=1, keepdims=True)  # too sure above 1, too unsure below
    came = draw(true, rng)
    found = fit_temperature(given[:30_000], came[:30_000])
    assert found == pytest.approx(temperature, rel=0.05)
    before = calibration_error(given[30_000:], came[30_000:])
    after = calibration_error(apply_temperature(given[30_000:], found), came[30_000:])
    assert before > 0.05
    assert after < 0.015


def test_no_decision_changes_by_calibration():
    given = np.random.default_rng(7).dirichlet([1, 1, 1], 2_000)
    for temperature in (0.25, 3.0):
        assert np.array_equal(apply_temperature(given, temperature).argmax(axis=1), given.argmax(axis=1))


@pytest.mark.parametrize(("sure", "bound"), [(True, 0.25), (False, 20.0)])
def test_temperature_stays_within_its_bounds(sure, bound):
    """Classes that always come true ask for none at all, those that never do for an infinite one."""
    given = np.tile([0.5, 0.3, 0.2], (100, 1))
    came = np.full(100, 0 if sure else 2)
    assert fit_temperature(given, came) == pytest.approx(bound, rel=1e-6)


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
