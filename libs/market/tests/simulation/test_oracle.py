import numpy as np

from foretick.market.simulation import SimulatedMarket, oracle_probabilities
from foretick.market.simulation.oracle import log_loss, outcome_classes

from .conftest import block_bootstrap_interval

PAIR = ("BTCUSDT", "MSFT")
STEPS, FLAT_BPS = 50, 0.15


def test_the_oracle_leaves_the_market_as_it_was_and_its_rows_are_probabilities():
    market = SimulatedMarket(PAIR, 6, 0)
    market.run_silently(20_000_000_000)
    before = [array.tobytes() for array in market.state]
    probabilities = oracle_probabilities(market, STEPS, FLAT_BPS, 40, 1)
    assert [array.tobytes() for array in market.state] == before
    assert probabilities.shape == (2, 3)
    assert np.allclose(probabilities.sum(axis=1), 1.0)
    assert probabilities.min() >= 1 / 43  # Laplace: one more than was counted, over paths and classes


def test_the_edge_is_real_and_short_of_certainty():
    market = SimulatedMarket(PAIR, 6, 0)
    told, came = [], []
    for k in range(200):
        market.run_silently(market.now_ns + 5_000_000_000)
        told.append(oracle_probabilities(market, STEPS, FLAT_BPS, 80, k))
        before = market.state.copy()
        market.run_silently(market.now_ns + STEPS * market.pace.step_ns)
        came.append(outcome_classes(before, market.state, market.economy, FLAT_BPS))
    for i in range(len(PAIR)):
        probabilities, classes = np.array(told)[:, i], np.array(came)[:, i]
        prior = np.tile(np.bincount(classes, minlength=3) / len(classes), (len(classes), 1))
        gains = np.log(probabilities[np.arange(200), classes]) - np.log(prior[np.arange(200), classes])
        low, _ = block_bootstrap_interval(gains, 5)
        assert low > 0
        assert log_loss(probabilities, classes) > 0.5 * log_loss(prior, classes)
