"""``foretick replay`` tells the feed what to show through its environment."""

import os

import pytest

from foretick.launcher import commands
from foretick.launcher.cli import main
from foretick.launcher.domain import plan

NAMES = ("REPLAY", "REPLAY_SPEED", "REPLAY_FROM", "REPLAY_TO")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch):
    for name in NAMES:
        monkeypatch.setenv(name, "")  # restored afterwards, whatever the command sets
    monkeypatch.setattr(commands, "run_up", lambda **_: 0)


def told() -> tuple[str, ...]:
    child = plan.child_environment(os.environ, {})
    return tuple(child[name] for name in NAMES)


def test_part_and_speed_reach_the_environment_of_the_roles():
    assert main(["replay", "a.gz", "b.gz", "--from", "0:10:00", "--to", "700.5", "--speed", "5"]) == 0
    assert told() == ("a.gz,b.gz", "5", "0:10:00", "700.5")


def test_what_is_not_given_stays_as_the_environment_has_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("REPLAY_FROM", "60")
    assert main(["replay", "a.gz"]) == 0
    assert told() == ("a.gz", "", "60", "")
