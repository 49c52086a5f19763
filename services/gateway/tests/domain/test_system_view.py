"""Latency quantiles, throughput and the pooled score."""

import numpy as np
import pytest
from msgspec.structs import replace

from foretick.common.contracts import LiveScore
from foretick.common.units import NS_PER_S
from foretick.gateway.domain.system_view import LatencyWindow, RateWindow, pooled_score


def score(count: int, accuracy_frac: float, log_loss: float) -> LiveScore:
    return LiveScore(
        count=count, accuracy_frac=accuracy_frac, prior_accuracy_frac=0.4, log_loss=log_loss, prior_log_loss=1.1
    )


def test_quantiles_agree_with_numpy_within_a_bucket():
    latencies_us = np.random.default_rng(1).lognormal(7, 1, 5000)
    window = LatencyWindow()
    for latency_us in latencies_us:
        window.add(latency_us, NS_PER_S)
    expected = np.quantile(latencies_us, (0.5, 0.99), method="inverted_cdf")
    assert window.quantiles_us((0.5, 0.99), NS_PER_S) == pytest.approx(list(expected), rel=0.012)


def test_latencies_older_than_a_minute_are_forgotten():
    window = LatencyWindow()
    window.add(1_000_000, 0)
    window.add(100, 30 * NS_PER_S)
    assert window.quantiles_us((1.0,), 59 * NS_PER_S) == pytest.approx([1_000_000], rel=0.012)
    assert window.quantiles_us((1.0,), 60 * NS_PER_S) == pytest.approx([100], rel=0.012)
    assert window.quantiles_us((1.0,), 200 * NS_PER_S) == [None]


def test_latency_of_zero_counts_as_a_microsecond():
    window = LatencyWindow()
    window.add(0, 0)
    assert window.quantiles_us((0.5,), 0) == [1]


def test_rate_is_the_mean_of_whole_seconds():
    window = RateWindow()
    for second in range(4):
        window.add(100 + second, second * NS_PER_S)
    assert window.per_s(3 * NS_PER_S) == pytest.approx((100 + 101 + 102) / 3)


def test_rate_falls_to_zero_when_nothing_comes():
    window = RateWindow()
    window.add(1000, 0)
    assert window.per_s(5 * NS_PER_S) == 200
    assert window.per_s(60 * NS_PER_S) == 0


def test_pooled_score_weighs_by_outcomes():
    pooled = pooled_score([score(100, 0.5, 1.0), score(300, 0.7, 0.8), score(0, 0.0, 9.0)])
    assert pooled is not None
    assert pooled.count == 400
    assert pooled.accuracy_frac == pytest.approx((50 + 210) / 400)
    assert pooled.log_loss == pytest.approx((100 + 240) / 400)


def test_pooled_score_keeps_decided_and_abstained_apart():
    """20 of 40 right where it decided and 6 of 60 where it did not; all of 100 decided, 70 right."""
    some = replace(score(100, 0.26, 1.0), decided=40, decided_accuracy_frac=0.5, abstained_accuracy_frac=0.1)
    every = replace(score(100, 0.7, 1.0), decided=100, decided_accuracy_frac=0.7)
    pooled = pooled_score([some, every])
    assert pooled is not None
    assert pooled.decided == 140
    assert pooled.decided_accuracy_frac == pytest.approx(90 / 140)
    assert pooled.abstained_accuracy_frac == pytest.approx(6 / 60)
    assert pooled_score([every]).abstained_accuracy_frac is None
    assert pooled_score([score(10, 0.5, 1.0)]).decided_accuracy_frac is None


def test_score_without_outcomes_is_unknown():
    assert pooled_score([]) is None
