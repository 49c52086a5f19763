"""The simulated exchange as something that fails: its doors, its sockets, its requests; and what it was asked, counted.

The exchange itself is the real one. What is counted is counted here, at the venue's side.
"""

import asyncio
import socket
import struct
import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from foretick.common.clock import Clock
from foretick.common.runtime.logs import Logger
from foretick.ingest.adapters.simulator.server import ExchangeServer
from foretick.ingest.domain.exchange import Exchange
from foretick.ingest.domain.exchange_faults import Fault, FaultKind, SimVenue
from foretick.ingest.domain.exchange_sessions import Session
from foretick.market.simulation import SimulatedMarket

from .truth import Truth

_ABRUPTLY = struct.pack("ii", 1, 0)
"""``SO_LINGER`` of a socket whose end is a reset."""

_GOING_AWAY = 1001
_DEPTH = "/api/v3/depth"
_WEIGHTS = {"/api/v3/exchangeInfo": 20.0, "/api/v3/time": 1.0}
"""Binance "REST API": spot. The weight of a book of so many levels is in ``_DEPTH_WEIGHTS``."""

_DEPTH_WEIGHTS = ((100, 5.0), (500, 25.0), (1000, 50.0), (5000, 250.0))


@dataclass
class Asked:
    """What clients asked of a venue, and when, s.

    connects: handshakes that were begun, whatever became of them; a refused connection is not heard of
    messages: requests on sockets, by connection
    weights: requests over REST, with their weight
    books: requests for full books, by symbol
    too_early: requests that came though the venue had said to wait
    """

    connects: list[float] = field(default_factory=list)
    messages: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    weights: list[tuple[float, float]] = field(default_factory=list)
    books: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    too_early: int = 0

    @property
    def all_messages(self) -> list[float]:
        return sorted(at for times in self.messages.values() for at in times)


def most_within(times: Sequence[float], window_s: float, weights: Sequence[float] = ()) -> float:
    """Return the most, by count or weight, that lies in any window of this length.

    >>> most_within([0.0, 0.4, 0.9, 1.1], 1.0), most_within([0.0, 5.0], 1.0, [20.0, 50.0])
    (3, 50.0)
    """
    sums = [0.0]
    for weight in weights or [1] * len(times):
        sums.append(sums[-1] + weight)
    most = max((sums[at + 1] - sums[bisect_left(times, t - window_s + 1e-9)] for at, t in enumerate(times)), default=0)
    return most if weights else int(most)


@dataclass
class Refusal:
    """How the next requests for full books are answered.

    answers: how many
    status: of HTTP
    retry_after_s: for how long nothing may be asked; 0 where the venue does not say
    """

    answers: int
    status: int
    retry_after_s: int = 0


class FailingServer(ExchangeServer):
    """Serves one opening of the exchange."""

    def __init__(
        self, exchange: Exchange, clock: Clock, log: Logger, asked: dict[SimVenue, Asked], truth: Truth
    ) -> None:
        super().__init__(exchange, clock, log)
        self._truth = truth
        self.asked = asked
        self.refusal: Refusal | None = None
        self.shut_until_s = 0.0
        self.opened_s: dict[ServerConnection, float] = {}

    def connections(self, venue: SimVenue | None = None) -> list[ServerConnection]:
        """The connections of a venue, or of all."""
        return [each for each, session in self._clients.items() if venue in (None, session.venue)]

    async def kill(self) -> None:
        """End at once: every socket is reset, the door is shut."""
        for connection in self.connections():
            reset(connection)
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    def _new_session(self, target: str) -> Session:
        session = super()._new_session(target)
        answer, times = session.answer, self.asked[session.venue].messages[id(session)]

        def counted(payload: str | bytes, now_ns: int) -> list[bytes]:
            times.append(time.monotonic())
            return answer(payload, now_ns)

        session.answer = counted  # type: ignore[method-assign]
        return session

    async def _process_request(self, connection: ServerConnection, request: Request) -> Response | None:
        now_s, parts = time.monotonic(), urlsplit(request.path)
        venue = next((each for each in _PATHS if parts.path.startswith(_PATHS[each])), SimVenue.SIM)
        asked = self.asked[venue]
        if "upgrade" in request.headers.get("Connection", "").lower():
            asked.connects.append(now_s)
            self.opened_s[connection] = now_s
            return await super()._process_request(connection, request)
        query = parse_qs(parts.query)
        levels = int(query.get("limit", ["100"])[0])
        depth = next(weight for most, weight in _DEPTH_WEIGHTS if levels <= most)
        asked.weights.append((now_s, depth if parts.path == _DEPTH else _WEIGHTS.get(parts.path, 1.0)))
        if parts.path == _DEPTH:
            symbol = query["symbol"][0]
            asked.books[symbol].append(now_s)
            self._truth.hand_out(self._exchange.market, self._exchange.index_of(symbol))
        if venue is SimVenue.SIM and now_s < self.shut_until_s:
            asked.too_early += 1
        refusal = self.refusal
        if refusal is None or parts.path != _DEPTH:
            return await super()._process_request(connection, request)
        return self._refused(connection, refusal, now_s)

    def _refused(self, connection: ServerConnection, refusal: Refusal, now_s: float) -> Response:
        refusal.answers -= 1
        self.refusal = refusal if refusal.answers else None
        response = connection.respond(refusal.status, '{"code":-1003,"msg":"no"}')
        if refusal.retry_after_s:
            response.headers["Retry-After"] = str(refusal.retry_after_s)
            self.shut_until_s = now_s + refusal.retry_after_s
        return response


_STREAMS = {"/stream": SimVenue.SIM, "/coinbase": SimVenue.COINBASE, "/kraken/v2": SimVenue.KRAKEN}
_PATHS = {SimVenue.COINBASE: "/coinbase", SimVenue.KRAKEN: "/kraken"}


def reset(connection: ServerConnection) -> None:
    """End a connection with a reset."""
    raw = connection.transport.get_extra_info("socket")
    with suppress(OSError):
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABRUPTLY)
    connection.transport.abort()


class FailingExchange:
    """The exchange over its restarts, on one port. ``asked`` is what it was asked, by venue."""

    def __init__(self, symbols: Sequence[str], seed: int, clock: Clock, log: Logger) -> None:
        self.symbols = tuple(symbols)
        self.truth = Truth(symbols)
        self.asked = {venue: Asked() for venue in SimVenue}
        self.port = 0
        self.restarts = 0
        self._clock = clock
        self._log = log
        self._market = SimulatedMarket(symbols, seed, clock.now_ns())
        self.exchange = Exchange(self._market)
        self.server = FailingServer(self.exchange, clock, log, self.asked, self.truth)
        self._running: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Open, with the market where it is."""
        self.exchange = Exchange(self._market)
        self.exchange.fronts["truth"] = self.truth.watch(self._market)  # type: ignore[index] - no venue follows it
        self.server = FailingServer(self.exchange, self._clock, self._log, self.asked, self.truth)
        await self.server.start("127.0.0.1", self.port)
        self.port = self.server.port
        self._running = asyncio.create_task(self.server.run())

    async def close(self, *, announced: bool = False) -> None:
        """Close the door and end all connections; clients are told before if it is ``announced``."""
        assert self._running is not None
        if announced:
            await self.server.drain()
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)
        if not announced:
            await self.server.kill()

    async def reopen(self, slow: bool) -> None:
        """Open again: nothing was traded meanwhile, and numbers begin anew, higher and lower in turn."""
        self.restarts += 1
        self._market.skip_to(self._clock.now_ns())
        if self.restarts % 2:
            self._market.skip_ids(10_000_000)
        else:
            lowest = int(min(self._market.state.instruments[name].min() for name in ("update_id", "trade_id")))
            self._market.skip_ids(1_000_000 * self.restarts - lowest)
        await self.open()
        if slow:
            self.delay_books()

    def delay_books(self) -> None:
        """Let the next full book of each instrument of each venue be late."""
        for venue in SimVenue:
            for symbol in self.symbols:
                self.exchange.inject(Fault(self._clock.now_ns(), FaultKind.SLOW_SNAPSHOT, symbol, venue))

    def forget_delays(self) -> None:
        """Let what was not late yet not be."""
        for front in (self.exchange.fronts[venue] for venue in SimVenue):
            for faults in front.faults:
                while faults.take(FaultKind.SLOW_SNAPSHOT):
                    pass


class Door:
    """What listens on the exchange's port while it is away: who comes is counted by what they ask for.

    mute: they are accepted, and nothing is ever said; else they are reset
    """

    def __init__(self, port: int, asked: dict[SimVenue, Asked], *, mute: bool) -> None:
        self._asked = asked
        self._mute = mute
        self._accepted: list[socket.socket] = []
        self._loop = asyncio.get_running_loop()
        self._socket = socket.create_server(("127.0.0.1", port), backlog=64)
        self._socket.setblocking(False)
        self._loop.add_reader(self._socket, self._accept)

    def _accept(self) -> None:
        with suppress(BlockingIOError):
            accepted, _ = self._socket.accept()
            accepted.setblocking(False)
            self._accepted.append(accepted)
            self._loop.add_reader(accepted, self._hear, accepted)

    def _hear(self, accepted: socket.socket) -> None:
        self._loop.remove_reader(accepted)
        with suppress(OSError):
            target = accepted.recv(4096).partition(b" ")[2].partition(b" ")[0].decode("latin-1")
            path = target.partition("?")[0]
            if path in _STREAMS:
                self._asked[_STREAMS[path]].connects.append(time.monotonic())
        if not self._mute:
            accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABRUPTLY)
            accepted.close()

    def shut(self) -> None:
        """Stop listening. Those who were accepted go on waiting."""
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def forget(self) -> None:
        """End those who wait."""
        for accepted in self._accepted:
            if accepted.fileno() >= 0:
                self._loop.remove_reader(accepted)
                accepted.close()
        self._accepted.clear()
