"""One WebSocket connection: a session and its transport, joined by a reader and a writer."""

import asyncio
from collections.abc import Callable

from foretick.common.clock import Clock
from foretick.common.units import NS_PER_S
from foretick.gateway.domain.board import Board
from foretick.gateway.domain.outbox import CloseCode
from foretick.gateway.domain.principal import Principal
from foretick.gateway.domain.session import Session, SessionLimits
from foretick.gateway.ports import Disconnected, Transport

STALL_S = 30.0
"""A client that takes nothing for this long is given up."""

CLOSE_S = 5.0
"""How long the last answers may take once the session is closing."""


class FeedHandler:
    """Serves connections over one board."""

    def __init__(
        self, board: Board, clock: Clock, limits: SessionLimits, stalled: Callable[[], None], stall_s: float = STALL_S
    ) -> None:
        self._board = board
        self._clock = clock
        self._limits = limits
        self._stalled = stalled
        self._stall_s = stall_s
        self._conversations: set[asyncio.Future[None]] = set()

    async def serve(self, transport: Transport, principal: Principal) -> None:
        """Converse until either side ends it."""
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._conversations.add(ended)
        try:
            await self._converse(transport, principal)
        finally:
            self._conversations.discard(ended)
            ended.set_result(None)

    async def dismiss(self, code: CloseCode, reason: str) -> None:
        """Close every connection with ``code`` and ``reason``, and wait until each has been told."""
        self._board.audience.close(code, reason)
        if self._conversations:
            await asyncio.wait(self._conversations, timeout=CLOSE_S)

    async def _converse(self, transport: Transport, principal: Principal) -> None:
        wake = asyncio.Event()
        session = Session(self._board, principal, self._limits, wake.set)
        session.open(self._clock.now_ns())
        reader = asyncio.create_task(self._read(session, transport))
        writer = asyncio.create_task(self._write(session, transport, wake))
        try:
            await asyncio.wait({reader, writer}, return_when=asyncio.FIRST_COMPLETED)
            if session.outbox.closing is not None:
                await asyncio.wait({writer}, timeout=CLOSE_S)
        finally:
            session.leave()
            reader.cancel()
            writer.cancel()
            ended = await asyncio.gather(reader, writer, return_exceptions=True)
        for outcome in ended:
            if isinstance(outcome, Exception):
                raise outcome

    async def _read(self, session: Session, transport: Transport) -> None:
        try:
            while session.outbox.closing is None:
                session.receive(await transport.receive(), self._clock.now_ns())
        except Disconnected:
            return

    async def _write(self, session: Session, transport: Transport, wake: asyncio.Event) -> None:
        outbox = session.outbox
        try:
            while outbox.closing is None or not outbox.is_empty:
                await wake.wait()
                wake.clear()
                wait_ns = outbox.wait_ns(self._clock.now_ns())
                if wait_ns:
                    await asyncio.sleep(wait_ns / NS_PER_S)
                while not outbox.is_empty:
                    async with asyncio.timeout(self._stall_s):
                        await transport.send(outbox.take(self._clock.now_ns()))
                    if outbox.wait_ns(self._clock.now_ns()):
                        wake.set()
                        break
            closing = outbox.closing
            await transport.close(closing.code, closing.reason)
        except TimeoutError:
            self._stalled()
        except Disconnected:
            return
