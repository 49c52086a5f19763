"""The promotion gate on returns that mean nothing: it may pass by chance only, at most 18 of 200 runs.

A reduced pipeline: three simulated instruments, 300 s learnt from and 300 s tested on, members of 4 trees and of 3 x 3,
one epoch. In each run every return, of both parts, is given to another row, so that there is nothing to learn. What is
judged is the gate's statistics: log loss and accuracy must both beat the prior, each by an interval of 95 %, so
that each is passed in 2.5 % of such runs at most, and the gate in no more. At a rate of 5 %, 19 or more of 200 come in
0.6 % of all tries. The control: returns that are left in place pass.
"""

import os
from dataclasses import replace

from services.predictor.tests.adapters.test_training_run import (
    PLAN,
    SAMPLING,
    SEARCH,
    TARGETS,
    TINY,
    Altered,
    shuffle,
    silent,
)

from foretick.predictor.adapters.learners.client import LibraryLearner
from foretick.predictor.adapters.simulation.client import SimulatedMarketHistory
from foretick.predictor.domain.training import train

from .conftest import tell

RUNS = int(os.environ.get("PROVE_RUNS", "200"))
ALLOWED_OF_200 = 18
REDUCED = replace(PLAN, targets=TARGETS[:1], parity_rows=1_000, explained_rows=100)


class Played:
    """A simulated market that is played once: each run shuffles it anew."""

    def __init__(self, history: SimulatedMarketHistory) -> None:
        self._parts = {"known": history.known(PLAN.seed), "unseen": history.unseen(PLAN.seed)}

    def known(self, _seed: int) -> object:
        return self._parts["known"]

    def unseen(self, _seed: int) -> object:
        return self._parts["unseen"]


def test_control_gate_passes_returns_that_are_left_in_place() -> None:
    market = SimulatedMarketHistory(("BTCUSDT", "ETHUSDT", "AAPL"), SAMPLING, 300.0, 300.0)
    assert train(REDUCED, market, LibraryLearner(2, TINY), SEARCH, silent).evaluation.beats_prior


def test_gate_passes_shuffled_returns_by_chance_only() -> None:
    tell("")
    market = Played(SimulatedMarketHistory(("BTCUSDT", "ETHUSDT", "AAPL"), SAMPLING, 300.0, 300.0))
    passed, alone = 0, {"log loss": 0, "accuracy": 0}
    for run in range(RUNS):
        history = Altered(market, lambda sample, part, seed: shuffle(sample, part, 2 * seed + (part == "unseen")))
        evaluation = train(replace(REDUCED, seed=run), history, LibraryLearner(2, TINY), SEARCH, silent).evaluation
        passed += evaluation.beats_prior
        alone["log loss"] += evaluation.log_loss_gain.is_positive
        alone["accuracy"] += evaluation.accuracy_gain.is_positive
        if run % 10 == 9:
            tell(f"{run + 1} of {RUNS} runs: the gate passed {passed}, log loss alone {alone['log loss']}, "
                 f"accuracy alone {alone['accuracy']}")  # fmt: skip
    assert passed <= ALLOWED_OF_200 * RUNS / 200
