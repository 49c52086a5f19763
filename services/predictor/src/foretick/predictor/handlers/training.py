"""A training run as the service sees it: run, judge, store, announce."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from foretick.common.clock import Clock
from foretick.common.contracts import ModelPublished
from foretick.common.errors import Refused
from foretick.common.units import NS_PER_S
from foretick.predictor.domain.publication import ModelIdentity, TrainedModel, announce, faults_of
from foretick.predictor.domain.training import Progress
from foretick.predictor.ports import Log, ModelStore

Train = Callable[[Progress], TrainedModel]
Announce = Callable[[ModelPublished], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class TrainingHandler:
    """Trains off the event loop, publishes what passes the gate, and says why where something does not."""

    train: Train
    identity: ModelIdentity
    store: ModelStore
    announce: Announce
    clock: Clock
    log: Log

    async def run(self) -> ModelPublished:
        """Train, store the graph, then announce it: who hears of a model finds it.

        Raises:
            Refused: the model may not be published; the message says why.
            Transient: the store is away.
        """
        started_ns = self.clock.now_ns()

        def progress(stage: str, percent: int) -> None:
            elapsed_s = round((self.clock.now_ns() - started_ns) / NS_PER_S, 1)
            self.log.info("training", stage=stage, percent=percent, elapsed_s=elapsed_s)

        model = await asyncio.to_thread(self.train, progress)
        faults = faults_of(model)
        if faults:
            raise Refused("model_refused", "; ".join(faults), "another TRAIN_SEED or a longer TRAIN_DURATION may help")
        announcement = announce(model, self.identity, self.clock.now_ns())
        progress("storing and announcing", 98)
        await self.store.put(announcement.object_name, model.graph)
        await self.announce(announcement)
        self.log.info(
            "model published", model_id=announcement.model_id, sha256=announcement.sha256, rows=announcement.rows,
            elapsed_s=round((self.clock.now_ns() - started_ns) / NS_PER_S, 1), **announcement.metrics,
        )  # fmt: skip
        return announcement
