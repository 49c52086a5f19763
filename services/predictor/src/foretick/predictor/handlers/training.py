"""Training as the service sees it: run, judge, store, announce; a run that fails its exam is followed by another."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

import msgspec

from foretick.common.clock import Clock
from foretick.common.contracts import ModelPublished
from foretick.common.errors import Refused
from foretick.common.units import NS_PER_S
from foretick.predictor.domain.card import render_card
from foretick.predictor.domain.publication import ModelIdentity, TrainedModel, announce, faults_of
from foretick.predictor.domain.training import Progress
from foretick.predictor.ports import Log, ModelStore

Train = Callable[[int, Progress], TrainedModel]
Announce = Callable[[ModelPublished], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class TrainingHandler:
    """Trains off the event loop, publishes what passes the gate, and says why where something does not.

    train: trains with the seed it is given
    seeds: tried in turn until a model passes; no seed is tried twice, since it would fail the same exam again
    """

    train: Train
    seeds: Sequence[int]
    identity: ModelIdentity
    store: ModelStore
    announce: Announce
    clock: Clock
    log: Log

    async def run(self) -> ModelPublished:
        """Train, store graph, drift reference and card, then announce: who hears of a model finds it.

        Raises:
            Refused: no seed gave a model that may be published; the message says why, and what to do.
            Transient: the store is away.
        """
        started_ns = self.clock.now_ns()

        def progress(stage: str, percent: int) -> None:
            elapsed_s = round((self.clock.now_ns() - started_ns) / NS_PER_S, 1)
            self.log.info("training", stage=stage, percent=percent, elapsed_s=elapsed_s)

        model, seed = await self._train_until_sound(progress)
        announcement = announce(model, replace(self.identity, seed=seed), self.clock.now_ns())
        progress("storing and announcing", 98)
        await self.store.put(announcement.reference_name, msgspec.json.encode(model.reference))
        await self.store.put(f"{announcement.model_id}.card.md", render_card(announcement, model.reference).encode())
        await self.store.put(announcement.object_name, model.graph)
        await self.announce(announcement)
        self.log.info(
            "model published", model_id=announcement.model_id, sha256=announcement.sha256, rows=announcement.rows,
            elapsed_s=round((self.clock.now_ns() - started_ns) / NS_PER_S, 1), **announcement.metrics,
        )  # fmt: skip
        return announcement

    async def _train_until_sound(self, progress: Progress) -> tuple[TrainedModel, int]:
        faults: list[str] = []
        for number, seed in enumerate(self.seeds, start=1):
            model = await asyncio.to_thread(self.train, seed, progress)
            faults = faults_of(model)
            if not faults:
                return model, seed
            upcoming = self.seeds[number] if number < len(self.seeds) else None
            self.log.warning("model refused", seed=seed, faults=faults, next_seed=upcoming)
        tried = ", ".join(map(str, self.seeds))
        hint = "the same seeds will fail again: set TRAIN_SEED to another one, or a longer TRAIN_DURATION"
        raise Refused("model_refused", f"seeds {tried}: {'; '.join(faults)}", hint)
