"""Runs the training role when no model can be served, and again whenever ``predictor.watch`` asks for one."""

import asyncio
from collections.abc import Awaitable, Callable

from foretick.common.errors import ForetickError, Transient
from foretick.launcher.domain.lifecycle import State
from foretick.launcher.domain.training import Known, Wanted
from foretick.launcher.journal import Journal
from foretick.launcher.machine import clock
from foretick.launcher.supervisor import Launch, Supervisor

_LOOK_AGAIN_S = 5.0


class Trainer:
    """One training at a time, each in a process of its own.

    Args:
        known: reads from the bus which models there are and what was decided last; a ``Transient`` is told once, and
            it is read again
        wanted: what the predictor can serve
        launch_first, launch_again: the training role; a retraining runs at low priority beside the serving roles, and
            is run once: when to try again is decided by who asks
    """

    def __init__(
        self, known: Callable[[], Awaitable[Known]], wanted: Wanted, launch_first: Launch, launch_again: Launch
    ) -> None:
        self._known = known
        self._wanted = wanted
        self._launch_first, self._launch_again = launch_first, launch_again
        self._done_ns = 0

    async def has_model(self, journal: Journal) -> bool:
        """Whether there is a model that can be served."""
        return (await self._read(journal)).is_enough_for(self._wanted)

    async def train_first(self, supervisor: Supervisor) -> None:
        """Train now and wait for the end.

        Raises:
            ForetickError: the training role ended for good without a model.
        """
        if not await self._train(supervisor, self._launch_first):
            raise ForetickError(f"{self._launch_first.name} did not train a model: see its log")

    async def train_when_asked(self, supervisor: Supervisor, journal: Journal) -> None:
        """Train whenever it is asked for."""
        while True:
            known = await self._read(journal)
            if not known.asks_for_training(self._done_ns):
                await asyncio.sleep(_LOOK_AGAIN_S)
                continue
            decision = known.decision
            journal.say("training a new model", asked_by=decision.by if decision else "")
            if not await self._train(supervisor, self._launch_again):
                journal.say("no new model came of the training: see its log", "WARNING", role=self._launch_again.name)

    async def _read(self, journal: Journal) -> Known:
        is_told = False
        while True:
            try:
                return await self._known()
            except Transient as error:
                if not is_told:
                    journal.say("cannot see which models there are, looking again", "WARNING", error=str(error))
                is_told = True
                await asyncio.sleep(_LOOK_AGAIN_S)

    async def _train(self, supervisor: Supervisor, launch: Launch) -> bool:
        role = supervisor.start(launch)
        if role.task is not None:
            await asyncio.shield(role.task)
        self._done_ns = clock.wall_ns()
        return role.lifecycle.state is State.ENDED
