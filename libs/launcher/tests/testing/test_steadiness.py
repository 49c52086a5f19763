"""What counts as growth, by series whose course is known."""

import random

import pytest

from foretick.launcher.testing.steadiness import Sample, faults_of, slope_bytes

MB = 1_000_000
EVERY_S = 10.0


def series(own_mb, *, files=lambda at: 16, threads=lambda at: 3) -> list[Sample]:
    """20 minutes, a sample each 10 s."""
    return [Sample(at * EVERY_S, int(own_mb(at) * MB), files(at), threads(at)) for at in range(121)]


def test_line_gives_its_own_slope():
    assert slope_bytes(series(lambda at: 100 + 0.1 * at)) == pytest.approx(6 * MB)  # 60 samples are ten minutes


@pytest.mark.parametrize("mb_in_ten_minutes", [3, 10])
def test_leak_under_an_allocators_noise_is_growth(mb_in_ten_minutes):
    noise = random.Random(1)
    leaking = series(lambda at: 150 + mb_in_ten_minutes * at / 60 + noise.uniform(-1, 1))
    assert len(faults_of(leaking)) == 1


def test_leak_in_steps_is_growth():
    assert faults_of(series(lambda at: 150 + 4 * (at // 20)))


@pytest.mark.parametrize("step_at", [10, 30, 59, 60, 61, 90, 110])
def test_one_step_and_noise_are_no_growth(step_at):
    noise = random.Random(1)
    assert faults_of(series(lambda at: (150 if at < step_at else 167) + noise.uniform(-1, 1))) == []


def test_collected_heap_may_swing_but_its_peaks_may_not_climb():
    def sawtooth(lives_mb):
        return lambda at: lives_mb(at) * (1 + at % 10 / 9)

    assert faults_of(series(sawtooth(lambda at: 130)), is_collected=True) == []
    (fault,) = faults_of(series(sawtooth(lambda at: 130 + 0.2 * at)), is_collected=True)
    assert "peaks" in fault


def test_files_and_threads_that_stay_open_are_told():
    assert len(faults_of(series(lambda at: 100, files=lambda at: 16 + at // 30, threads=lambda at: 3 + at // 50))) == 2
