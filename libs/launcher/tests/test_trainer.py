"""Retraining on request: one at a time, once a request, and not again by itself when it fails."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from foretick.common.contracts import DecisionKind, DecisionReason, ModelDecision
from foretick.common.errors import Transient
from foretick.common.model_life import Verdict, follow
from foretick.common.testing.builders import model_published
from foretick.common.testing.waiting import eventually
from foretick.launcher import trainer as module
from foretick.launcher.domain.lifecycle import State
from foretick.launcher.domain.training import Known, Wanted
from foretick.launcher.machine import clock
from foretick.launcher.supervisor import Launch
from foretick.launcher.trainer import Trainer

MODEL = model_published()
WANTED = Wanted(MODEL.schema_hash, MODEL.horizon_steps, MODEL.interval_ns)


class Processes:
    """Stands for the supervisor: every role that is started ends as it is told to, when it is let go."""

    def __init__(self, end: State) -> None:
        self.started: list[str] = []
        self.go = asyncio.Event()
        self._end = end

    def start(self, launch: Launch) -> Any:
        self.started.append(launch.name)
        role = SimpleNamespace(lifecycle=SimpleNamespace(state=State.RUNNING), task=None)

        async def run() -> None:
            await self.go.wait()
            role.lifecycle.state = self._end

        role.task = asyncio.create_task(run())
        return role


class Journal:
    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, event: str, *_: object, **__: object) -> None:
        self.said.append(event)


def asked(last: ModelDecision | None) -> ModelDecision:
    verdict = Verdict(DecisionKind.TRAINING_ASKED, DecisionReason.AGE, "", "test")
    return follow(last, verdict, clock.wall_ns())


@pytest.mark.parametrize(("end", "said"), [(State.ENDED, 1), (State.FAILED, 2)])
async def test_each_request_is_answered_once(monkeypatch: pytest.MonkeyPatch, end: State, said: int):
    monkeypatch.setattr(module, "_LOOK_AGAIN_S", 0.01)
    looks, decision = 0, asked(None)

    async def known() -> Known:
        nonlocal looks
        looks += 1
        return Known([MODEL], decision)

    again = Launch("predictor.train", ("train",), dict, one_shot=True, runs_once=True)
    processes, journal = Processes(end), Journal()
    trainer = Trainer(known, WANTED, again, again)
    following = asyncio.create_task(trainer.train_when_asked(processes, journal))  # type: ignore[arg-type]
    await eventually(lambda: bool(processes.started))
    processes.go.set()
    seen = looks
    await eventually(lambda: looks >= seen + 3)
    assert (len(processes.started), len(journal.said)) == (1, said)
    decision = asked(decision)
    await eventually(lambda: len(processes.started) == 2)
    following.cancel()


async def test_bus_that_is_away_is_told_once_and_ends_nothing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "_LOOK_AGAIN_S", 0.01)
    looks = 0

    async def known() -> Known:
        nonlocal looks
        looks += 1
        if looks <= 3:
            raise Transient("nobody answers")
        return Known([MODEL], asked(None))

    again = Launch("predictor.train", ("train",), dict, one_shot=True, runs_once=True)
    processes, journal = Processes(State.ENDED), Journal()
    following = asyncio.create_task(Trainer(known, WANTED, again, again).train_when_asked(processes, journal))  # type: ignore[arg-type]
    await eventually(lambda: bool(processes.started))
    assert journal.said == ["cannot see which models there are, looking again", "training a new model"]
    following.cancel()
