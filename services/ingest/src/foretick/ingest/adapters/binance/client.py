"""Live connections to Binance spot, or to anything that speaks its protocol: combined streams over WebSocket."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass

from picows import WSError, WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from foretick.common.clock import Clock
from foretick.common.runtime.logs import Logger
from foretick.ingest.adapters.binance.parse import STREAM_KINDS
from foretick.ingest.adapters.binance.snapshots import SnapshotFetcher
from foretick.ingest.domain.backoff import backoff_s
from foretick.ingest.domain.events import Received
from foretick.ingest.ports import FrameReceiver

SYMBOLS_PER_CONNECTION = 300
"""Three streams each stay below the venue's 1,024 a connection."""

MAX_FRAME_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class StreamSettings:
    """Where the streams are, and after how long without a market message a connection counts as dead."""

    url: str
    idle_timeout_s: float


def stream_url(base_url: str, symbols: Sequence[str]) -> str:
    """Return the address of one connection with all streams of ``symbols``.

    >>> stream_url("wss://host", ["BTCUSDT"])
    'wss://host/stream?streams=btcusdt@trade/btcusdt@depth@100ms/btcusdt@bookTicker'
    """
    names = (f"{symbol.lower()}@{kind}" for symbol in symbols for kind in STREAM_KINDS)
    return f"{base_url}/stream?streams={'/'.join(names)}"


class _Listener(WSListener):
    """Gathers the frames of one read of the socket into one batch; each is stamped when it is taken off the socket."""

    def __init__(self, receiver: FrameReceiver, symbols: Sequence[str], clock: Clock) -> None:
        self.failure: Exception | None = None
        self.batches = 0
        self.transport: WSTransport | None = None
        self._receiver = receiver
        self._symbols = symbols
        self._now_ns = clock.now_ns
        self._loop = asyncio.get_running_loop()
        self._batch: list[Received] = []
        self._parts: list[bytes] = []

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport
        self._receiver.on_connected(self._symbols)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
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
        self._batch.append(Received(self._now_ns(), payload))
        if frame.last_in_buffer:
            self._hand_on()

    def _hand_on(self) -> None:
        if not self._batch:
            return
        self.batches += 1
        batch, self._batch = self._batch, []
        try:
            self._receiver.on_frames(batch)
        except Exception as error:  # noqa: BLE001 - raised again by the task that owns this connection
            self.failure = error
            if self.transport is not None:
                self.transport.disconnect(False)


class BinanceSession:
    """Keeps the streams of ``symbols`` connected: a ``VenueSession``.

    A connection that is refused, ends, or brings no market message for ``idle_timeout_s`` is opened anew, after a pause
    that grows while attempts fail.
    """

    def __init__(self, settings: StreamSettings, fetcher: SnapshotFetcher, clock: Clock, log: Logger) -> None:
        self._settings = settings
        self._fetcher = fetcher
        self._clock = clock
        self._log = log
        self._random = random.Random(clock.now_ns())
        self._listeners: set[_Listener] = set()

    def request_snapshot(self, symbol: str) -> None:
        """Ask for a full book of ``symbol`` over REST."""
        self._fetcher.request(symbol)

    def roll_over(self) -> None:
        """Close every connection in order; each is opened anew."""
        for listener in self._listeners:
            if listener.transport is not None:
                listener.transport.disconnect()

    async def run(self, receiver: FrameReceiver, symbols: Sequence[str]) -> None:
        """Feed ``receiver`` until cancelled.

        Raises:
            Exception: whatever ``receiver`` raised: it has lost its place.
        """
        chunks = [symbols[at : at + SYMBOLS_PER_CONNECTION] for at in range(0, len(symbols), SYMBOLS_PER_CONNECTION)]
        async with asyncio.TaskGroup() as tasks:
            for chunk in chunks:
                tasks.create_task(self._keep_connected(receiver, chunk))

    async def _keep_connected(self, receiver: FrameReceiver, symbols: Sequence[str]) -> None:
        attempt = 0
        while True:
            listener = _Listener(receiver, symbols, self._clock)
            self._listeners.add(listener)
            try:
                reason = await self._connection(listener, symbols)
            finally:
                self._listeners.discard(listener)
            if listener.failure is not None:
                raise listener.failure
            if listener.transport is not None:
                receiver.on_disconnected(symbols, reason)
            attempt = 1 if listener.batches else attempt + 1
            pause_s = backoff_s(attempt, self._random.random())
            url = self._settings.url
            self._log.warning("venue stream down, connecting again", url=url, reason=reason, pause_s=pause_s)
            await asyncio.sleep(pause_s)

    async def _connection(self, listener: _Listener, symbols: Sequence[str]) -> str:
        """Run one connection to its end and return why it ended."""
        try:
            transport, _ = await ws_connect(
                lambda: listener,
                stream_url(self._settings.url, symbols),
                max_frame_size=MAX_FRAME_BYTES,
                websocket_handshake_timeout=10,
                enable_auto_pong=True,
            )
        except (OSError, WSError, TimeoutError) as error:
            return f"cannot connect: {error!r}"
        self._log.info("venue stream connected", url=self._settings.url, symbols=len(symbols))
        ended = asyncio.ensure_future(transport.wait_disconnected())
        while not ended.done():
            heard_before = listener.batches
            await asyncio.wait([ended], timeout=self._settings.idle_timeout_s)
            if not ended.done() and listener.batches == heard_before:
                transport.disconnect(False)
                await asyncio.wait([ended], timeout=1)
                return f"no market message for {self._settings.idle_timeout_s:g} s"
        return "the venue closed the connection"
