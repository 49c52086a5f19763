"""nats-py's client without three faults of 2.16 that leave a connection deaf or away for ever.

A ``flush`` that times out or is cancelled leaves its future behind; the pong that answers it sets the result of that
future, which raises, and the loop that reads the socket ends. Whatever else raises there ends it too. Either way
nothing is read any more until the unanswered pings are noticed, 20 s later with this project's settings.

A connection that is lost again while it is being made ends the task that connects, if what that raises is not of the
kinds that nats-py expects: on uvloop a write to a closed socket is a ``RuntimeError``. Nobody connects from then on.
"""

import asyncio

from nats.aio.client import Client
from nats.errors import Error


class ReadingStopped(Error):
    """The loop that reads the socket ended by an error, which nats-py has logged."""


class SteadyClient(Client):
    """A NATS connection that outlives a flush given up on, and connects anew whenever it no longer reads."""

    def __init__(self) -> None:
        super().__init__()
        self._attempts: set[asyncio.Task[None]] = set()

    async def _process_pong(self) -> None:
        if self._pongs and self._pongs[0].done():  # nobody waits for it any more; it keeps its place among the pongs
            self._pongs[0] = asyncio.get_running_loop().create_future()
        await super()._process_pong()

    async def _read_loop(self) -> None:
        await super()._read_loop()
        if self._reading_task is asyncio.current_task() and self.is_connected:
            await self._process_op_err(ReadingStopped())

    async def _attempt_reconnect(self) -> None:
        """Connect anew, however often that fails and by whatever; one attempt is under way at a time."""
        task = asyncio.current_task()
        assert task is not None
        earlier = self._attempts.copy()
        self._attempts.add(task)
        try:
            await self._end(earlier)
            while not await self._has_reconnected(task):
                self._status = Client.RECONNECTING
                await asyncio.sleep(self.options["reconnect_time_wait"])
        finally:
            self._attempts.discard(task)

    async def _end(self, attempts: set[asyncio.Task[None]]) -> None:
        """Cancel ``attempts`` until they have ended: nats-py's ``_flush_pending`` swallows a cancellation."""
        while attempts:
            for each in attempts:
                each.cancel()
            _, attempts = await asyncio.wait(attempts, timeout=self.options["reconnect_time_wait"])
            self._status = Client.RECONNECTING  # an attempt that swallowed its end may have said otherwise

    async def _has_reconnected(self, task: asyncio.Task[None]) -> bool:
        """Return whether nats-py's own attempt is over: by a connection, by ``close``, or because we are cancelled."""
        try:
            await super()._attempt_reconnect()
        except Exception as error:  # noqa: BLE001 - whatever it is, giving up would leave the process deaf
            await self._error_cb(error)
            return self.is_closed
        is_told = self._reconnection_task_future is None  # nats-py's sign that it has come to the end
        return is_told or self.is_closed or task.cancelling() > 0
