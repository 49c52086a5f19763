"""A venue under load: speaks Binance spot's protocol at a fixed open-loop rate of ticks, as its own process.

Trades, and after each trade a best bid/ask; every 100 ms a depth update that moves the price by a tick now and then.
The send time of every frame that carries the venue's clock is kept by (symbol, that clock) and written at the end, so
that a message can be traced back to the instant its bytes left.
"""

import argparse
import asyncio
import json
import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar
from urllib.parse import parse_qs, urlparse

import picows
import uvloop

LEVELS = 20
_DEPTH_S = 0.1
_TURN_S = 0.001


@dataclass(slots=True)
class Book:
    """A symbol's market: 5 units on each of the levels around the middle (ticks of 0.01), ``touch`` on the best bid."""

    symbol: str
    mid: int = 6_000_000
    touch: int = 5
    update_id: int = 1_000
    depth_id: int = 1_000
    trade_id: int = 0
    trades: int = 0
    quotes: int = 0
    depths: int = 0
    sent_ns_by_event_ms: dict[int, int] = field(default_factory=dict)

    def snapshot(self) -> dict[str, object]:
        """Return the REST depth reply."""
        return {
            "lastUpdateId": self.update_id,
            "bids": [[price(self.mid - k), qty(self.touch if k == 1 else 5)] for k in range(1, LEVELS + 1)],
            "asks": [[price(self.mid + k), qty(5)] for k in range(1, LEVELS + 1)],
        }

    def trade(self, now_ms: int, buyer_is_maker: bool) -> bytes:
        """Return a trade at the touch."""
        self.trade_id += 1
        self.trades += 1
        at = self.mid - 1 if buyer_is_maker else self.mid + 1
        return (
            f'{{"stream":"{self.symbol.lower()}@trade","data":{{"e":"trade","E":{now_ms},"s":"{self.symbol}",'
            f'"t":{self.trade_id},"p":"{price(at)}","q":"0.01000000","T":{now_ms},'
            f'"m":{"true" if buyer_is_maker else "false"},"M":true}}}}'
        ).encode()

    def quote(self, touch: int) -> bytes:
        """Change the best bid's quantity to ``touch`` and return the best bid and ask."""
        self.quotes += 1
        self.update_id += 1
        self.touch = touch
        return (
            f'{{"stream":"{self.symbol.lower()}@bookTicker","data":{{"u":{self.update_id},"s":"{self.symbol}",'
            f'"b":"{price(self.mid - 1)}","B":"{qty(touch)}","a":"{price(self.mid + 1)}","A":"5.00000000"}}}}'
        ).encode()

    def depth(self, now_ms: int, move: int) -> bytes:
        """Move the middle by ``move`` ticks (-1, 0, 1), every level back to 5, and return all that changed since."""
        old, self.mid, self.touch = self.mid, self.mid + move, 5
        self.update_id += 1
        first_id, self.depth_id = self.depth_id + 1, self.update_id
        self.depths += 1
        bids, asks = [[price(old - 1), qty(5)]], [[price(old + 1), qty(5)]]
        if move > 0:
            asks = [[price(old + 1), qty(0)], [price(self.mid + LEVELS), qty(5)]]
            bids += [[price(self.mid - 1), qty(5)], [price(old - LEVELS), qty(0)]]
        elif move < 0:
            bids = [[price(old - 1), qty(0)], [price(self.mid - LEVELS), qty(5)]]
            asks += [[price(self.mid + 1), qty(5)], [price(old + LEVELS), qty(0)]]
        data = {
            "e": "depthUpdate", "E": now_ms, "s": self.symbol, "U": first_id, "u": self.update_id,
            "b": bids, "a": asks,
        }  # fmt: skip
        return json.dumps(
            {"stream": f"{self.symbol.lower()}@depth@100ms", "data": data}, separators=(",", ":")
        ).encode()


def price(ticks: int) -> str:
    """Return a price in ticks of 0.01 as the venue writes it."""
    return f"{ticks // 100}.{ticks % 100:02d}000000"


def qty(units: int) -> str:
    """Return a whole quantity as the venue writes it."""
    return f"{units}.00000000"


class Rest(BaseHTTPRequestHandler):
    """exchangeInfo, depth and time."""

    books: dict[str, Book]

    def do_GET(self) -> None:
        """Answer the three endpoints that a local order book needs."""
        url = urlparse(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        if url.path == "/api/v3/depth":
            reply: object = self.books[query["symbol"]].snapshot()
        elif url.path == "/api/v3/exchangeInfo":
            reply = {"symbols": [describe(symbol) for symbol in self.books]}
        else:
            reply = {"serverTime": time.time_ns() // 1_000_000}
        body = json.dumps(reply).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


def describe(symbol: str) -> dict[str, object]:
    """Return a symbol's entry of exchangeInfo."""
    return {
        "symbol": symbol, "status": "TRADING", "baseAsset": symbol[:-4], "quoteAsset": symbol[-4:],
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000.00", "tickSize": "0.01000000"},
            {"filterType": "LOT_SIZE", "minQty": "0.00000100", "maxQty": "9000.00000000", "stepSize": "0.00000100"},
        ],
    }  # fmt: skip


class Client(picows.WSListener):
    """A connected consumer."""

    clients: ClassVar[set[picows.WSTransport]] = set()

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        self.clients.add(transport)
        self.transport = transport

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        """Consumers only listen; pings are answered by the library."""

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:
        self.clients.discard(transport)


async def stream(books: list[Book], ticks_per_s: float, stop: asyncio.Event, seed: int) -> float:
    """Send ticks on an open-loop schedule while a client is connected; return the seconds streamed."""
    rng = random.Random(seed)
    loop = asyncio.get_running_loop()
    while not Client.clients and not stop.is_set():  # noqa: ASYNC110 - also ends on stop
        await asyncio.sleep(0.01)
    start, sent, depths = loop.time(), 0, 0
    while not stop.is_set():
        elapsed = loop.time() - start
        while depths < int(elapsed / _DEPTH_S) * len(books):
            book = books[depths % len(books)]
            depths += 1
            emit(book, lambda now_ms, book=book: book.depth(now_ms, rng.choice((-1, 0, 0, 1))))
        due = int(elapsed * ticks_per_s)
        while sent < due:
            book = books[(sent // 2) % len(books)]
            emit(book, lambda now_ms, book=book: book.trade(now_ms, rng.random() < 0.5))
            emit(book, lambda _, book=book: book.quote(rng.randrange(1, 10)), stamped=False)
            sent += 2
        await asyncio.sleep(_TURN_S)
    return loop.time() - start


def emit(book: Book, make: Callable[[int], bytes], *, stamped: bool = True) -> None:
    """Send one frame to every client; a stamped one is remembered by the venue's clock, the earliest of each ms."""
    now_ns = time.time_ns()
    frame = make(now_ns // 1_000_000)
    if stamped:
        book.sent_ns_by_event_ms.setdefault(now_ns // 1_000_000, now_ns)
    for client in tuple(Client.clients):
        client.send(picows.WSMsgType.TEXT, frame)


async def main(options: argparse.Namespace) -> dict[str, object]:
    """Serve until SIGTERM, then return what was sent."""
    books = {symbol: Book(symbol) for symbol in options.symbols.split(",")}
    rest = ThreadingHTTPServer(("127.0.0.1", options.rest_port), type("BookRest", (Rest,), {"books": books}))
    Thread(target=rest.serve_forever, daemon=True).start()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    server = await picows.ws_create_server(lambda _request: Client(), "127.0.0.1", options.ws_port)
    seconds = await stream(list(books.values()), options.rate, stop, options.seed)
    server.close()
    return {
        "seconds": seconds,
        "symbols": {
            book.symbol: {
                "trades": book.trades, "quotes": book.quotes, "depths": book.depths,
                "sent_ns_by_event_ms": book.sent_ns_by_event_ms,
            }
            for book in books.values()
        },
    }  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ws-port", type=int, required=True)
    parser.add_argument("--rest-port", type=int, required=True)
    parser.add_argument("--symbols", required=True)
    parser.add_argument("--rate", type=float, required=True, help="ticks a second over all symbols")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--report", required=True)
    options = parser.parse_args()
    Path(options.report).write_text(json.dumps(uvloop.run(main(options))))
