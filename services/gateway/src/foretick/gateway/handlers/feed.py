"""The WebSocket connections over one board, whatever carries them."""

import asyncio
from collections.abc import Callable
from functools import partial

from foretick.common.clock import Clock
from foretick.gateway.domain.board import Board
from foretick.gateway.domain.outbox import CloseCode, Outbox
from foretick.gateway.domain.principal import Principal
from foretick.gateway.domain.session import Session, SessionLimits
from foretick.gateway.handlers.pump import Pump
from foretick.gateway.ports import Transport

STALL_S = 30.0
"""A client that takes nothing for this long is given up."""

CLOSE_S = 5.0
"""How long the last answers, and the client's consent to the end, may take."""

_SWEEP_S = 1.0
_loop = asyncio.get_running_loop


class FeedHandler:
    """Opens connections and looks after them."""

    def __init__(
        self, board: Board, clock: Clock, limits: SessionLimits, stalled: Callable[[], None], stall_s: float = STALL_S
    ) -> None:
        self.board = board
        self.clock = clock
        self.limits = limits
        self.pump = Pump(clock, limits.outbox, board.fanout)
        self._stalled = stalled
        self._stall_s = stall_s
        self._connections: dict[Connection, None] = {}
        self._paused: dict[Connection, float] = {}
        self._is_sweeping = False
        self._all_ended = asyncio.Event()
        self._all_ended.set()

    def connect(self, transport: Transport, principal: Principal) -> "Connection":
        """Begin a conversation: welcome, or the reason why there is none."""
        connection = Connection(self, transport, principal)
        self._connections[connection] = None
        self._all_ended.clear()
        connection.session.open(self.clock.now_ns())
        return connection

    async def dismiss(self, code: CloseCode, reason: str) -> None:
        """Close every connection with ``code`` and ``reason``, and wait until each has ended."""
        self.board.audience.close(code, reason)
        try:
            await asyncio.wait_for(self._all_ended.wait(), CLOSE_S + _SWEEP_S)
        except TimeoutError:
            for connection in tuple(self._connections):
                connection.transport.abort()

    def note_ended(self, connection: "Connection") -> None:
        """Forget a connection."""
        self._connections.pop(connection, None)
        self._paused.pop(connection, None)
        if not self._connections:
            self._all_ended.set()

    def note_paused(self, connection: "Connection") -> None:
        """Watch a connection that takes nothing."""
        self._paused[connection] = _loop().time()
        self._sweep_later()

    def note_resumed(self, connection: "Connection") -> None:
        """Stop watching it."""
        self._paused.pop(connection, None)

    def _sweep(self) -> None:
        """Give up those who have taken nothing for too long; the longest come first."""
        self._is_sweeping = False
        now_s = _loop().time()
        while self._paused:
            connection, since_s = next(iter(self._paused.items()))
            if now_s - since_s < self._stall_s:
                self._sweep_later()
                return
            self._stalled()
            del self._paused[connection]
            connection.transport.abort()

    def _sweep_later(self) -> None:
        if not self._is_sweeping:
            self._is_sweeping = True
            _loop().call_later(min(_SWEEP_S, self._stall_s), self._sweep)


class Connection:
    """One client: its session, and the transport that carries it."""

    def __init__(self, feed: FeedHandler, transport: Transport, principal: Principal) -> None:
        self._feed = feed
        self.transport = transport
        self.session = Session(feed.board, principal, feed.limits, partial(feed.pump.enqueue, self))
        self.outbox: Outbox = self.session.outbox
        self._deadline: asyncio.TimerHandle | None = None
        self._ended = False

    def receive(self, message: str | bytes) -> None:
        """Take the client's next message."""
        if self._ended:
            return
        self.session.receive(message, self._feed.clock.now_ns())

    def break_off(self, code: CloseCode, reason: str) -> None:
        """Learn that the client broke the rules of WebSockets: the conversation ends."""
        self.outbox.close(code, reason)

    def pause(self) -> None:
        """Learn that the client's side is full."""
        if self._ended:
            return
        self.outbox.blocked = True
        self.outbox.idle = False
        self._feed.note_paused(self)

    def resume(self) -> None:
        """Learn that it can take more."""
        if self._ended:
            return
        outbox = self.outbox
        outbox.blocked = False
        self._feed.note_resumed(self)
        if outbox.closing is not None:
            outbox.rouse()
        elif not outbox.cooling:
            outbox.rest()
            if not outbox.is_empty:
                outbox.rouse()

    def end(self) -> None:
        """Learn that the connection has gone."""
        if self._ended:
            return
        self._ended = True
        self.outbox.blocked = True  # nothing is written any more
        self.session.leave()
        self._feed.note_ended(self)
        if self._deadline is not None:
            self._deadline.cancel()

    def finish(self) -> None:
        """Close as the outbox has decided."""
        closing = self.outbox.closing
        if closing is not None and not self._ended:
            self.outbox.blocked = True
            self.transport.close(closing.code, closing.reason)

    def hurry(self) -> None:
        """Learn that the outbox has decided to close: from now on the client has ``CLOSE_S``."""
        if self._deadline is None and not self._ended:
            self._deadline = _loop().call_later(CLOSE_S, self.transport.abort)

    def fail(self, error: Exception) -> None:
        """Report a fault of ours in the transport and end."""
        _loop().call_exception_handler({"message": "a connection's transport failed", "exception": error})
        self.transport.abort()
