import signal

from hypothesis import given
from hypothesis import strategies as st

from foretick.launcher.domain.lifecycle import Backoff, Done, Lifecycle, Refuse, Restart, State

NO_JITTER = Backoff(base_s=0.25, cap_s=4.0, jitter_frac=0.0, stable_s=30.0)


def crash(lifecycle: Lifecycle, at_s: float, after_s: float = 0.0, code: int = 1):
    lifecycle.start(at_s)
    return lifecycle.exit(code, at_s + after_s, chance_frac=0.0)


def test_crashes_in_a_row_double_the_delay_up_to_the_cap():
    lifecycle = Lifecycle(backoff=NO_JITTER)
    delays_s = [crash(lifecycle, at_s=float(second)).delay_s for second in range(7)]
    assert delays_s == [0.25, 0.5, 1.0, 2.0, 4.0, 4.0, 4.0]


def test_crash_after_a_stable_run_forgets_the_earlier_failures():
    lifecycle = Lifecycle(backoff=NO_JITTER)
    for second in range(5):
        crash(lifecycle, at_s=float(second))
    assert crash(lifecycle, at_s=100.0, after_s=30.0) == Restart(delay_s=0.25, failures=1)


def test_crash_just_before_the_run_is_stable_counts_on():
    lifecycle = Lifecycle(backoff=NO_JITTER)
    crash(lifecycle, at_s=0.0)
    assert crash(lifecycle, at_s=10.0, after_s=29.9) == Restart(delay_s=0.5, failures=2)


@given(failures=st.integers(1, 10_000), chance_frac=st.floats(0.0, 1.0, exclude_max=True))
def test_any_delay_lies_between_half_and_the_whole_of_the_plain_one(failures: int, chance_frac: float):
    plain_s = min(15.0, 0.25 * 2.0 ** min(failures - 1, 60))
    assert plain_s * 0.5 <= Backoff().delay_s(failures, chance_frac) <= plain_s


def test_serving_role_that_ends_with_zero_starts_again():
    assert isinstance(crash(Lifecycle(backoff=NO_JITTER), at_s=0.0, code=0), Restart)


def test_role_killed_by_a_signal_starts_again():
    assert isinstance(crash(Lifecycle(backoff=NO_JITTER), at_s=0.0, code=-signal.SIGKILL), Restart)


def test_one_shot_that_ends_with_zero_is_done():
    lifecycle = Lifecycle(one_shot=True)
    assert crash(lifecycle, at_s=0.0, code=0) == Done()
    assert lifecycle.state is State.ENDED


def test_one_shot_that_fails_is_tried_again():
    assert isinstance(crash(Lifecycle(one_shot=True, backoff=NO_JITTER), at_s=0.0, code=1), Restart)


def test_invalid_settings_are_not_tried_again():
    lifecycle = Lifecycle()
    assert isinstance(crash(lifecycle, at_s=0.0, code=2), Refuse)
    assert lifecycle.state is State.REFUSED


def test_role_asked_to_stop_is_done_whatever_its_exit_code():
    for code in (0, 1, 2, -signal.SIGTERM):
        lifecycle = Lifecycle()
        lifecycle.start(0.0)
        lifecycle.ask_to_stop()
        assert lifecycle.exit(code, 1.0, chance_frac=0.0) == Done()


def test_role_asked_to_stop_while_backing_off_has_ended():
    lifecycle = Lifecycle(backoff=NO_JITTER)
    crash(lifecycle, at_s=0.0)
    lifecycle.ask_to_stop()
    assert lifecycle.state is State.ENDED


def test_restarts_are_counted_from_the_second_start():
    lifecycle = Lifecycle(backoff=NO_JITTER)
    crash(lifecycle, at_s=0.0)
    crash(lifecycle, at_s=1.0)
    lifecycle.start(2.0)
    assert lifecycle.restarts == 2


def test_what_runs_once_is_not_tried_again():
    lifecycle = Lifecycle(one_shot=True, runs_once=True)
    lifecycle.start(0.0)
    assert isinstance(lifecycle.exit(1, 1.0, 0.0), Done)
    assert lifecycle.state is State.FAILED
    lifecycle = Lifecycle(one_shot=True, runs_once=True)
    lifecycle.start(0.0)
    lifecycle.exit(0, 1.0, 0.0)
    assert lifecycle.state is State.ENDED
