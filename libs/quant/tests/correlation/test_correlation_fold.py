"""The fold against brute force, NumPy, and simulated prices whose correlation and lag are known."""

import itertools
import math

import numpy as np
import pytest

from foretick.quant.correlation import CorrelationFold, CorrelationTerms, Reason

A, B, C = ("sim", "A"), ("sim", "B"), ("x", "C")
SHORT = CorrelationTerms(window_s=400, block_s=50, half_life_s=40.0, max_lag_s=4, max_gap_s=30, min_observations=2)
START = 1_750_000_000 // 50 * 50  # a block begins here


def brownian(seed: int, seconds: int, rho: float, n: int = 2, sigma: float = 1e-4) -> np.ndarray:
    """Log prices each second, of a correlation ``rho`` between all."""
    rng = np.random.default_rng(seed)
    common = rng.standard_normal((seconds, 1))
    own = rng.standard_normal((seconds, n))
    return np.cumsum(sigma * (math.sqrt(rho) * common + math.sqrt(1 - rho) * own), axis=0)


def random_prices(seed: int, seconds: int, keys=(A, B, C), share: float = 0.4) -> list[dict]:
    """What is observed each second: each instrument with probability ``share``."""
    rng = np.random.default_rng(seed)
    logs = brownian(seed, seconds, 0.5, len(keys))
    seen = rng.random(logs.shape) < share
    return [
        {key: 100.0 * math.exp(logs[s, k]) for k, key in enumerate(keys) if seen[s, k]} for s in range(seconds)
    ]  # fmt: skip


def run(prices: list[dict], terms=SHORT, start: int = START) -> CorrelationFold:
    fold = CorrelationFold(terms)
    for offset, observed in enumerate(prices):
        fold.fold(start + offset, observed)
    return fold


def intervals(prices: list[dict], key, max_gap_s: int) -> list[tuple[int, int, float]]:
    """Every return: begin, end, log return."""
    seen = [(s, math.log(observed[key])) for s, observed in enumerate(prices) if key in observed]
    return [(a, b, y - x) for (a, x), (b, y) in itertools.pairwise(seen) if b - a <= max_gap_s]


def brute_force(xs, ys, last: int, lag: int = 0, *, touching: bool = False) -> float:
    """Sum of products over the pairs whose intervals overlap, the leading series moved later by the lag.

    lag: above zero the first series leads, below zero the second. What ends after ``last`` has not happened yet.
    """
    reach, late_x, late_y = 0 if touching else 1, max(lag, 0), max(-lag, 0)
    return math.fsum(
        x * y
        for a, b, x in xs
        for c, d, y in ys
        if a + late_x + reach <= d + late_y and c + late_y + reach <= b + late_x and max(b + late_x, d + late_y) <= last
    )


def variance(xs) -> float:
    return math.fsum(x * x for _, _, x in xs)


@pytest.mark.parametrize("share", [1.0, 0.4, 0.08])
def test_estimates_are_those_of_every_pair_of_returns(share):
    prices = random_prices(1, 300, share=share)
    estimate = run(prices).estimate()
    returns = {key: intervals(prices, key, SHORT.max_gap_s) for key in (A, B, C)}
    assert estimate.keys == [A, B, C]
    assert estimate.observations == [len(returns[key]) for key in (A, B, C)]
    for pair in estimate.pairs:
        xs, ys = returns[estimate.keys[pair.first]], returns[estimate.keys[pair.second]]
        scale = math.sqrt(variance(xs) * variance(ys))
        expected = min(1.0, max(-1.0, brute_force(xs, ys, 299, touching=True) / scale))
        assert pair.windowed == pytest.approx(expected, abs=1e-9)
        profile = {lag: brute_force(xs, ys, 299, lag) / scale for lag in range(-4, 5)}
        ahead, behind = (sum(profile[sign * lag] ** 2 for lag in range(1, 5)) for sign in (1, -1))
        assert pair.lead_ratio == pytest.approx(ahead / behind, rel=1e-6)


def test_synchronous_prices_give_what_numpy_gives():
    logs = brownian(2, 390, 0.6, 3)
    prices = [{key: math.exp(row[k]) for k, key in enumerate((A, B, C))} for row in logs]
    returns = np.diff(logs, axis=0)
    gram = returns.T @ returns
    scale = np.sqrt(np.outer(np.diag(gram), np.diag(gram)))
    neighbours = gram + returns[1:].T @ returns[:-1] + returns[:-1].T @ returns[1:]
    weights = 0.5 ** (np.arange(len(returns) - 1, -1, -1) / SHORT.half_life_s)
    for pair in run(prices).estimate().pairs:
        i, j = pair.first, pair.second
        assert pair.realised == pytest.approx((gram / scale)[i, j], abs=1e-9)
        assert pair.windowed == pytest.approx((neighbours / scale)[i, j], abs=1e-9)
        x, y = returns[:, i], returns[:, j]
        before_x, before_y = np.append(0, x[:-1]), np.append(0, y[:-1])
        weighted = np.sum(weights * (x * y + x * before_y + before_x * y))
        own = math.sqrt(np.sum(weights * x * x) * np.sum(weights * y * y))
        assert pair.ewma == pytest.approx(weighted / own, abs=1e-9)


def asynchronous(seed: int, rho: float, gaps_s: tuple[float, float], seconds: int, lag_s: float = 0.0) -> list[dict]:
    """Two correlated Brownian motions on a grid of 10 ms, each read at random instants of its own; the second one
    follows the first by ``lag_s``. What is told is the last reading of each second."""
    rng = np.random.default_rng(seed)
    grid = 100
    logs = brownian(seed, (seconds + 60) * grid, rho, 2, sigma=1e-5)
    prices: list[dict] = [{} for _ in range(seconds)]
    for k, key in enumerate((A, B)):
        at = np.cumsum(rng.exponential(gaps_s[k], int(2 * seconds / gaps_s[k]) + 50))
        for instant in at[at < seconds]:
            source = int((instant + 30 - (lag_s if k else 0.0)) * grid)
            prices[int(instant)][key] = math.exp(logs[source, k])
    return prices


LONG = CorrelationTerms(window_s=4_000, block_s=400, half_life_s=1_000.0, max_lag_s=8, max_gap_s=120)


@pytest.mark.parametrize("gaps_s", [(0.1, 0.1), (0.35, 0.35), (1.0, 1.0), (5.0, 5.0), (0.3, 8.0)])
def test_correlation_survives_asynchronous_observation_where_a_common_grid_does_not(gaps_s):
    """Epps (1979): returns on the grid lose their correlation as observations grow rare. The control: they do here."""
    found, on_grid = [], []
    for seed in range(12):
        (pair,) = run(asynchronous(seed, 0.7, gaps_s, 4_000), LONG).estimate().pairs
        found.append(pair.windowed)
        on_grid.append(pair.realised)
    error = np.std(found, ddof=1) / math.sqrt(len(found))
    assert abs(np.mean(found) - 0.7) < 4 * error + 0.01
    assert error < 0.03
    if max(gaps_s) >= 1.0:
        assert np.mean(on_grid) < 0.5


def test_uncorrelated_prices_have_none_and_no_lag():
    pairs = [run(asynchronous(seed, 0.0, (2.0, 3.0), 4_000), LONG).estimate().pairs[0] for seed in range(12)]
    assert abs(np.mean([pair.windowed for pair in pairs])) < 4 * 0.05 / math.sqrt(12) + 0.01
    assert [pair.lag_s for pair in pairs].count(None) >= 11


@pytest.mark.parametrize("lag_s", [0, 3, 6])
@pytest.mark.parametrize("gaps_s", [(0.2, 0.2), (2.0, 3.0)])
def test_lag_is_found_and_its_sign_says_who_leads(lag_s, gaps_s):
    prices = asynchronous(5, 0.8, gaps_s, 4_000, lag_s=float(lag_s))
    (pair,) = run(prices, LONG).estimate().pairs
    assert pair.lag_s is not None
    assert abs(pair.lag_s - lag_s) <= (0 if gaps_s == (0.2, 0.2) else 1)
    swapped = [{B if key == A else A: price for key, price in observed.items()} for observed in prices]
    (other,) = run(swapped, LONG).estimate().pairs
    assert other.lag_s == -pair.lag_s
    if lag_s:
        assert pair.lead_ratio is not None
        assert pair.lead_ratio > 1.5
        assert other.lead_ratio == pytest.approx(1 / pair.lead_ratio)


def test_order_of_instruments_changes_no_bit_of_a_symmetric_estimate():
    prices = random_prices(7, 350)
    renamed = {A: ("z", "A"), B: B, C: C}
    pairs = run(prices).estimate().pairs
    again = run([{renamed[key]: price for key, price in observed.items()} for observed in prices]).estimate().pairs
    assert [pairs[0].windowed, pairs[1].windowed, pairs[2].windowed] == [
        again[1].windowed, again[2].windowed, again[0].windowed,
    ]  # AB, AC, BC against BA, CA, BC  # fmt: skip


def test_realised_matrix_is_positive_semidefinite_and_overlaps_may_not_be():
    is_indefinite = False
    keys = [("sim", f"S{k}") for k in range(6)]
    for seed in range(40):
        estimate = run(random_prices(seed, 60, keys, share=0.3)).estimate()
        realised, windowed = np.eye(6), np.eye(6)
        for pair in estimate.pairs:
            for matrix, value in ((realised, pair.realised), (windowed, pair.windowed)):
                matrix[pair.first, pair.second] = matrix[pair.second, pair.first] = value
        assert np.linalg.eigvalsh(realised).min() > -1e-12
        is_indefinite |= bool(np.linalg.eigvalsh(windowed).min() < -1e-6)
    assert is_indefinite, "if this never happens, the documentation promises too little"


def test_estimate_depends_on_the_memory_alone_to_the_bit():
    prices = random_prices(9, 2_000, share=0.3)
    whole = run(prices)
    for back in (SHORT.memory_s, SHORT.memory_s + 1, 700, 1_500):
        start = len(prices) - back
        part = run(prices[start:], start=START + start)
        assert part.estimate() == whole.estimate()


def test_nothing_changes_when_the_future_is_appended_and_an_estimate_changes_nothing():
    prices = random_prices(10, 900)
    asked, fold = {}, CorrelationFold(SHORT)
    for second, observed in enumerate(prices):
        fold.fold(START + second, observed)
        asked[second] = fold.estimate()
    for second in range(13, 900, 111):
        assert run(prices[: second + 1]).estimate() == asked[second]


def test_seconds_without_any_price_may_be_left_out():
    prices = random_prices(11, 500, share=0.05)
    fold = CorrelationFold(SHORT)
    for second, observed in enumerate(prices):
        if observed:
            fold.fold(START + second, observed)
    last = max(second for second, observed in enumerate(prices) if observed)
    assert fold.estimate() == run(prices[: last + 1]).estimate()


def test_return_over_a_gap_does_not_count():
    quiet = [{A: 100.0, B: 100.0}] + [{}] * SHORT.max_gap_s + [{A: 200.0, B: 50.0}]
    estimate = run(quiet).estimate()
    assert (estimate.observations, estimate.reasons) == ([0, 0], [Reason.NO_PRICE, Reason.NO_PRICE])
    within = [{A: 100.0, B: 100.0}] + [{}] * (SHORT.max_gap_s - 1) + [{A: 200.0, B: 50.0}]
    assert run(within).estimate().observations == [1, 1]


def test_instrument_that_comes_later_changes_nothing_for_the_others():
    prices = random_prices(12, 380)
    late = [{key: price for key, price in observed.items() if key != C or second > 150}
            for second, observed in enumerate(prices)]  # fmt: skip
    pair = run(late).estimate().pairs[0]
    alone = run([{key: price for key, price in observed.items() if key != C} for observed in prices]).estimate()
    assert pair == alone.pairs[0]


def test_instrument_that_is_gone_is_left_out_and_everything_is_after_a_long_silence():
    prices = random_prices(13, 200)
    fold = run(prices)
    for second in range(200, 200 + SHORT.memory_s):
        fold.fold(START + second, {A: 100.0 + second % 3})
    assert fold.estimate().keys == [A]
    fold.fold(START + 10_000, {B: 100.0})
    assert fold.estimate().keys == [B]


@pytest.mark.parametrize(("moves", "reason"), [(False, Reason.CONSTANT), (True, None)])
def test_constant_or_missing_series_give_a_reason_and_no_numbers(moves, reason):
    terms = CorrelationTerms(window_s=400, block_s=50, min_observations=20)
    prices = [{A: 100.0 + second % 5, B: 100.0 + moves * (second % 7)} for second in range(100)]
    prices[50][C] = prices[60][C] = 5.0
    estimate = run(prices, terms).estimate()
    assert estimate.reasons == [None, reason, Reason.WARMING_UP]
    assert (estimate.pairs[0].windowed is None) is (reason is not None)
    assert set(estimate.pairs[1][2:]) == set(estimate.pairs[2][2:]) == {None}


@pytest.mark.parametrize("price", [0.0, -1.0, math.nan, math.inf])
def test_price_that_cannot_be_and_a_second_that_goes_back_are_refused(price):
    fold = run([{A: 1.0}])
    with pytest.raises(ValueError, match="price"):
        fold.fold(START + 1, {A: price})
    with pytest.raises(ValueError, match="after"):
        fold.fold(START, {A: 1.0})
    fold.fold(START + 1, {A: 1.0})


def test_empty_fold_has_an_empty_estimate():
    estimate = CorrelationFold().estimate()
    assert (estimate.keys, estimate.pairs) == ([], [])


@pytest.mark.parametrize("wrong", [{"window_s": 100, "block_s": 30}, {"half_life_s": 0}, {"max_gap_s": 0}])
def test_terms_that_do_not_go_together_are_refused(wrong):
    with pytest.raises(ValueError, match=r"window|cannot"):
        CorrelationTerms(**wrong)
