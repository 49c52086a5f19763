"""The machine's clock is stepped forward and back, and the service's goes on."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretick.common.runtime.system_clock import SystemClock

S = 1_000_000_000
HOUR = 3600 * S


class Machine:
    """A machine whose wall clock can be set; its steady clock cannot."""

    def __init__(self) -> None:
        self.wall_ns, self.steady_ns = 1_700_000_000 * S, 5 * S
        self.clock = SystemClock(lambda: self.wall_ns, lambda: self.steady_ns)

    def passes(self, ns: int) -> int:
        self.wall_ns += ns
        self.steady_ns += ns
        return self.clock.now_ns()


@pytest.fixture
def machine() -> Machine:
    return Machine()


def test_unset_clock_is_the_machines(machine):
    assert machine.passes(3 * S) == machine.wall_ns
    assert machine.clock.ahead_ns == 0


def test_step_forward_is_followed_at_once(machine):
    machine.wall_ns += HOUR
    assert machine.passes(S) == machine.wall_ns


def test_step_back_goes_on_from_the_latest_instant_a_tenth_slower(machine):
    before = machine.passes(S)
    machine.wall_ns -= HOUR
    assert machine.passes(10 * S) == before + 9 * S
    assert machine.passes(10 * S) == before + 18 * S


def test_step_back_is_given_back_and_then_the_machines_clock_is_followed(machine):
    machine.passes(S)
    machine.wall_ns -= 2 * S
    for _ in range(20):  # 20 s at nine tenths give back 2 s
        machine.passes(S)
    assert machine.clock.ahead_ns == 0
    assert machine.passes(S) == machine.wall_ns


def test_successor_on_a_clock_set_back_goes_on_where_its_predecessor_was(machine):
    last_ns = machine.wall_ns + HOUR
    machine.clock.not_before(last_ns)
    assert machine.passes(10 * S) == last_ns + 9 * S


def test_not_before_an_instant_of_the_past_changes_nothing(machine):
    machine.clock.not_before(machine.wall_ns - HOUR)
    assert machine.passes(S) == machine.wall_ns


@given(st.lists(st.tuples(st.integers(-HOUR, HOUR), st.integers(0, 10 * S)), max_size=30))
def test_whatever_is_done_to_the_machines_clock_time_never_goes_back_nor_stands_still(steps):
    machine = Machine()
    previous = machine.clock.now_ns()
    for step_ns, passed_ns in steps:
        machine.wall_ns += step_ns
        now = machine.passes(passed_ns)
        assert now >= previous + passed_ns * 9 // 10
        assert now >= machine.wall_ns
        previous = now


def test_default_clock_is_that_of_the_machine():
    assert abs(SystemClock().now_ns() - time.time_ns()) < S
