"""The contest in shadow: what is paired, what bounds it, and its error rates on simulated pairs."""

from math import log

import numpy as np
import pytest

from foretick.predictor.domain.life.duel import Duel, DuelTerms, Finding

BTC, ETH = ("sim", "BTCUSDT"), ("sim", "ETHUSDT")
EVEN, SURE = (0.3, 0.4, 0.3), (0.1, 0.1, 0.8)
H = 5
BLOCK = 15


def duel(level=0.05, blocks=10_000):
    return Duel("other", H, DuelTerms(level, blocks))


def test_one_prediction_of_an_instrument_counts_in_a_block():
    contest = duel()
    wanted = [step for step in range(3 * BLOCK) if contest.wants(BTC, step)]
    assert wanted == [*range(5), *range(15, 20), *range(30, 35)]
    contest.pair(BTC, 1, EVEN, SURE)
    assert not contest.wants(BTC, 2)
    assert contest.wants(ETH, 2)


def test_block_is_the_mean_difference_of_its_instruments():
    """BTC: up came, .3 against .8; ETH: flat came, .4 against .1."""
    contest = duel()
    contest.pair(BTC, 0, EVEN, SURE)
    contest.pair(ETH, 1, EVEN, SURE)
    contest.settle(BTC, 0, 2, 2)
    contest.settle(ETH, 1, 1, 1)
    contest.advance(2 * BLOCK - 1)
    assert contest.state(is_predecessor=False).blocks == 0
    contest.advance(2 * BLOCK)
    state = contest.state(is_predecessor=False)
    assert (state.blocks, state.disputed_frac) == (1, 0.0)
    assert duel(blocks=3).state(is_predecessor=True).blocks_most == 3
    assert state.gain_nats == pytest.approx((log(0.8 / 0.3) + log(0.1 / 0.4)) / 2)


def test_outcome_that_the_models_class_differently_says_nothing():
    contest = duel()
    contest.pair(BTC, 0, EVEN, SURE)
    contest.settle(BTC, 0, 1, 2)
    contest.advance(2 * BLOCK)
    state = contest.state(is_predecessor=False)
    assert (state.blocks, state.gain_nats, state.disputed_frac) == (1, 0.0, 1.0)


def test_outcome_of_another_step_is_not_taken_for_it():
    contest = duel()
    contest.pair(BTC, 0, EVEN, SURE)
    contest.settle(BTC, 3, 2, 2)
    contest.advance(2 * BLOCK)
    assert contest.state(is_predecessor=False).gain_nats == 0.0


def test_one_certain_miss_cannot_decide():
    """A probability of zero counts as .01: the loss is bounded by 4.6 nats, and half the wealth is all it can take."""
    contest = duel()
    contest.pair(BTC, 0, (0.0, 0.0, 1.0), EVEN)
    contest.settle(BTC, 0, 0, 0)
    contest.advance(2 * BLOCK)
    assert contest.state(is_predecessor=False).gain_nats == pytest.approx(log(0.3 / 0.01))
    assert contest.finding is Finding.OPEN


def test_contest_without_a_proof_ends():
    contest = duel(blocks=3)
    for block in range(3):
        contest.pair(BTC, block * BLOCK, EVEN, EVEN)
        contest.settle(BTC, block * BLOCK, 1, 1)
    contest.advance(5 * BLOCK)
    assert contest.finding is Finding.UNDECIDED


def market(rng, blocks, edge):
    """Truth drifts slowly from block to block; both models see it with noise of their own, ``edge`` of it is less."""
    mood = 0.0
    for _ in range(blocks):
        mood = 0.95 * mood + 0.3 * rng.standard_normal()
        truth = mood + rng.standard_normal(4)
        yield [
            (_softmax(truth[i]), _softmax(truth[i] + 0.5 * rng.standard_normal()),
             _softmax(truth[i] + (0.5 - edge) * rng.standard_normal()))
            for i in range(4)
        ]  # fmt: skip


def _softmax(score):
    weights = np.exp([-score, 0.5, score])
    return tuple(weights / weights.sum())


def contest_on(seed, blocks, edge, level=0.05):
    rng, contest = np.random.default_rng(seed), duel(level, blocks)
    for block, instruments in enumerate(market(rng, blocks, edge)):
        for at, (truth, champion, other) in enumerate(instruments):
            key, step = ("sim", str(at)), block * BLOCK
            contest.pair(key, step, champion, other)
            came = int(rng.choice(3, p=truth))
            contest.settle(key, step, came, came)
        contest.advance((block + 2) * BLOCK)
        if contest.finding is not Finding.OPEN:
            break
    return contest


def test_equal_models_are_promoted_more_rarely_than_the_level():
    """200 contests of 300 looks: at a true rate of .05 more than 18 promotions come once in 100 tries."""
    findings = [contest_on(seed, 300, edge=0.0).finding for seed in range(200)]
    assert findings.count(Finding.BETTER) <= 18
    assert findings.count(Finding.WORSE) <= 18


def test_planted_gain_is_found():
    findings = [contest_on(seed, 2_000, edge=0.5).finding for seed in range(20)]
    assert findings.count(Finding.BETTER) >= 19


def test_planted_loss_is_found():
    assert contest_on(1, 2_000, edge=-0.5).finding is Finding.WORSE
