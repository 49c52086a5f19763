"""``kill -9`` of each service and server in turn: it comes back, no recorded value is wrong, doubled or missing."""

from collections.abc import Iterator

import pytest

from foretick.launcher.testing import System, wait_until
from foretick.launcher.testing.follower import Follower
from foretick.launcher.testing.processes import VICTIMS, Victim, is_replaced, kill
from foretick.launcher.testing.verdict import assert_sound, wait_until_well
from foretick.launcher.testing.witness import Witness


@pytest.fixture(scope="module")
def follower(simulated: System) -> Iterator[Follower]:
    with Follower(simulated) as follower:
        yield follower


@pytest.fixture(scope="module")
def witness(simulated: System) -> Iterator[Witness]:
    with Witness(simulated) as witness:
        yield witness


@pytest.mark.parametrize("victim", VICTIMS, ids=[victim.label for victim in VICTIMS])
def test_killed_process_comes_back_with_new_predictions(
    simulated: System, follower: Follower, witness: Witness, victim: Victim
) -> None:
    pid = kill(simulated, victim)
    wait_until(
        lambda: is_replaced(simulated, victim, pid), 90, lambda: f"{victim.label} back\n{simulated.log_tail(30)}"
    )
    wait_until_well(simulated, follower)


def test_after_all_kills_nothing_acknowledged_is_lost_or_doubled(
    simulated: System, follower: Follower, witness: Witness
) -> None:
    assert_sound(simulated, follower)
    assert witness.acknowledged > 100, "too few to judge"
    witness.assert_kept()
