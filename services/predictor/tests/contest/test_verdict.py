"""Scores and leads by hand, on rows made for it."""

import numpy as np
import pytest
from msgspec.structs import replace

from foretick.predictor.domain.contest.entrants import ENSEMBLE
from foretick.predictor.domain.contest.tables import Table
from foretick.predictor.domain.contest.verdict import Judged, judge

N = 1_000
RNG = np.random.default_rng(8)
CAME = RNG.integers(0, 3, N)
BIN_NS = 500_000_000


def table(spread_bps=1.0):
    return Table(
        features=np.zeros((N, 1), np.float32),
        imbalance=np.zeros(N),
        last_class=CAME,
        classes=CAME,
        return_bps=3.0 * (CAME - 1.0),
        start_ns=np.arange(N) * 100_000_000,
        end_ns=np.arange(N) * 100_000_000 + 1,
        spread_bps=np.full(N, spread_bps),
        exit_return_bps=3.0 * (CAME - 1.0),
    )


def knowing(share):
    return share * np.eye(3)[CAME] + (1 - share) / 3


def verdict_of(plan, ours, theirs, **more):
    return judge([Judged(table(**more), {"rival": theirs, ENSEMBLE: ours}, np.full(3, 1 / 3), 0.25)], plan)


def test_lead_is_the_mean_paired_difference(plan):
    lead = verdict_of(plan, knowing(0.9), knowing(0.3)).leads["rival"]
    expected = np.log(0.9 + 0.1 / 3) - np.log(0.3 + 0.7 / 3)
    assert lead.log_loss.value == pytest.approx(expected)
    assert lead.log_loss.low == pytest.approx(expected)  # every row differs by the same
    assert lead.macro_f1.value == pytest.approx(0.0)


def test_ensemble_that_is_worse_is_behind(plan):
    lead = verdict_of(plan, knowing(0.3), knowing(0.9)).leads["rival"]
    assert lead.log_loss.is_negative


def test_equal_entrants_are_neither_ahead_nor_behind(plan):
    noise = RNG.dirichlet([4, 4, 4], (2, N))
    lead = verdict_of(plan, noise[0], noise[1]).leads["rival"]
    assert lead.log_loss.low < 0.0 < lead.log_loss.high


def test_costs_by_hand(plan):
    """It goes with every move of 3 bps: 3 at the mid, 2 after a spread of 1, 1.5 after two fees of 0.25."""
    found = verdict_of(plan, knowing(0.9), knowing(0.1)).scores[ENSEMBLE]
    assert found.trades == np.count_nonzero(CAME != 1)
    assert found.gross_bps.value == pytest.approx(3.0)
    assert found.net_of_spread_bps.value == pytest.approx(2.0)
    assert found.net_bps.value == pytest.approx(1.5)


def test_decisions_weigh_probabilities_by_the_training_shares(plan):
    """Flat has 0.6 where it has 0.9 of the training rows: up, with 0.3 of a share of 0.05, is the bolder guess."""
    given = np.tile([0.1, 0.6, 0.3], (N, 1))
    part = Judged(table(), {"rival": given, ENSEMBLE: given}, np.array([0.05, 0.9, 0.05]), 0.25)
    plain, weighed = (judge([part], replace(plan, decision_prior_power=power)).scores["rival"] for power in (0.0, 0.5))
    assert (plain.trades, weighed.trades) == (0, N)


def test_entrant_that_never_decides_for_a_direction_has_no_result(plan):
    flat = np.tile([0.2, 0.6, 0.2], (N, 1))
    found = verdict_of(plan, knowing(0.9), flat).scores["rival"]
    assert (found.trades, found.net_bps) == (0, None)


def test_reliability_holds_confidence_hits_and_rows(plan):
    found = verdict_of(plan, knowing(0.9), knowing(0.1)).scores[ENSEMBLE]
    assert [(round(c, 3), hits, rows) for c, hits, rows in found.reliability] == [(0.933, 1.0, N)]
    assert found.calibration_error.value == pytest.approx(1 - (0.9 + 0.1 / 3))


def test_test_of_a_few_stretches_is_refused(plan):
    with pytest.raises(ValueError, match="too few"):
        verdict_of(replace(plan, bin_ms=60_000), knowing(0.9), knowing(0.1))
