"""The exchange's port: WebSocket streams and REST on one address, and the timer that runs the market."""

import asyncio
import contextlib
import logging
from http import HTTPStatus

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.frames import Close, Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import State

from foretick.common.clock import Clock
from foretick.common.errors import Fatal
from foretick.common.runtime.logs import Logger
from foretick.ingest.adapters.simulator.posts import connections_posting_to
from foretick.ingest.adapters.simulator.rest import Answer, answer_get, answer_post
from foretick.ingest.domain.exchange import Exchange, VenueMessage
from foretick.ingest.domain.exchange_faults import FaultKind
from foretick.ingest.domain.exchange_requests import answer, streams_in_query
from foretick.ingest.domain.exchange_wire import server_shutdown

_TICK_S = 0.01
_LONGEST_CATCH_UP_NS = 1_000_000_000
_MOST_UNSENT_BYTES = 4 * 1024 * 1024
_MOST_REQUEST_BYTES = 64 * 1024
_PING_EVERY_S, _PONG_WITHIN_S = 20, 60
_FAREWELL_S = 2.0
_SLOW_CLIENT = 1008
_GOING_AWAY = 1001


class ExchangeServer:
    """Serves an ``Exchange`` to any number of clients. Every message is encoded and framed once for all of them."""

    def __init__(self, exchange: Exchange, clock: Clock, log: Logger) -> None:
        self._exchange = exchange
        self._clock = clock
        self._log = log
        self._clients: dict[ServerConnection, set[str]] = {}
        self._server: Server | None = None
        self._draining = False
        self._empty = asyncio.Event()
        self._empty.set()
        self.sent_messages = 0
        self.dropped_clients = 0

    @property
    def port(self) -> int:
        """The port that is served."""
        assert self._server is not None
        return self._server.sockets[0].getsockname()[1]

    @property
    def injected_faults(self) -> dict[FaultKind, int]:
        """Faults injected so far, by kind."""
        return self._exchange.injected

    @property
    def client_count(self) -> int:
        """Clients connected now."""
        return len(self._clients)

    async def start(self, host: str, port: int) -> None:
        """Begin to serve; port 0 takes a free one.

        Raises:
            Fatal: the port cannot be taken.
        """
        try:
            self._server = await serve(
                self._serve_client, host, port, process_request=self._process_request, compression=None,
                ping_interval=_PING_EVERY_S, ping_timeout=_PONG_WITHIN_S, max_size=_MOST_REQUEST_BYTES,
                create_connection=connections_posting_to(self._answer_post), server_header=None, logger=_quiet_log(),
            )  # fmt: skip
        except OSError as error:
            raise Fatal(
                f"the simulated exchange cannot listen on {host}:{port}: {error.strerror}. Set SIM_PORT to a free port "
                f"and SIM_WS_URL and SIM_REST_URL to match"
            ) from error

    async def run(self) -> None:
        """Run the market in data time, as the clock goes, until cancelled."""
        while True:
            await asyncio.sleep(_TICK_S)
            now_ns = self._clock.now_ns()
            if now_ns - self._exchange.market.now_ns > _LONGEST_CATCH_UP_NS:
                self._log.warning("time passed while the exchange could not run: its market skips it")
                self._exchange.market.skip_to(now_ns - _LONGEST_CATCH_UP_NS // 10)
            self.send(self._exchange.advance_to(now_ns))
            if self._exchange.take_disconnect():
                for connection in self._clients:
                    connection.transport.abort()

    def send(self, messages: list[VenueMessage]) -> None:
        """Send messages to their subscribers, one write a client; drop clients that do not read."""
        if not messages or not self._clients:
            return
        framed = [(message.stream, _framed(message.payload)) for message in messages]
        for connection, streams in list(self._clients.items()):
            wanted = [data for stream, data in framed if stream in streams]
            if not wanted or connection.state is not State.OPEN:
                continue
            if connection.transport.get_write_buffer_size() > _MOST_UNSENT_BYTES:
                self._drop(connection)
                continue
            connection.transport.write(b"".join(wanted))
            self.sent_messages += len(wanted)

    async def drain(self) -> None:
        """Tell clients to go, give them a moment, and close."""
        self._draining = True
        notice = _framed(server_shutdown(self._clock.now_ns()))
        for connection in self._clients:
            if connection.state is State.OPEN:
                connection.transport.write(notice)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._empty.wait(), _FAREWELL_S)
        if self._server is not None:
            self._server.close(code=_GOING_AWAY, reason="the exchange closes")
            await self._server.wait_closed()

    async def _serve_client(self, connection: ServerConnection) -> None:
        request = connection.request
        streams = streams_in_query(request.path.partition("?")[2]) if request else set[str]()
        self._clients[connection] = streams
        self._empty.clear()
        try:
            async for payload in connection:
                await connection.send(answer(payload, streams).decode())
        except ConnectionClosed:
            pass  # how a client leaves is its own business; it connects again or not
        finally:
            self._forget(connection)

    async def _process_request(self, connection: ServerConnection, request: Request) -> Response | None:
        if request.path.partition("?")[0] == "/stream":
            return _response(Answer(503, b'{"code":-1008,"msg":"closing"}')) if self._draining else None
        reply = answer_get(self._exchange, request.path, self._clock.now_ns())
        if reply.after_s:
            await asyncio.sleep(reply.after_s)
        return _response(reply)

    def _answer_post(self, target: str, body: bytes) -> Answer:
        return answer_post(self._exchange, target, body, self._clock.now_ns())

    def _forget(self, connection: ServerConnection) -> None:
        self._clients.pop(connection, None)
        if not self._clients:
            self._empty.set()

    def _drop(self, connection: ServerConnection) -> None:
        self.dropped_clients += 1
        self._forget(connection)
        self._log.warning("client dropped: it does not read", remote=str(connection.remote_address))
        # Its socket is full, so the reason may never reach it: close for good once the frame had its chance.
        farewell = Frame(Opcode.CLOSE, Close(_SLOW_CLIENT, "the client does not read fast enough").serialize())
        connection.transport.write(farewell.serialize(mask=False))
        asyncio.get_running_loop().call_later(_FAREWELL_S, connection.transport.abort)


def _quiet_log() -> logging.Logger:
    """Return a log for ``websockets`` that leaves out every connection's coming and going."""
    log = logging.getLogger("foretick.ingest.exchange.websockets")
    log.setLevel(logging.WARNING)
    return log


def _framed(payload: bytes) -> bytes:
    return Frame(Opcode.TEXT, payload).serialize(mask=False)


def _response(reply: Answer) -> Response:
    headers = Headers([("Content-Type", "application/json;charset=UTF-8"), ("Content-Length", str(len(reply.body)))])
    headers["Connection"] = "close"
    return Response(reply.status, HTTPStatus(reply.status).phrase, headers, reply.body)
