"""The estimate of a venue's clock, against a venue whose clock is known."""

import random

import pytest

from foretick.ingest.domain.venue_clock import ANSWER_AGE_NS, VenueClock

MS = 1_000_000
T0 = 1_800_000_000_000_000_000


def test_answer_bounds_the_offset_by_half_its_round_trip():
    clock = VenueClock()
    clock.answer(T0, T0 + 40 * MS, T0 + 1_290 * MS)  # the venue is 1,270 ms ahead, and answered in the middle
    estimate = clock.estimate(T0 + 40 * MS)
    assert (estimate.offset_ms, estimate.error_ms) == (1270.0, 20.0)


def test_best_answer_wins_until_it_is_old():
    clock = VenueClock()
    clock.answer(T0, T0 + 10 * MS, T0 + 105 * MS)
    clock.answer(T0 + 1, T0 + 200 * MS, T0 + 500 * MS)
    assert clock.estimate(T0 + 200 * MS).error_ms == 5.0
    late = T0 + 200 * MS + ANSWER_AGE_NS
    assert clock.estimate(late).error_ms == pytest.approx(100.0, abs=1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_true_offset_lies_within_the_error(seed):
    rng = random.Random(seed)
    offset_ns = rng.randint(-2_000, 2_000) * MS
    clock = VenueClock()
    now = T0
    for _ in range(20):
        there, back = rng.randint(1, 80) * MS, rng.randint(1, 80) * MS
        clock.answer(now, now + there + back, now + there + offset_ns)
        now += 60_000 * MS // 20
    estimate = clock.estimate(now)
    assert abs(estimate.offset_ms - offset_ns / MS) <= estimate.error_ms


def test_messages_alone_give_a_bound_that_holds_the_shortest_latency():
    clock = VenueClock()
    for latency_ms in (30, 12, 45):
        clock.hear(T0 + latency_ms * MS, T0 + 1_270 * MS)
    estimate = clock.estimate(T0)
    assert (estimate.offset_ms, estimate.error_ms) == (1270.0 - 12.0, None)


def test_latency_is_the_median_with_the_offset_taken_out():
    clock = VenueClock()
    clock.answer(T0, T0, T0 + 500 * MS)
    for n, latency_ms in enumerate((10, 20, 90)):
        at = T0 + n * 1_000 * MS
        clock.hear(at + latency_ms * MS, at + 500 * MS)
    assert clock.latency_ms(T0) == pytest.approx(20.0)


def test_nothing_is_known_before_anything_was_heard():
    clock = VenueClock()
    assert clock.estimate(T0) is None
    assert clock.latency_ms(T0) is None
