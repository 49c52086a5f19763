"""Adaptive intervals: the paper's bound on any series, coverage under a change, and a control without adaptation."""

from collections import deque
from math import inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretick.quant.conformal import AdaptiveInterval


def play(scores, **settings):
    """Feed scores; return the interval and whether each judged one held."""
    interval, held = AdaptiveInterval(**settings), []
    for score in scores:
        width = interval.width()
        did_hold = None if width is None else score <= width
        if did_hold is not None:
            held.append(did_hold)
        interval.observe(score, did_hold)
    return interval, np.array(held)


@given(st.lists(st.floats(0, 1e6), min_size=60, max_size=400), st.sampled_from([0.005, 0.05]))
def test_misses_keep_the_papers_bound_on_any_series(scores, gamma):
    """Proposition 4.1 of Gibbs and Candes 2021, from the side that matters: alpha never falls below -gamma."""
    _, held = play(scores, coverage_frac=0.9, gamma=gamma, window=50, warmup=10)
    assert np.sum(~held) <= 0.1 * len(held) + (0.1 + gamma) / gamma + 1e-9


@given(st.lists(st.floats(0, 1e6), min_size=60, max_size=400), st.integers(1, 8), st.sampled_from([0.005, 0.05]))
def test_misses_keep_the_bound_where_intervals_are_given_before_outcomes_are_known(scores, delay, gamma):
    """Once alpha is below 0 every further interval has no bound, so at most the ``delay`` that wait can be missed."""
    interval = AdaptiveInterval(coverage_frac=0.9, gamma=gamma, window=50, warmup=10)
    waiting, held = deque(), []
    for score in scores:
        waiting.append((score, interval.width()))
        if len(waiting) > delay:
            settled, width = waiting.popleft()
            did_hold = None if width is None else settled <= width
            held += [] if did_hold is None else [did_hold]
            interval.observe(settled, did_hold)
    assert held.count(False) <= 0.1 * len(held) + (0.1 + (delay + 1) * gamma) / gamma + 1e-9


def test_successor_that_is_told_the_latest_outcomes_gives_the_same_widths():
    scores, first = changing(700), AdaptiveInterval(gamma=0.05, window=50, warmup=10)
    story = []
    for score in scores:
        width = first.width()
        did_hold = None if width is None else bool(score <= width)
        first.observe(score, did_hold)
        story.append((score, did_hold))
    second = AdaptiveInterval(gamma=0.05, window=50, warmup=10)
    for score, did_hold in story[-50:]:
        second.observe(score, did_hold)
    assert second.alpha != first.alpha  # control: the latest outcomes alone do not tell it
    second.go_on_at(first.alpha)
    assert (second.width(), second.alpha) == (first.width(), first.alpha)


def test_coverage_is_that_of_its_window():
    interval = AdaptiveInterval(window=4, warmup=1, judged_window=5)
    for did_hold in (False, False, True, True, False, True, True):
        interval.observe(1.0, did_hold)
    assert (interval.judged, interval.coverage_frac) == (5, 0.8)


def changing(n=6_000):
    rng = np.random.default_rng(1)
    spread = np.where(np.arange(n) < n // 2, 1.0, np.linspace(1.0, 12.0, n))
    return np.abs(rng.normal(0, spread))


def test_coverage_holds_when_the_market_changes():
    _, held = play(changing(), gamma=0.01)
    assert np.mean(held[3_000:]) == pytest.approx(0.9, abs=0.015)


def test_without_adaptation_coverage_would_be_lost():
    """Control: the same quantile of a past that does not move on covers too little."""
    scores = changing()
    fixed = np.quantile(scores[:3_000], 0.9)
    assert np.mean(scores[3_000:] <= fixed) < 0.5


def test_width_is_the_conformal_quantile_before_anything_was_judged():
    interval = AdaptiveInterval(coverage_frac=0.9, window=100, warmup=19)
    for score in range(18):
        interval.observe(float(score), None)
    assert interval.width() is None
    interval.observe(18.0, None)
    assert interval.width() == 17.0  # rank ceil(0.9 * 20) = 18 of 0 to 18


def test_share_that_may_miss_moves_by_the_rule():
    interval = AdaptiveInterval(coverage_frac=0.9, gamma=0.1, window=10, warmup=1)
    interval.observe(1.0, held=False)
    assert interval.alpha == pytest.approx(0.1 + 0.1 * (0.1 - 1.0))
    interval.observe(1.0, held=True)
    assert interval.alpha == pytest.approx(0.01 + 0.1 * 0.1)
    assert interval.judged == 2
    assert interval.coverage_frac == 0.5


def test_width_has_no_bound_when_too_much_was_missed_and_an_outcome_within_it_brings_it_back():
    interval = AdaptiveInterval(gamma=0.2, window=20, warmup=5)
    for _ in range(10):
        interval.observe(1.0, held=False)
    assert interval.width() == inf
    before = interval.alpha
    interval.observe(1.0, held=True)
    assert interval.alpha > before


def test_scores_beyond_the_window_are_forgotten():
    interval = AdaptiveInterval(coverage_frac=0.5, window=3, warmup=1)
    for score in (100.0, 1.0, 2.0, 3.0):
        interval.observe(score, None)
    assert interval.width() == 2.0


@pytest.mark.parametrize(
    "settings",
    [{"coverage_frac": 1.0}, {"gamma": 0.0}, {"warmup": 0}, {"window": 10, "warmup": 11}, {"judged_window": 0}],
)
def test_senseless_settings_are_refused(settings):
    with pytest.raises(ValueError, match="coverage_frac"):
        AdaptiveInterval(**settings)
