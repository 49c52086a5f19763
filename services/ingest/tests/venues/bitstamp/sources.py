"""Bitstamp's capture, told in the words of channel ``order_book``, and how its messages are read without the product.

What was captured is ``diff_order_book`` and the full books of REST: here they are put together, and after each update
the best 100 levels are told, as that channel tells them. Source: Bitstamp "WebSocket API v2".
"""

import json
from collections.abc import Iterator, Mapping, Sequence

from foretick.ingest.adapters.bitstamp.connector import RULES
from foretick.ingest.adapters.bitstamp.parse import BitstampWire
from foretick.ingest.domain.events import Received
from foretick.ingest.domain.listing import Listing
from foretick.market.book import PriceGrid

from ..conformance.captures import captured, request_body
from ..conformance.source import Level, Source, VenueBook, with_json_level
from ..conformance.told import BookTold, Told, TradeTold

_FILE = "BITSTAMP.jsonl.zst"
_DIFF = "diff_order_book_"
_LEVELS = 100

Side = dict[float, list[str]]


def read(frame: Received) -> Sequence[Told]:
    """Return what one frame says."""
    message = json.loads(frame.payload)
    channel, data = message["channel"], message["data"]
    if message["event"] == "trade":
        symbol, side = channel.removeprefix("live_trades_"), 1 if data["buy_order_id"] > data["sell_order_id"] else -1
        return [TradeTold(symbol, float(data["price_str"]), float(data["amount_str"]), side, data["id"])]
    if message["event"] != "data":
        return []
    sides = ({float(price): float(qty) for price, qty in data[side]} for side in ("bids", "asks"))
    return [BookTold(channel.removeprefix("order_book_"), *sides, is_full=True, id=int(data["microtimestamp"]))]


def with_level(payload: bytes, side: str, price: Level, qty: Level) -> bytes:
    """Return a book with one more level."""
    return with_json_level(payload, ("data", side), [price, qty])


def full_books(books: Mapping[str, VenueBook], at: Received) -> Sequence[Received]:
    """Return the books once more."""
    return [
        _told(at, symbol, book.id, [[f"{p:.8f}", f"{q:.8f}"] for p, q in book.bids.items()],
              [[f"{p:.8f}", f"{q:.8f}"] for p, q in book.asks.items()])
        for symbol, book in books.items()
    ]  # fmt: skip


def _told(at: Received, symbol: str, time: int | str, bids: list[list[str]], asks: list[list[str]]) -> Received:
    data = {"timestamp": str(time)[:10], "microtimestamp": str(time), "bids": bids, "asks": asks}
    message = {"data": data, "channel": f"order_book_{symbol}", "event": "data"}
    return at._replace(payload=json.dumps(message).encode(), symbol=None, connection=1)


class _Books:
    """The books of the capture: of REST, then by their updates."""

    def __init__(self) -> None:
        self._sides: dict[str, tuple[Side, Side]] = {}
        self._times: dict[str, int] = {}

    def begin(self, body: Received) -> Iterator[Received]:
        data, symbol = json.loads(body.payload), body.symbol or ""
        self._sides[symbol] = tuple({float(level[0]): level for level in data[side]} for side in ("bids", "asks"))
        yield self._whole(body, symbol, int(data["microtimestamp"]))

    def update(self, frame: Received, symbol: str, data: dict) -> Iterator[Received]:
        time = int(data["microtimestamp"])
        if symbol not in self._sides or time <= self._times[symbol]:
            return
        for side, key in zip(self._sides[symbol], ("bids", "asks"), strict=True):
            for level in data[key]:
                if float(level[1]):
                    side[float(level[0])] = level
                else:
                    side.pop(float(level[0]), None)
        yield self._whole(frame, symbol, time)

    def _whole(self, at: Received, symbol: str, time: int) -> Received:
        self._times[symbol] = time
        bids, asks = self._sides[symbol]
        best = [bids[price] for price in sorted(bids, reverse=True)], [asks[price] for price in sorted(asks)]
        return _told(at, symbol, time, *(levels[:_LEVELS] for levels in best))


def _symbol_of(url: str) -> str | None:
    return url.partition("/order_book/")[2].strip("/") or None


def _frames() -> Iterator[Received]:
    books = _Books()
    for frame in captured(_FILE, _symbol_of):
        message = json.loads(frame.payload)
        if frame.symbol is not None:
            yield from books.begin(frame)
        elif message["channel"].startswith(_DIFF) and message["event"] == "data":
            yield from books.update(frame, message["channel"].removeprefix(_DIFF), message["data"])
        else:
            yield frame


def load() -> Source:
    """Return all of the capture."""
    listings = [
        Listing(
            pair["url_symbol"], *pair["name"].split("/"),
            PriceGrid(float(f"1e-{pair['counter_decimals']}"), float(f"1e-{pair['base_decimals']}")),
        )
        for pair in json.loads(request_body(_FILE, "trading-pairs-info"))
    ]  # fmt: skip
    frames = list(_frames())
    followed = {each.symbol for frame in frames for each in read(frame)}
    return Source(
        f"captured {_FILE}, told as order_book", RULES, lambda: BitstampWire("bitstamp"),
        [each for each in listings if each.symbol in followed], frames, read, with_level, full_books,
        kept_levels=_LEVELS,
    )  # fmt: skip


SOURCES = {f"captured {_FILE}, told as order_book": load}
CAPTURES = {_FILE: ("WebSocket v2 of 2022, its books told as channel order_book tells them", [load])}
