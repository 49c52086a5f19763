"""Repeats messages on the bus that it did not send: doubled at once, and once more much later, out of order."""

import asyncio
import random
import threading
from types import TracebackType
from typing import Self

import nats
from nats.aio.msg import Msg

from foretick.common.subjects import BOOKS, FEATURE_VECTORS, OUTCOME_MESSAGES, PREDICTION_MESSAGES, TICKS
from foretick.launcher.testing.system import wait_until

_REPEATED_FRAC = 0.5
_LATE_FRAC = 0.1
_LATE_BY = (2, 400)
"""Messages that pass before a late repeat."""


class Echo:
    """While it is entered, messages of every hot subject come again. ``repeats`` counts them by subject root."""

    def __init__(self, nats_url: str, seed: int = 1) -> None:
        self._url = nats_url
        self._rng = random.Random(seed)
        self._late: list[tuple[int, str, bytes]] = []
        self._seen = 0
        self._stop = asyncio.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._run(),), daemon=True)
        self.repeats: dict[str, int] = {}

    def __enter__(self) -> Self:
        self._thread.start()
        wait_until(lambda: self.repeats, 30, "a first repeat")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    async def _run(self) -> None:
        nc = await nats.connect(self._url, no_echo=True, name="echo")

        async def repeat(subject: str, payload: bytes) -> None:
            root = subject.partition(".")[0]
            self.repeats[root] = self.repeats.get(root, 0) + 1
            await nc.publish(subject, payload)

        async def receive(msg: Msg) -> None:
            self._seen += 1
            if self._rng.random() < _REPEATED_FRAC:
                await repeat(msg.subject, msg.data)
            if self._rng.random() < _LATE_FRAC:
                self._late.append((self._seen + self._rng.randint(*_LATE_BY), msg.subject, msg.data))
            due = [each for each in self._late if each[0] <= self._seen]
            self._late = [each for each in self._late if each[0] > self._seen]
            for _, subject, payload in due:
                await repeat(subject, payload)

        for subject in (TICKS, BOOKS, FEATURE_VECTORS, PREDICTION_MESSAGES, OUTCOME_MESSAGES):
            await nc.subscribe(subject.wildcard, cb=receive)
        await self._stop.wait()
        await nc.close()
