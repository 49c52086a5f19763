"""The oracle of simulated markets: its horizons are the labels', nobody who knows as much beats it, and whole runs."""

from dataclasses import replace

import lightgbm
import numpy as np
import pytest
from services.predictor.tests.adapters.test_training_run import Altered, shuffle

from foretick.common.errors import Refused
from foretick.market.simulation import LISTINGS, SimulatedMarket, imagine_mids
from foretick.predictor.adapters.edge.parts import build_parts
from foretick.predictor.adapters.simulation.client import SimulatedMarketHistory, start_of
from foretick.predictor.adapters.simulation.oracle import OracledMarkets
from foretick.predictor.domain.edge.plan import EdgePlan
from foretick.predictor.domain.edge.run import run_edge, targets_at
from foretick.predictor.domain.edge.verdict import (
    ENSEMBLE,
    ORACLE,
    PRIOR,
    Came,
    Forecast,
    Resampling,
    foresee,
    judge_edge,
)
from foretick.predictor.domain.ensemble import class_frequencies
from foretick.predictor.domain.vectors import Sampling
from foretick.quant.kernel import Grid
from foretick.quant.registry import MODEL_FEATURE_NAMES

INTERVAL_NS = 100_000_000
TARGETS = targets_at((20, 5))
SAMPLING = Sampling(Grid(INTERVAL_NS, 200), TARGETS, MODEL_FEATURE_NAMES)
FLAT_BPS = 0.15
HOW = Resampling(bin_ns=2_000_000_000, resamples=500, seed=1)
PLAN = EdgePlan(
    symbols=("BTCUSDT", "ETHUSDT", "AAPL"), seed=11, judged_seeds=(21, 22), known_s=300.0, unseen_s=240.0,
    judged_s=300.0, step_ms=100, window_steps=1_000, horizons_steps=(5,), stride_steps=20, paths=100, bin_ms=2_000,
    resamples=500,
    members={"forest_trees": 20, "boosting_rounds": 20, "min_leaf_rows": 100, "network_epochs": 3},
)  # fmt: skip


def test_with_the_markets_own_draws_the_oracle_sees_the_labels():
    """To the bit of a price: where its paths end is where the kernel's labels end."""
    history = SimulatedMarketHistory(("ETHUSDT",), SAMPLING, 160.0, 160.0)
    panel = history.known(7).panel
    rows = [panel.rows(target) for target in TARGETS]
    some = np.intersect1d(rows[0].step, rows[1].step)[::7]
    recv_ns, mid = OracledMarkets(history, 1, 1)._instants(7, panel)
    market = SimulatedMarket(("ETHUSDT",), 7, start_of(7))
    came, seen = [], []
    for step in some:
        at = int(np.searchsorted(panel.step, step))
        market.run_silently(int(recv_ns[at]))
        ends = (step + np.array([5, 20])) * INTERVAL_NS
        mids = imagine_mids(market, 0, ends, market.state.forces["rng"][0].copy())[0]
        seen.append(1e4 * np.log(mids / mid[at]))
        came.append([each.return_bps[np.searchsorted(each.step, step)] for each in rows])
    assert len(some) > 50
    np.testing.assert_allclose(seen, came, rtol=0, atol=1e-6)
    assert np.abs(came).max() > 1.0


@pytest.fixture(scope="module")
def foreseen():
    history = SimulatedMarketHistory(("BTCUSDT", "AAPL"), SAMPLING, 200.0, 200.0)
    told = []
    return OracledMarkets(history, 20, 60).foresee(7, TARGETS, told.append), told


def test_rows_of_all_horizons_are_the_same_and_paths_belong_to_them(foreseen):
    found, told = foreseen
    first, second = (found.rows[target] for target in TARGETS)
    assert np.array_equal(first.step, second.step)
    assert np.array_equal(first.symbol, second.symbol)
    assert found.moves_bps.shape == (len(first), 60, 2)
    assert np.isfinite(found.moves_bps).all()
    assert (first.step % 20 == 0).all()
    assert told == sorted(told)
    for number, rows in enumerate((first, second)):  # what came lies among what was seen: its rank is uniform
        rank = (found.moves_bps[..., number] < rows.return_bps[:, None]).mean(axis=1)
        rank += 0.5 * (found.moves_bps[..., number] == rows.return_bps[:, None]).mean(axis=1)
        assert abs(rank.mean() - 0.5) < 0.08


def test_market_too_short_for_a_whole_vector_is_refused():
    history = SimulatedMarketHistory(("BTCUSDT",), SAMPLING, 20.0, 20.0)
    with pytest.raises(Refused, match="no whole vector"):
        OracledMarkets(history, 20, 10).foresee(7, TARGETS, lambda _: None)


class Known:
    """An instrument's state every half second, as columns of numbers, with the class of the half second after."""

    def __init__(self, seed, count, paths=0):
        market = SimulatedMarket(("AAPL",), seed, 0)
        market.run_silently(10 * 10**9)
        rows, classes, returns, start, moves = [], [], [], [], []
        for k in range(count):
            mid, end = self.mid(market), np.array([market.now_ns + 500_000_000])
            rows.append(self.columns(market))
            start.append(market.now_ns)
            if paths:
                draws = np.random.SeedSequence([seed, k]).generate_state(paths, np.uint64)
                moves.append(1e4 * np.log(imagine_mids(market, 0, end, draws)[:, 0] / mid))
            came = imagine_mids(market, 0, end, market.state.forces["rng"][0].copy())[0, 0]  # what will be, exactly
            returns.append(1e4 * np.log(came / mid))
            classes.append(1 + (returns[-1] > FLAT_BPS) - (returns[-1] < -FLAT_BPS))
            market.run_silently(int(end[0]))
        self.features = np.array(rows)
        self.came = Came(np.array(classes, np.int64), np.array(returns), np.array(start))
        self.moves_bps = np.array(moves)

    @staticmethod
    def mid(market):
        (bid, _), (ask, _) = (side[0] for side in market.book(0, 1))
        return 0.5 * (bid + ask) * float(LISTINGS["AAPL"].tick_size)

    @classmethod
    def columns(cls, market):
        one, forces = market.state.instruments[0], market.state.forces[0]
        bids, asks = market.book(0, 5)
        level = float(LISTINGS["AAPL"].tick_size) * LISTINGS["AAPL"].level_ticks
        return [
            one["efficient"] - cls.mid(market) / level, one["drive"], one["excitation"], one["news"],
            one["parent_side"] * (one["parent_left"] > 0), one["parent_left"], forces["regime"][1], forces["trend"][1],
            asks[0][0] - bids[0][0], *(np.log(lots) for _, lots in bids + asks), np.log(bids[0][1] / asks[0][1]),
            *(abs(price - bids[0][0]) for price, _ in bids[1:] + asks[1:]),
        ]  # fmt: skip


@pytest.fixture(scope="module")
def contest():
    """A booster that is told the whole state, 15,000 times, against the oracle on another market."""
    learnt, judged = Known(5, 15_000), Known(6, 1_200, paths=400)
    settings = {
        "objective": "multiclass", "num_class": 3, "num_leaves": 15, "learning_rate": 0.04, "min_data_in_leaf": 60,
        "num_threads": 1, "seed": 1, "deterministic": True, "verbosity": -1,
    }  # fmt: skip
    booster = lightgbm.train(settings, lightgbm.Dataset(learnt.features, learnt.came.classes), 120)
    prior = class_frequencies(learnt.came.classes)
    forecasts = {
        PRIOR: Forecast(np.tile(prior, (len(judged.features), 1)), np.zeros(len(judged.features))),
        ENSEMBLE: _forecast(booster, judged.features),
        ORACLE: foresee(judged.moves_bps, np.full(len(judged.features), FLAT_BPS)),
        "blind": _forecast(booster, np.tile(learnt.features.mean(axis=0), (len(judged.features), 1))),
    }
    return judge_edge(judged.came, forecasts, HOW)


def _forecast(booster, features):
    told = np.asarray(booster.predict(features))
    return Forecast(told, told[:, 2] - told[:, 0])


def test_no_model_that_knows_as_much_beats_the_oracle(contest):
    share = contest.scores[ENSEMBLE].log_loss_share
    assert share.low < 1.0
    assert contest.scores[ENSEMBLE].gross_share.low < 1.0
    assert contest.scores[ENSEMBLE].log_loss.value > contest.scores[ORACLE].log_loss.value


def test_control_that_model_knows_much_of_it(contest):
    """It is no straw man: given the state it has most of the edge, and without it none."""
    assert contest.scores[ENSEMBLE].log_loss_share.low > 0.6
    assert contest.scores["blind"].log_loss_share.high < 0.1


def test_oracle_is_calibrated_on_markets_that_ran_on(contest):
    assert contest.scores[ORACLE].calibration_error.low < 0.03


@pytest.fixture(scope="module")
def edge():
    (found,) = run_edge(PLAN, build_parts(PLAN, 2), lambda _stage, _done: None)
    return found


def test_ensemble_captures_a_part_of_the_edge_and_not_all_of_it(edge):
    assert edge.together.attainable_nats.is_positive
    assert edge.together.scores[ORACLE].gross_bps.is_positive
    share = edge.together.scores[ENSEMBLE].log_loss_share
    assert 0.0 < share.low < share.high < 1.0
    assert set(edge.by_symbol) == set(PLAN.symbols)
    assert sum(each.rows for each in edge.by_symbol.values()) == edge.together.rows


def test_same_run_again_gives_the_same_figures(edge):
    (again,) = run_edge(PLAN, build_parts(PLAN, 1), lambda _stage, _done: None)
    assert again == edge


def test_control_ensemble_of_shuffled_returns_captures_nothing():
    parts = build_parts(PLAN, 2)
    parts = replace(parts, history=Altered(parts.history, shuffle))
    (found,) = run_edge(PLAN, parts, lambda _stage, _done: None)
    scores = found.together.scores[ENSEMBLE]
    assert scores.gross_share.low < 0.0 < scores.gross_share.high
    assert not scores.log_loss_share.is_positive
    assert scores.log_loss_share.high > -0.15  # it says little but what is usual
