"""Drift measures against scipy, hand arithmetic and simulation."""

import numpy as np
import pytest
from scipy import signal, stats

from foretick.quant import drift
from foretick.quant.drift import bin_shares, drift_limits, edges_of, effective_rows, ks_distance, stability_index

LEVEL = 0.001


def test_distance_is_scipys():
    rng = np.random.default_rng(1)
    for n, m in ((5, 7), (100, 33), (400, 400)):
        first, second = np.round(rng.normal(size=n), 1), np.round(rng.normal(0.3, 1.2, size=m), 1)
        assert ks_distance(first, second) == pytest.approx(stats.ks_2samp(first, second).statistic, abs=1e-12)


@pytest.mark.parametrize(("n", "m"), [(200, 200), (1_000, 300)])
def test_limit_is_where_scipys_p_value_is_the_level(n, m):
    limit = drift_limits(10, n, m, 0.01).ks
    p = stats.kstwobign.sf(limit * np.sqrt(n * m / (n + m)))
    assert p == pytest.approx(0.01, rel=0.01)


def test_index_by_hand():
    """(.3-.25)ln(.3/.25) + 2(.25-.25)ln 1 + (.2-.25)ln(.2/.25) = .0091161 + .0111572."""
    assert stability_index(np.full(4, 0.25), np.array([0.3, 0.25, 0.25, 0.2])) == pytest.approx(0.0202733, abs=1e-6)


@pytest.mark.parametrize(("degrees", "too_high"), [(1, 0.08), (4, 0.03), (9, 0.02)])
@pytest.mark.parametrize("probability", [0.95, 0.999, 0.9999])
def test_quantile_is_near_scipys(degrees, too_high, probability):
    ratio = drift._chi_squared_quantile(probability, degrees) / stats.chi2.ppf(probability, degrees)
    assert 0.97 < ratio < 1.0 + too_high


def test_edges_divide_into_tenths_and_shares_count_them():
    values = np.arange(1.0, 101.0)
    assert bin_shares(values, edges_of(values)) == pytest.approx(np.full(10, 0.1))
    few = np.array([0.0] * 90 + [1.0] * 10)
    assert len(edges_of(few)) < 10
    assert bin_shares(few, edges_of(few)).sum() == pytest.approx(1.0)


def autoregression(rng, n, rho):
    noise = rng.normal(size=n + 500) * np.sqrt(1 - rho**2)
    return signal.lfilter([1.0], [1.0, -rho], noise)[500:]


@pytest.mark.parametrize("rho", [0.0, 0.5, 0.9])
def test_autoregression_is_worth_what_its_coefficient_says(rho):
    """Of an AR(1) series n rows are worth n (1 - rho) / (1 + rho)."""
    rng = np.random.default_rng(2)
    found = np.mean([effective_rows([autoregression(rng, 20_000, rho)]) for _ in range(10)])
    assert found == pytest.approx(20_000 * (1 - rho) / (1 + rho), rel=0.15)


def test_constant_series_is_worth_one_row():
    assert effective_rows([np.full(500, 3.0), np.full(500, 0.1)]) == 2.0


def is_alarm(reference, window):
    edges = edges_of(reference)
    shares = bin_shares(reference, edges)
    limits = drift_limits(len(shares), effective_rows([reference]), effective_rows([window]), LEVEL)
    psi = stability_index(shares, bin_shares(window, edges))
    return drift.Drift(psi, ks_distance(reference, window), limits).is_alarm


@pytest.mark.parametrize("rho", [0.0, 0.95])
def test_stationary_seeds_raise_no_alarm_beyond_the_level(rho):
    """500 looks at .001 a look: more than 4 alarms would come once in 5,000 such tests."""
    rng = np.random.default_rng(3)
    alarms = sum(is_alarm(autoregression(rng, 4_000, rho), autoregression(rng, 1_500, rho)) for _ in range(500))
    assert alarms <= 4


def test_rows_taken_for_independent_would_raise_them():
    """The control: without the effective number of rows the same series alarm all the time."""
    rng = np.random.default_rng(3)
    limit = drift_limits(10, 4_000, 1_500, LEVEL).ks
    apart = [ks_distance(autoregression(rng, 4_000, 0.95), autoregression(rng, 1_500, 0.95)) for _ in range(50)]
    assert sum(distance > limit for distance in apart) > 10


@pytest.mark.parametrize("rho", [0.0, 0.95])
def test_planted_shift_is_an_alarm(rho):
    rng = np.random.default_rng(4)
    found = sum(is_alarm(autoregression(rng, 4_000, rho), 1.5 + autoregression(rng, 1_500, rho)) for _ in range(20))
    assert found == 20
