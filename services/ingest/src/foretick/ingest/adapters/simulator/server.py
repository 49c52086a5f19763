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
from foretick.ingest.adapters.simulator.posts import PostingConnection, connections_posting_to
from foretick.ingest.adapters.simulator.rest import Answer, answer_get, answer_post
from foretick.ingest.domain.exchange import Exchange, VenueMessage
from foretick.ingest.domain.exchange_faults import FaultKind, SimVenue
from foretick.ingest.domain.exchange_requests import streams_in_query
from foretick.ingest.domain.exchange_sessions import BinanceSession, CoinbaseSession, KrakenSession, Session

_TICK_S = 0.01
_LONGEST_CATCH_UP_NS = 1_000_000_000
_MOST_UNSENT_BYTES = 4 * 1024 * 1024
_MOST_REQUEST_BYTES = 64 * 1024
_PING_EVERY_S, _PONG_WITHIN_S = 20, 60
_FAREWELL_S = 2.0
_VENUES = {
    "/stream": SimVenue.SIM,
    "/coinbase": SimVenue.COINBASE, "/coinbase/": SimVenue.COINBASE,
    "/kraken/v2": SimVenue.KRAKEN,
}  # fmt: skip
"""The paths of WebSockets."""

_SLOW_CLIENT = 1008
_GOING_AWAY = 1001


class ExchangeServer:
    """Serves an ``Exchange`` to any number of clients of every protocol. What they all are sent is framed once."""

    def __init__(self, exchange: Exchange, clock: Clock, log: Logger) -> None:
        self._exchange = exchange
        self._clock = clock
        self._log = log
        self._clients: dict[ServerConnection, Session] = {}
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
    def injected_faults(self) -> dict[tuple[SimVenue, FaultKind], int]:
        """Faults injected so far, by venue and kind."""
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
            wanted = {session.venue for session in self._clients.values()} | {SimVenue.SIM}
            self.send(self._exchange.advance_to(now_ns, wanted))
            for connection, session in list(self._clients.items()):
                self._write(connection, session.on_time(now_ns))
            self._befall()

    def send(self, messages: list[VenueMessage]) -> None:
        """Send messages to their subscribers, one write a client; drop clients that do not read."""
        if messages:
            framed: dict[bytes, bytes] = {}
            for connection, session in list(self._clients.items()):
                self._write(connection, session.take(messages), framed)

    def _write(
        self, connection: ServerConnection, payloads: list[bytes], framed: dict[bytes, bytes] | None = None
    ) -> None:
        """Write messages at once; ``framed`` are those that were framed for another client already."""
        if not payloads or connection.state is not State.OPEN or _is_silent(connection):
            return
        if connection.transport.get_write_buffer_size() > _MOST_UNSENT_BYTES:
            self._drop(connection)
            return
        known: dict[bytes, bytes] = {} if framed is None else framed
        for payload in payloads:
            if payload not in known:
                known[payload] = _framed(payload)
        connection.transport.write(b"".join(known[payload] for payload in payloads))
        self.sent_messages += len(payloads)

    def _befall(self) -> None:
        """Cut or silence the connections of venues that have an outage."""
        for outage in self._exchange.take_outages():
            for connection, session in self._clients.items():
                if session.venue is not outage.venue:
                    continue
                if outage.kind is FaultKind.DISCONNECT:
                    connection.transport.abort()
                elif isinstance(connection, PostingConnection):
                    connection.fall_silent()

    async def drain(self) -> None:
        """Tell clients to go, give them a moment, and close."""
        self._draining = True
        for connection, session in list(self._clients.items()):
            self._write(connection, session.farewell(self._clock.now_ns()))
            if _is_silent(connection):
                connection.transport.abort()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._empty.wait(), _FAREWELL_S)
        if self._server is not None:
            self._server.close(code=_GOING_AWAY, reason="the exchange closes")
            await self._server.wait_closed()

    async def _serve_client(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        session = self._new_session(connection.request.path)
        self._clients[connection] = session
        self._empty.clear()
        self._write(connection, session.opening())
        try:
            async for payload in connection:
                self._write(connection, session.answer(payload, self._clock.now_ns()))
        except ConnectionClosed:
            pass  # how a client leaves is its own business; it connects again or not
        finally:
            self._forget(connection)

    def _new_session(self, target: str) -> Session:
        path, _, query = target.partition("?")
        match _VENUES[path]:
            case SimVenue.COINBASE:
                return CoinbaseSession(self._exchange.coinbase)
            case SimVenue.KRAKEN:
                return KrakenSession(self._exchange.kraken)
            case SimVenue.SIM:
                return BinanceSession(streams_in_query(query))

    async def _process_request(self, connection: ServerConnection, request: Request) -> Response | None:
        if request.path.partition("?")[0] in _VENUES:
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


def _is_silent(connection: ServerConnection) -> bool:
    return isinstance(connection, PostingConnection) and connection.is_silent


def _framed(payload: bytes) -> bytes:
    return Frame(Opcode.TEXT, payload).serialize(mask=False)


def _response(reply: Answer) -> Response:
    headers = Headers([("Content-Type", "application/json;charset=UTF-8"), ("Content-Length", str(len(reply.body)))])
    headers["Connection"] = "close"
    return Response(reply.status, HTTPStatus(reply.status).phrase, headers, reply.body)
