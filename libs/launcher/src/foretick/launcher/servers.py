"""The embedded servers: start, restart after a crash, stop. Their classes are synchronous, so threads wait for them."""

import asyncio
from collections.abc import Awaitable, Callable

from foretick.common.errors import Fatal
from foretick.common.runtime.embedded import EmbeddedServer
from foretick.launcher.domain.lifecycle import Lifecycle, Restart
from foretick.launcher.journal import Journal
from foretick.launcher.machine import clock

_WATCH_S = 0.5
_CHECKED_EVERY = 4
_KILLED = -9


class Servers:
    """The embedded servers of one run, in the order of their start."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._running: list[tuple[EmbeddedServer, Lifecycle]] = []
        self._faults: dict[str, str] = {}

    async def start(self, server: EmbeddedServer) -> str:
        """Start ``server`` and return its URL.

        Raises:
            Fatal: it cannot run; the message says why.
        """
        await _in_thread(server.start)
        lifecycle = Lifecycle()
        lifecycle.start(clock.monotonic_s())
        self._running.append((server, lifecycle))
        return server.url

    async def watch(self) -> None:
        """Start again whatever has died or cannot do its work, for as long as this runs."""
        turn = 0
        while True:
            await asyncio.sleep(_WATCH_S)
            turn += 1
            for server, lifecycle in self._running:
                if not server.running:
                    await self._restart(server, lifecycle)
                elif turn % _CHECKED_EVERY == 0:
                    await self._check(server, lifecycle)

    async def stop(self) -> None:
        """Stop every server, the last started first."""
        while self._running:
            server, _ = self._running.pop()
            await _in_thread(server.stop)

    def cards(self) -> dict[str, dict[str, object]]:
        """Return what ``foretick status`` shows of each server."""
        return {
            server.name: {"pid": server.pid, "port": server.port, "restarts": lifecycle.restarts}
            for server, lifecycle in self._running
            if server.running
        }

    async def _check(self, server: EmbeddedServer, lifecycle: Lifecycle) -> None:
        """Tell of a server that runs and cannot do its work, and start it anew once its disk has room."""
        fault = await asyncio.to_thread(server.fault)
        if fault and fault != self._faults.get(server.name):
            self._journal.say(
                "cannot store", "ERROR", server=server.name, reason=fault,
                hint="make room on its disk: it is then started anew by itself; see docs/runbooks/disk-full.md",
            )  # fmt: skip
        self._faults[server.name] = fault
        if fault and server.has_room:
            await asyncio.to_thread(server.stop)
            await self._restart(server, lifecycle)

    async def _restart(self, server: EmbeddedServer, lifecycle: Lifecycle) -> None:
        decision = lifecycle.exit(_KILLED, clock.monotonic_s(), clock.chance_frac())
        delay_s = decision.delay_s if isinstance(decision, Restart) else 0.0
        self._journal.say("starts again", "ERROR", server=server.name, delay_s=round(delay_s, 2))
        await asyncio.sleep(delay_s)
        try:
            await _in_thread(server.start)
        except Fatal as error:
            self._journal.say("did not start", "ERROR", server=server.name, reason=str(error))
        lifecycle.start(clock.monotonic_s())


async def _in_thread(work: Callable[[], object]) -> None:
    """Run ``work`` in a thread to its end, even when this task is cancelled: a half-started server must not be lost."""
    task: Awaitable[object] = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await task
        raise
