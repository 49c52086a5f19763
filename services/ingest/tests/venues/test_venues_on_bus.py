"""Whole feeds of venues on a real bus: listings, connections, books, trades, states and polls, from a server here."""

import json
from collections.abc import Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from foretick.common.contracts import BookFrame, TickFrame, Trust
from foretick.common.testing.waiting import eventually
from foretick.ingest.adapters.binance import connector as binance
from foretick.ingest.app.feed import build_feed

from ..feed.test_feed_on_bus import consumer, runtime

Frames = Sequence[object]


@dataclass
class Script:
    """What a venue answers to requests by path, and on its sockets: to whoever opens one or sends a message on it.

    on_open, on_message: the path or the message, and the round -> frames; the round grows each time the venue goes on
    """

    bodies: dict[str, object]
    on_open: Callable[[str, int], Frames] = lambda path, turn: ()
    on_message: Callable[[str, int], Frames] = lambda message, turn: ()
    paths: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    _turn: int = 0
    _parts: list[tuple[ServerConnection, Callable[[int], Frames]]] = field(default_factory=list)

    async def speak(self, connection: ServerConnection) -> None:
        """Serve one socket."""
        assert connection.request is not None
        path = connection.request.path
        self.paths.append(path)
        await self._begin(connection, lambda turn: self.on_open(path, turn))
        with suppress(ConnectionClosed):
            async for message in connection:
                self.messages.append(str(message))
                await self._begin(connection, lambda turn, text=str(message): self.on_message(text, turn))

    async def go_on(self) -> None:
        """Send the next round on every socket."""
        self._turn += 1
        for connection, frames in self._parts:
            await _send(connection, frames(self._turn))

    async def _begin(self, connection: ServerConnection, frames: Callable[[int], Frames]) -> None:
        self._parts.append((connection, frames))
        await _send(connection, frames(0))


async def _send(connection: ServerConnection, frames: Frames) -> None:
    for frame in frames:
        with suppress(ConnectionClosed):
            await connection.send(frame if isinstance(frame, str) else json.dumps(frame))


@asynccontextmanager
async def venue(script: Script):
    """Serve ``script``; yield its host and port."""

    def answer(_connection: ServerConnection, request: Request) -> Response | None:
        body = script.bodies.get(request.path.partition("?")[0])
        if body is None:
            return None
        payload = json.dumps(body).encode()
        return Response(200, "OK", Headers({"content-length": str(len(payload)), "connection": "close"}), payload)

    async with serve(script.speak, "127.0.0.1", 0, process_request=answer) as server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


@asynccontextmanager
async def feed_of(nats_url: str, name: str, symbol: str, script: Script):
    """A feed of one instrument of a venue; yields a wait for what comes of it on the bus."""
    async with venue(script) as address, consumer(nats_url) as frames:
        places = {"VENUE_WS_URLS": f"{name}=ws://{address}", "VENUE_REST_URLS": f"{name}=http://{address}"}
        async with runtime(nats_url, VENUES=name, DEFAULT_SYMBOLS=symbol, **places) as (rt, settings):
            await build_feed(rt, settings)

            async def comes(condition: Callable[[list], bool]) -> None:
                async def holds() -> bool:
                    await script.go_on()
                    return condition(frames)

                await eventually(holds)

            yield comes


def kinds_of(frames) -> set[str]:
    return {kind for frame in frames if isinstance(frame, TickFrame) for kind in frame.kinds}


def is_live(frames) -> bool:
    return any(event.trust is Trust.LIVE for frame in frames if isinstance(frame, BookFrame) for event in frame.events)


def states_of(frames) -> dict[str, set]:
    """Every value that was said of a derivative, by what it is of."""
    told: dict[str, set] = {}
    for frame in frames:
        if isinstance(frame, TickFrame) and frame.derivatives is not None:
            for name in ("mark_price", "index_price", "funding_rate_frac", "open_interest_qty"):
                told.setdefault(name, set()).update(v for v in getattr(frame.derivatives, name) if v is not None)
    return told


USDM_LISTING = {
    "symbol": "BTCUSDT", "baseAsset": "BTC", "quoteAsset": "USDT", "marginAsset": "USDT", "contractType": "PERPETUAL",
    "filters": [
        {"filterType": "PRICE_FILTER", "tickSize": "0.10"},
        {"filterType": "LOT_SIZE", "stepSize": "0.001", "minQty": "0.001"},
    ],
}  # fmt: skip


def usdm_frames(path: str, turn: int) -> list:
    def data(kind: str, **fields) -> dict:
        return {"stream": f"btcusdt@{kind}", "data": {"s": "BTCUSDT", **fields}}

    if path.startswith("/public/stream?streams="):
        return [data("depth@100ms", E=5, U=10 + turn, u=10 + turn, pu=9 + turn, b=[["99.0", "1"]], a=[])]
    assert path.startswith("/market/stream?streams=")
    return [
        data("aggTrade", a=7 + turn, p="100.0", q="0.5", T=5, m=False),
        data("markPrice@1s", E=5, p="100.25", i="100.5", r="0.0001", T=9),
        data("forceOrder", o={"s": "BTCUSDT", "S": "SELL", "p": "98.5", "q": "2", "T": 5}),
    ]


async def test_usdm_futures_come_on_two_connections_and_by_polls(nats_url):
    script = Script(
        {
            "/fapi/v1/exchangeInfo": {"symbols": [USDM_LISTING]},
            "/fapi/v1/depth": {"lastUpdateId": 10, "bids": [["99.0", "2"]], "asks": [["101.0", "1"]]},
            "/fapi/v1/openInterest": {"openInterest": "1234.5", "symbol": "BTCUSDT", "time": 5},
        },
        on_open=usdm_frames,
    )
    async with feed_of(nats_url, "binance-usdm", "BTCUSDT", script) as comes:
        await comes(lambda frames: is_live(frames) and kinds_of(frames) >= {"T", "D", "L"})
        await comes(lambda frames: states_of(frames).get("mark_price") == {100.25})
    assert {path.partition("?")[0] for path in script.paths} == {"/public/stream", "/market/stream"}


async def test_open_interest_of_usdm_futures_is_polled(nats_url, monkeypatch):
    monkeypatch.setattr(binance, "OPEN_INTEREST_S", 0.05)
    script = Script(
        {
            "/fapi/v1/exchangeInfo": {"symbols": [USDM_LISTING]},
            "/fapi/v1/openInterest": {"openInterest": "1234.5", "symbol": "BTCUSDT", "time": 5},
        }
    )
    async with feed_of(nats_url, "binance-usdm", "BTCUSDT", script) as comes:
        await comes(lambda frames: states_of(frames).get("open_interest_qty") == {1234.5})


def bybit_frames(message: str, turn: int) -> list:
    request = json.loads(message)
    if request["op"] == "ping":
        return [{"success": True, "ret_msg": "pong", "op": "ping"}]
    book = {"s": "BTCUSDT", "b": [["99", str(1 + turn)]], "a": [["101", "1"]], "u": 3 + turn}
    state = {"symbol": "BTCUSDT", "markPrice": "100.5", "openInterest": "8", "fundingRate": "0.01"}
    data = {
        "orderbook": book,
        "publicTrade": [{"T": 5, "s": "BTCUSDT", "S": "Buy", "v": "1", "p": "100", "i": f"trade {turn}"}],
        "tickers": state,
        "allLiquidation": [{"T": 5, "s": "BTCUSDT", "S": "Buy", "v": "1", "p": "98"}],
    }
    kind = "delta" if turn else "snapshot"
    return [{"topic": topic, "type": kind, "ts": 5, "data": data[topic.partition(".")[0]]} for topic in request["args"]]


async def test_bybits_contracts_come_on_one_connection(nats_url):
    listing = {
        "symbol": "BTCUSDT", "status": "Trading", "baseCoin": "BTC", "quoteCoin": "USDT",
        "contractType": "LinearPerpetual", "priceFilter": {"tickSize": "0.5"}, "lotSizeFilter": {"qtyStep": "0.001"},
    }  # fmt: skip
    script = Script(
        {"/v5/market/instruments-info": {"retCode": 0, "result": {"list": [listing], "nextPageCursor": ""}}},
        on_message=bybit_frames,
    )
    async with feed_of(nats_url, "bybit-linear", "BTCUSDT", script) as comes:
        await comes(lambda frames: is_live(frames) and kinds_of(frames) >= {"T", "Q", "D", "L"})
        await comes(lambda frames: states_of(frames)["open_interest_qty"] == {8.0})
    assert script.paths == ["/v5/public/linear"]


SWAP = "BTC-USDT-SWAP"


def okx_frames(message: str, turn: int) -> list:
    if message == "ping":
        return ["pong"]
    levels = {"asks": [["101", "1", "0", "1"]], "bids": [["99", str(1 + turn), "0", "1"]]}
    numbers = {"seqId": 4 + turn, "prevSeqId": 3 + turn if turn else -1, "checksum": 0}
    data = {
        "books": [{"ts": "5", **levels, **numbers}],
        "trades": [{"instId": SWAP, "tradeId": str(6 + turn), "px": "100", "sz": "1", "side": "sell", "ts": "5"}],
        "mark-price": [{"instId": SWAP, "markPx": "100.5", "ts": "5"}],
        "index-tickers": [{"instId": "BTC-USDT", "idxPx": "100.25", "ts": "5"}],
        "funding-rate": [{"instId": SWAP, "fundingRate": "0.01", "fundingTime": "9", "ts": "5"}],
        "open-interest": [{"instId": SWAP, "oi": "8", "ts": "5"}],
        "status": [],
        "liquidation-orders": [{"instId": SWAP, "details": [{"bkPx": "98", "sz": "1", "side": "sell", "ts": "5"}]}],
    }
    action = {"action": "update" if turn else "snapshot"}
    return [{"arg": each, "data": data[each["channel"]], **action} for each in json.loads(message)["args"]]


async def test_okxs_swaps_come_with_liquidations_on_a_connection_of_their_own(nats_url):
    listing = {
        "instType": "SWAP", "instId": SWAP, "state": "live", "tickSz": "0.1", "lotSz": "0.01", "uly": "BTC-USDT",
        "ctType": "linear", "ctVal": "0.01", "ctMult": "1",
    }  # fmt: skip
    script = Script({"/api/v5/public/instruments": {"code": "0", "data": [listing]}}, on_message=okx_frames)
    told = {
        "mark_price": {100.5}, "index_price": {100.25}, "funding_rate_frac": {0.01}, "open_interest_qty": {8.0},
    }  # fmt: skip
    async with feed_of(nats_url, "okx-swap", "BTCUSDT", script) as comes:
        await comes(lambda frames: is_live(frames) and kinds_of(frames) >= {"T", "Q", "D", "L"})
        await comes(lambda frames: states_of(frames) == told)
    asked = [[each["channel"] for each in json.loads(message)["args"]] for message in script.messages]
    assert script.paths == ["/ws/v5/public"] * 2
    assert asked.count(["liquidation-orders"]) == 1


@pytest.mark.parametrize("name", ["binance-usdm", "bybit-linear", "okx-swap"])
async def test_venue_that_lists_nothing_asked_for_says_so_and_connects_nowhere(nats_url, name):
    script = Script(
        {
            "/fapi/v1/exchangeInfo": {"symbols": []},
            "/v5/market/instruments-info": {"retCode": 0, "result": {"list": [], "nextPageCursor": ""}},
            "/api/v5/public/instruments": {"code": "0", "data": []},
        }
    )
    async with venue(script) as address:
        places = {"VENUE_WS_URLS": f"{name}=ws://{address}", "VENUE_REST_URLS": f"{name}=http://{address}"}
        async with runtime(nats_url, VENUES=name, DEFAULT_SYMBOLS="BTCUSDT", **places) as (rt, settings):
            await build_feed(rt, settings)
            await eventually(lambda: "lists none of BTCUSDT" in str(rt.health.report()))
    assert script.paths == []
