"""One WebSocket to a venue: frames in natural batches, requests no faster than the venue allows."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence

from picows import WSError, WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from foretick.common.clock import Clock
from foretick.ingest.adapters.connections.budget import Budget
from foretick.ingest.adapters.recordings.sink import ConnectionEvent, RawTap
from foretick.ingest.domain.events import Received

MAX_FRAME_BYTES = 64 * 1024 * 1024
"""A full book of tens of thousands of levels takes several megabytes."""

MAX_HELD_BYTES = 256 * 1024 * 1024

_HANDSHAKE_S = 10.0
_GOODBYE_S = 1.0

Deliver = Callable[[Sequence[Received]], None]


class Link(WSListener):
    """A socket. Frames of one read become one batch, each stamped when it is taken off the socket.

    While ``hold`` is on, they are kept instead of delivered. ``tap`` is told all that passes.
    """

    def __init__(self, number: int, deliver: Deliver, clock: Clock, tap: RawTap) -> None:
        self.number = number
        self._venue = tap.venue
        self.failure: Exception | None = None
        self.batches = 0
        self.held: list[Received] | None = None
        self.held_bytes = 0
        self._transport: WSTransport | None = None
        self._deliver = deliver
        self._now_ns = clock.now_ns
        self._sink = tap.sink
        self._loop = asyncio.get_running_loop()
        self._batch: list[Received] = []
        self._parts: list[bytes] = []
        self._requests: deque[bytes] = deque()
        self._has_requests = asyncio.Event()

    @property
    def is_open(self) -> bool:
        """Whether frames may be sent."""
        return self._transport is not None

    @property
    def has_requests(self) -> bool:
        """Whether requests wait to be sent."""
        return bool(self._requests)

    def hold(self) -> None:
        """Keep frames from now on, until ``release``."""
        self.held = []

    def release(self) -> list[Received]:
        """Return what was kept; from now on frames are delivered."""
        held, self.held, self.held_bytes = self.held or [], None, 0
        return held

    async def open(self, url: str, headers: Mapping[str, str] | None = None) -> str:
        """Connect, with ``headers`` in the handshake; return why that failed, or an empty text."""
        try:
            transport, _ = await ws_connect(
                lambda: self,
                url,
                max_frame_size=MAX_FRAME_BYTES,
                websocket_handshake_timeout=_HANDSHAKE_S,
                enable_auto_pong=True,
                extra_headers=dict(headers or {}),
            )
        except (OSError, WSError, TimeoutError) as error:
            return f"cannot connect: {error!r}"
        self._transport = transport
        self.tell(ConnectionEvent.OPENED, url)
        return ""

    def tell(self, event: ConnectionEvent, detail: str) -> None:
        """Tell the recording what happened to this connection."""
        if self._sink is not None:
            self._sink.on_connection_event(self._venue, self.number, event, detail)

    def send(self, requests: Sequence[bytes]) -> None:
        """Send ``requests`` one after the other, as fast as ``send_forever`` may."""
        self._requests.extend(requests)
        self._has_requests.set()

    async def send_forever(self, per_s: float, together: Budget | None = None) -> None:
        """Send what ``send`` was given, at most ``per_s`` a second, until the socket is closed.

        together: the budget of all connections

        A request whose turn has not come when this is cancelled is left to the next call.
        """
        while True:
            if not self._requests:
                self._has_requests.clear()
                await self._has_requests.wait()
            if together is not None:
                await together.spend(1)
            if self._transport is None:
                return
            request = self._requests.popleft()
            self._transport.send(WSMsgType.TEXT, request)
            if self._sink is not None:
                self._sink.on_sent(self._venue, self.number, request)
            await asyncio.sleep(1.0 / per_s)

    async def wait_closed(self) -> None:
        """Return when the socket is closed."""
        if self._transport is not None:
            await self._transport.wait_disconnected()

    async def close(self, *, abruptly: bool = False) -> None:
        """Close the socket, waiting a moment for the venue's farewell unless ``abruptly``."""
        if self._transport is None:
            return
        if abruptly:
            self._transport.disconnect(False)
        else:
            self._transport.send_close()
        closed = asyncio.ensure_future(self._transport.wait_disconnected())
        await asyncio.wait([closed], timeout=_GOODBYE_S)
        if not closed.done():
            self._transport.disconnect(False)
            await asyncio.wait([closed], timeout=_GOODBYE_S)

    def drop(self) -> None:
        """Close the socket at once, delivering nothing more."""
        self.abandon()
        if self._transport is not None:
            self._transport.disconnect(False)

    def abandon(self) -> None:
        """Deliver nothing more: another link is in this one's place."""
        self._deliver = _ignore
        self._batch.clear()

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Take a frame off the socket."""
        kind = frame.msg_type
        if kind is WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code())
            transport.disconnect()
            return
        if kind not in (WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.CONTINUATION):
            return
        payload = frame.get_payload_as_bytes()
        if self._parts or not frame.fin:
            self._parts.append(payload)
            if not frame.fin:
                return
            payload = b"".join(self._parts)
            self._parts.clear()
        if not self._batch:
            self._loop.call_soon(self._hand_on)  # a control frame may be the last of this read
        self._batch.append(Received(self._now_ns(), payload, None, self.number))
        if frame.last_in_buffer:
            self._hand_on()

    def _hand_on(self) -> None:
        if not self._batch:
            return
        self.batches += 1
        batch, self._batch = self._batch, []
        if self._sink is not None:
            for received in batch:
                self._sink.on_received(self._venue, self.number, received)
        if self.held is not None:
            self.held += batch
            self.held_bytes += sum(len(received.payload) for received in batch)
            return
        try:
            self._deliver(batch)
        except Exception as error:  # noqa: BLE001 - raised again by the task that owns this connection
            self.failure = error
            if self._transport is not None:
                self._transport.disconnect(False)


def _ignore(_batch: Sequence[Received]) -> None:
    """Take the place of a receiver that wants no more."""
