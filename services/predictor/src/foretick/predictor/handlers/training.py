"""Training as the service sees it: run, judge, record, store, announce; a run that fails is followed by another."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

import msgspec

from foretick.common.clock import Clock
from foretick.common.contracts import ModelPublished
from foretick.common.errors import Refused
from foretick.common.model_life import FAMILY
from foretick.common.units import NS_PER_S
from foretick.predictor.domain.card import render_card
from foretick.predictor.domain.publication import ModelIdentity, TrainedModel, announce, faults_of
from foretick.predictor.domain.record import Attempt, TrainingRecord
from foretick.predictor.domain.training import Progress
from foretick.predictor.ports import Log, ModelStore, RecordShelf

Train = Callable[[int, Progress], TrainedModel]
Announce = Callable[[ModelPublished], Awaitable[None]]
Record = Callable[[TrainedModel, int, list[Attempt]], TrainingRecord]


@dataclass(frozen=True, slots=True)
class TrainingHandler:
    """Trains off the event loop, publishes what passes the gate, and says why where something does not.

    train: trains with the seed it is given
    record: returns the record of a model, its seed and the attempts before it
    seeds: tried in turn until a model passes; no seed is tried twice, since it would fail the same exam again
    """

    train: Train
    record: Record
    seeds: Sequence[int]
    identity: ModelIdentity
    store: ModelStore
    shelf: RecordShelf
    announce: Announce
    clock: Clock
    log: Log

    async def run(self) -> ModelPublished:
        """Train, store graph, record, drift reference and card, then announce: who hears of a model finds it.

        Raises:
            Refused: no seed gave a model that may be published; the message says why, and what to do.
            Transient: the store is away.
        """
        started_ns = self.clock.now_ns()

        def progress(stage: str, percent: int) -> None:
            elapsed_s = round((self.clock.now_ns() - started_ns) / NS_PER_S, 1)
            self.log.info("training", stage=stage, percent=percent, elapsed_s=elapsed_s)

        model, seed, record = await self._train_until_sound(progress)
        announcement = announce(model, replace(self.identity, seed=seed), self.clock.now_ns(), record)
        progress("storing and announcing", 98)
        await self.store.put(announcement.record_name, record)
        await self.store.put(announcement.reference_name, msgspec.json.encode(model.reference))
        await self.store.put(f"{announcement.model_id}.card.md", render_card(announcement, model.reference).encode())
        await self.store.put(announcement.object_name, model.graph)
        await self.announce(announcement)
        self.log.info(
            "model published", model_id=announcement.model_id, sha256=announcement.sha256, rows=announcement.rows,
            elapsed_s=round((self.clock.now_ns() - started_ns) / NS_PER_S, 1), **announcement.metrics,
        )  # fmt: skip
        return announcement

    async def _train_until_sound(self, progress: Progress) -> tuple[TrainedModel, int, bytes]:
        attempts: list[Attempt] = []
        for number, seed in enumerate(self.seeds, start=1):
            model = await asyncio.to_thread(self.train, seed, progress)
            faults = faults_of(model)
            record = msgspec.json.format(msgspec.json.encode(self.record(model, seed, list(attempts))), indent=1)
            second = self.clock.now_ns() // NS_PER_S
            kept = await asyncio.to_thread(self.shelf.keep, f"{FAMILY}-{second}-seed{seed}.json", record)
            if not faults:
                return model, seed, record
            attempts.append(Attempt(seed=seed, faults=faults))
            upcoming = self.seeds[number] if number < len(self.seeds) else None
            self.log.warning("model refused", seed=seed, faults=faults, next_seed=upcoming, record=str(kept))
        tried = ", ".join(map(str, self.seeds))
        hint = "the same seeds will fail again: set another TRAIN_SEED, or give a longer history (TRAIN_DURATION)"
        raise Refused("model_refused", f"seeds {tried}: {'; '.join(attempts[-1].faults)}", hint)
