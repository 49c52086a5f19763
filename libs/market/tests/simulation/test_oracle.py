"""The oracle knows the state and nothing of what is drawn next: exact where it can be, by its law elsewhere."""

import numpy as np
import pytest

from foretick.market.simulation import SimulatedMarket, imagine_mids
from foretick.market.simulation.tape import HEADLINE, QUOTE, blank_tape

from .conftest import block_bootstrap_interval

PAIR = ("BTCUSDT", "MSFT")
SECOND_NS = 1_000_000_000
FLAT_BPS = 0.15
HALF_S = np.array([SECOND_NS // 2])


def opened(symbols=PAIR, seed=6, after_s=20):
    market = SimulatedMarket(symbols, seed, 0)
    market.run_silently(after_s * SECOND_NS)
    return market


def draws_of(*words, paths):
    return np.random.SeedSequence(words).generate_state(paths, np.uint64)


def mid_of(market, index):
    bids, asks = market.book(index, 1)
    return 0.5 * (bids[0][0] + asks[0][0]) * float(market.listings[index].tick_size)


def classes_of(moves_bps):
    return 1 + (moves_bps > FLAT_BPS).astype(int) - (moves_bps < -FLAT_BPS)


def frequencies(classes):
    counts = np.bincount(classes, minlength=3) + 1.0
    return counts / counts.sum()


def told_of(market, index, seed, paths=80):
    """Class probabilities of half a second ahead, counted over the oracle's paths."""
    mids = imagine_mids(market, index, market.now_ns + HALF_S, draws_of(seed, index, paths=paths))[:, 0]
    return frequencies(classes_of(1e4 * np.log(mids / mid_of(market, index))))


@pytest.mark.parametrize("symbol", PAIR)
def test_with_the_markets_own_draws_it_sees_what_the_market_tells(symbol):
    """Exact: alone and with the same randomness the path is the market, read from its tape event by event."""
    market = opened((symbol,))
    after = market.now_ns + np.array([100_000_000, 150_000_000, 3 * SECOND_NS])
    imagined = imagine_mids(market, 0, after, market.state.forces["rng"][0].copy())
    tick, mid, seen = float(market.listings[0].tick_size), mid_of(market, 0), []
    tape = blank_tape(4_000, 1)
    assert market.run(tape, 400) == 400
    for event in range(tape.counts[0]):
        if tape.kind[event] == HEADLINE:
            continue
        if tape.kind[event] == QUOTE:
            mid = 0.5 * (tape.v[event, 0] + tape.v[event, 2]) * tick
        while len(seen) < len(after) and tape.times[event, 1] >= after[len(seen)]:
            seen.append(mid)
    np.testing.assert_allclose(imagined[0], seen, rtol=1e-12)


def test_it_leaves_the_market_as_it_was():
    market = opened()
    before = [array.tobytes() for array in market.state]
    imagine_mids(market, 1, market.now_ns + HALF_S, draws_of(1, paths=10))
    assert [array.tobytes() for array in market.state] == before


def test_changing_the_future_changes_nothing_of_its_answers():
    market, other = opened(), opened()
    other.state.forces["rng"] += np.uint64(12_345)
    after, draws = market.now_ns + HALF_S, draws_of(3, paths=50)
    for index in range(len(PAIR)):
        told = [imagine_mids(each, index, after, draws).tobytes() for each in (market, other)]
        assert told[0] == told[1]
    ends = []
    for each in (market, other):
        each.run_silently(each.now_ns + 5 * SECOND_NS)
        ends.append(each.state.instruments["efficient"].tolist())
    assert ends[0] != ends[1]  # control: the future was another


def test_other_instruments_add_nothing_to_the_law_of_one():
    """One instrument alone ends where it ends among all: two samples of the same law, compared by class."""
    market, index, paths = opened(seed=8), 1, 1_500
    alone = imagine_mids(market, index, market.now_ns + HALF_S, draws_of(9, paths=paths))[:, 0]
    saved, base, among = market.state.copy(), mid_of(market, index), []
    for word in draws_of(10, paths=paths):
        market.restore(saved)
        market.state.forces["rng"][0] = word
        market.run_silently(market.now_ns + SECOND_NS // 2)
        among.append(mid_of(market, index))
    counts = np.array([np.bincount(classes_of(1e4 * np.log(np.array(mids) / base)), minlength=3)
                       for mids in (alone, among)])  # fmt: skip
    expected = counts.sum(axis=0) / 2
    assert ((counts - expected) ** 2 / expected).sum() < 13.8  # chi-square of 2 degrees of freedom: once in 1,000


class Run:
    """Half-second forecasts of both instruments at 500 instants, from the state as it is and as if a force were off."""

    def __init__(self):
        market = SimulatedMarket(PAIR, 6, 0)
        self.told, self.blind, self.came = [], [], []
        for k in range(500):
            market.run_silently(market.now_ns + 2 * SECOND_NS)
            told = [told_of(market, index, k) for index in range(len(PAIR))]
            state = market.state.copy()
            for name in ("drive", "parent_left"):
                market.state.instruments[name] = 0
            market.state.instruments["efficient"] -= [self._gap(market, index) for index in range(len(PAIR))]
            blind = [told_of(market, index, k) for index in range(len(PAIR))]
            market.restore(state)
            before = [mid_of(market, index) for index in range(len(PAIR))]
            market.run_silently(market.now_ns + SECOND_NS // 2)
            after = [mid_of(market, index) for index in range(len(PAIR))]
            self.told.append(told)
            self.blind.append(blind)
            self.came.append(classes_of(1e4 * np.log(np.array(after) / before)))
        self.told, self.blind, self.came = map(np.array, (self.told, self.blind, self.came))

    @staticmethod
    def _gap(market, index):
        listing, one = market.listings[index], market.state.instruments[index]
        return one["efficient"] - mid_of(market, index) / float(listing.tick_size) / listing.level_ticks


@pytest.fixture(scope="module")
def run():
    return Run()


def losses(told, came):
    return -np.log(np.take_along_axis(told, came[..., None], axis=-1)[..., 0])


@pytest.mark.parametrize("index", [0, 1])
def test_the_edge_is_real_and_short_of_certainty(run, index):
    told, came = run.told[:, index], run.came[:, index]
    prior = np.tile(frequencies(came), (len(came), 1))
    gains = losses(prior, came) - losses(told, came)
    assert block_bootstrap_interval(gains, 5)[0] > 0
    assert losses(told, came).mean() > 0.5 * losses(prior, came).mean()


def miscalibration(told, came):
    """Largest standardised distance, over classes and fifths of the probability, of what came from what was told."""
    worst = 0.0
    for kind in range(3):
        p = told[..., kind].ravel()
        for some in np.array_split(np.argsort(p), 5):
            excess = (came.ravel()[some] == kind).sum() - p[some].sum()
            worst = max(worst, abs(excess) / np.sqrt((p[some] * (1 - p[some])).sum()))
    return worst


def test_its_probabilities_hold_on_what_came(run):
    """15 bins, each normal with deviation about 1: beyond 3.7 once in 300 runs of a calibrated forecaster."""
    assert miscalibration(run.told, run.came) < 3.7


def test_control_probabilities_that_are_too_sure_do_not_hold(run):
    sure = run.told**2 / (run.told**2).sum(axis=-1, keepdims=True)
    assert miscalibration(sure, run.came) > 3.7


def test_oracle_that_is_told_less_loses(run):
    gains = (losses(run.blind, run.came) - losses(run.told, run.came)).mean(axis=1)
    assert block_bootstrap_interval(gains, 5)[0] > 0
