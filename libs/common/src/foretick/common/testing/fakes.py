"""A runtime without a bus: what a handler publishes is in a list, and a test delivers messages by calling."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

import structlog

from foretick.common.runtime.health import Health
from foretick.common.runtime.metrics import Metrics
from foretick.common.sequence import SequenceTally
from foretick.common.subjects import Subject
from foretick.common.testing.builders import T0_NS


class ManualClock:
    """A wall clock that moves when told."""

    def __init__(self, now_ns: int = T0_NS) -> None:
        self.ns = now_ns

    def now_ns(self) -> int:
        """Return the present instant."""
        return self.ns

    def advance(self, by_ns: int) -> None:
        """Move forward by ``by_ns``."""
        self.ns += by_ns

    def not_before(self, ns: int) -> None:
        """Go on from ``ns``, if that is later than now."""
        self.ns = max(self.ns, ns)


class FakeData:
    """The data plane's surface. ``published``, ``raw`` and ``rejected`` hold what was sent, in order."""

    def __init__(self) -> None:
        self.published: list[tuple[Subject, Any]] = []
        self.raw: list[tuple[str, bytes]] = []
        self.rejected: list[tuple[str, str, bytes]] = []
        self._handlers: list[tuple[tuple[Subject, ...], Callable[[Sequence[Any]], None]]] = []

    def publish(self, subject: Subject, message: Any) -> None:
        """Keep ``message``; it must be of the subject's contract, as on the bus."""
        assert isinstance(message, subject.contract), f"{subject.root} carries {subject.contract.__name__}"
        self.published.append((subject, message))

    def publish_raw(self, subject: str, payload: bytes) -> None:
        """Keep the bytes."""
        self.raw.append((subject, payload))

    def reject(self, source: str, reason: str, payload: bytes = b"") -> None:
        """Keep the refusal."""
        self.rejected.append((source, reason, payload))

    async def subscribe(
        self,
        subjects: Sequence[Subject],
        handler: Callable[[Sequence[Any]], None],
        *,
        symbols: Sequence[str] = (),
        conflate: bool = False,
    ) -> None:
        """Remember ``handler`` for ``deliver``."""
        self._handlers.append((tuple(subjects), handler))

    async def flush(self) -> None:
        """Do nothing: everything is delivered."""

    def deliver(self, subject: Subject, *batch: Any) -> None:
        """Hand ``batch`` to every handler subscribed to ``subject``, as one natural batch."""
        for subjects, handler in self._handlers:
            if subject in subjects:
                handler(batch)

    def messages(self, subject: Subject) -> list[Any]:
        """Return what was published on ``subject``."""
        return [message for on, message in self.published if on is subject]


class FakeBus:
    """Last messages, as a test sets them: ``bus.last_messages[("ticks", "sim", "BTCUSDT")] = frame``."""

    def __init__(self) -> None:
        self.last_messages: dict[tuple[str, ...], Any] = {}
        self.is_connected = True
        self._reconnected: list[Callable[[], Awaitable[None]]] = []

    def on_reconnect(self, callback: Callable[[], Awaitable[None]]) -> None:
        """Remember ``callback`` for ``reconnect``."""
        self._reconnected.append(callback)

    async def reconnect(self) -> None:
        """Call what waits for a reconnect."""
        for callback in self._reconnected:
            await callback()

    async def last(self, subject: Subject, *tokens: str) -> Any | None:
        """Return the last message set for ``subject`` and ``tokens``."""
        return self.last_messages.get((subject.root, *tokens))

    async def last_of_each(self, subject: Subject) -> list[Any]:
        """Return every last message set for ``subject``."""
        return [message for key, message in sorted(self.last_messages.items()) if key[0] == subject.root]


class FakeRuntime:
    """The surface of ``Runtime`` for handlers under test: metrics, health, logs are real; the rest is fake."""

    def __init__(self, service: str = "test", role: str = "serve") -> None:
        self.service = service
        self.role = role
        self.name = f"{service}.{role}-0"
        self.run_id = "test"
        self.epoch = 1
        self.clock = ManualClock()
        self.log = structlog.stdlib.get_logger(self.name)
        self.metrics = Metrics(service)
        self.sequence = SequenceTally()
        self.health = Health(self.name)
        self.data = FakeData()
        self.bus = FakeBus()
        self.mounted: list[Any] = []
        self.tasks: list[asyncio.Task[None]] = []
        self._drains: list[Callable[[], Awaitable[None]]] = []

    def spawn(self, coroutine: Coroutine[Any, Any, None], name: str) -> "asyncio.Task[None]":
        """Run ``coroutine`` as a task; a test awaits or cancels what is in ``tasks``."""
        task = asyncio.get_running_loop().create_task(coroutine, name=name)
        self.tasks.append(task)
        return task

    def on_drain(self, callback: Callable[[], Awaitable[None]]) -> None:
        """Remember ``callback`` for ``drain``."""
        self._drains.append(callback)

    def mount(self, app: Any) -> None:
        """Keep ``app``."""
        self.mounted.append(app)

    async def drain(self) -> None:
        """Call the drain callbacks in reverse order and cancel the tasks."""
        for callback in reversed(self._drains):
            await callback()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    def metric(self, name: str, **labels: str) -> float:
        """Return the value of a metric by its name without prefix, such as ``frames_total``; 0 if it was never set."""
        return self.metrics.registry.get_sample_value(f"foretick_{self.service}_{name}", labels) or 0.0
