"""Runs the training role when no model in the store can be served, and again when the model has grown old."""

import asyncio
from collections.abc import Awaitable, Callable

from foretick.common.contracts import ModelPublished
from foretick.common.errors import ForetickError
from foretick.launcher.domain.lifecycle import State
from foretick.launcher.domain.training import Wanted, wait_before_training_s
from foretick.launcher.journal import Journal
from foretick.launcher.machine import clock
from foretick.launcher.supervisor import Launch, Supervisor

_LOOK_AGAIN_S = 60.0


class Trainer:
    """Keeps the store's model young.

    Args:
        models: reads the latest announcements from the bus
        wanted: what the predictor can serve
        interval_s: age at which a model is replaced
        launch_first, launch_again: the training role; a retraining runs at low priority beside the serving roles
    """

    def __init__(
        self,
        models: Callable[[], Awaitable[list[ModelPublished]]],
        wanted: Wanted,
        interval_s: float,
        launches: tuple[Launch, Launch],
    ) -> None:
        self._models = models
        self._wanted = wanted
        self._interval_s = interval_s
        self._launch_first, self._launch_again = launches

    async def wait_s(self) -> float:
        """Return the seconds until a training is due."""
        return wait_before_training_s(await self._models(), self._wanted, clock.wall_ns(), self._interval_s)

    async def train_first(self, supervisor: Supervisor) -> None:
        """Train now and wait for the end.

        Raises:
            ForetickError: the training role ended for good without a model.
        """
        await self._train(supervisor, self._launch_first)

    async def train_forever(self, supervisor: Supervisor, journal: Journal) -> None:
        """Train whenever it is due."""
        while True:
            wait_s = await self.wait_s()
            if wait_s > 0:
                await asyncio.sleep(min(wait_s, _LOOK_AGAIN_S))
                continue
            journal.say("training a new model")
            await self._train(supervisor, self._launch_again)

    async def _train(self, supervisor: Supervisor, launch: Launch) -> None:
        role = supervisor.start(launch)
        if role.task is not None:
            await asyncio.shield(role.task)
        if role.lifecycle.state is not State.ENDED:
            raise ForetickError(f"{launch.name} did not train a model: see its log")
