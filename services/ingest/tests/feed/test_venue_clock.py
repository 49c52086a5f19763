"""The estimate of a venue's clock, against a venue whose clock is known."""

import random

import pytest

from foretick.ingest.domain.venue_clock import ANSWER_AGE_NS, VenueClock

MS = 1_000_000
T0 = 1_800_000_000_000_000_000


def test_answer_bounds_the_offset_by_half_its_round_trip():
    clock = VenueClock()
    clock.answer(T0, T0 + 40 * MS, T0 + 1_290 * MS + 1)  # the venue is 1,270 ms ahead, and answered in the middle
    estimate = clock.estimate(T0 + 40 * MS)
    assert (estimate.offset_ms, estimate.error_ms) == (1270.000001, 20.0)


@pytest.mark.parametrize(
    ("step_ns", "half_step_ms"), [(1_000 * MS, 500.0), (MS, 0.5), (1_000, 0.0005)], ids=["s", "ms", "us"]
)
def test_clock_that_tells_whole_steps_is_known_to_half_a_step_less(step_ns, half_step_ms):
    """It says T0 + 2 s from then until the next step: in the middle of that, with a round trip of 40 ms."""
    clock = VenueClock()
    clock.answer(T0, T0 + 40 * MS, T0 + 2_000 * MS + step_ns)
    estimate = clock.estimate(T0 + 40 * MS)
    assert estimate.offset_ms == pytest.approx(2000.0 + step_ns / MS + half_step_ms - 20.0, abs=1e-9)
    assert estimate.error_ms == pytest.approx(20.0 + half_step_ms, abs=1e-9)


def test_best_answer_wins_until_it_is_old():
    clock = VenueClock()
    clock.answer(T0, T0 + 10 * MS, T0 + 105 * MS + 1)
    clock.answer(T0 + 1, T0 + 200 * MS, T0 + 500 * MS + 1)
    assert clock.estimate(T0 + 200 * MS).error_ms == 5.0
    late = T0 + 200 * MS + ANSWER_AGE_NS
    assert clock.estimate(late).error_ms == pytest.approx(100.0, abs=1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_true_offset_lies_within_the_error(seed):
    rng = random.Random(seed)
    offset_ns = rng.randint(-2_000 * MS, 2_000 * MS)
    step_ns = rng.choice([1, 1_000, MS])
    clock = VenueClock()
    now = T0
    for _ in range(20):
        there, back = rng.randint(1, 80) * MS, rng.randint(1, 80) * MS
        clock.answer(now, now + there + back, (now + there + offset_ns) // step_ns * step_ns)
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
    clock.answer(T0, T0, T0 + 500 * MS + 1)
    for n, latency_ms in enumerate((10, 20, 90)):
        at = T0 + n * 1_000 * MS
        clock.hear(at + latency_ms * MS, at + 500 * MS)
    assert clock.latency_ms(T0 + 2_090 * MS) == pytest.approx(20.0)


def test_latency_is_of_the_last_minute_alone():
    clock = VenueClock()
    clock.answer(T0, T0, T0 + 1)
    clock.hear(T0 + 50 * MS, T0)
    clock.hear(T0 + 50_030 * MS, T0 + 50_000 * MS)
    assert clock.latency_ms(T0 + 60_050 * MS) == pytest.approx(50.0)
    assert clock.latency_ms(T0 + 60_051 * MS) == pytest.approx(30.0)
    assert clock.latency_ms(T0 + 110_031 * MS) is None


def test_nothing_is_known_before_anything_was_heard():
    clock = VenueClock()
    assert clock.estimate(T0) is None
    assert clock.latency_ms(T0) is None
