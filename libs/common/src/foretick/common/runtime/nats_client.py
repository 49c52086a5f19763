"""nats-py's client without two faults of 2.16 that leave a connection deaf while it says that it is connected.

A ``flush`` that times out or is cancelled leaves its future behind; the pong that answers it sets the result of that
future, which raises, and the loop that reads the socket ends. Whatever else raises there ends it too. Either way
nothing is read any more until the unanswered pings are noticed, 20 s later with this project's settings.
"""

import asyncio

from nats.aio.client import Client
from nats.errors import Error


class ReadingStopped(Error):
    """The loop that reads the socket ended by an error, which nats-py has logged."""


class SteadyClient(Client):
    """A NATS connection that outlives a flush given up on, and connects anew whenever it no longer reads."""

    async def _process_pong(self) -> None:
        if self._pongs and self._pongs[0].done():  # nobody waits for it any more; it keeps its place among the pongs
            self._pongs[0] = asyncio.get_running_loop().create_future()
        await super()._process_pong()

    async def _read_loop(self) -> None:
        await super()._read_loop()
        if self._reading_task is asyncio.current_task() and self.is_connected:
            await self._process_op_err(ReadingStopped())
