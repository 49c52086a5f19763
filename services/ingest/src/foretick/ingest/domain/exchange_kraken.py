"""Kraken's wire format, WebSocket v2, from the venue's side: what the simulated exchange sends, to the byte.

``KrakenInstrumentWire`` writes the messages of one instrument, from ticks, lots and ns: ``book`` (the best levels of a
subscription's depth, or what ``exchange_book`` tells of their change, with the checksum of the book after it) and
``trades``. ``checksum`` is of the ten best levels. ``STATUS``, ``HEARTBEAT``, ``subscribed``, ``unsubscribed``,
``refused`` and ``pong`` are the messages beside the market; ``pairs`` is a REST body.

Sources: Kraken "Spot WebSocket v2": Book (level 2), "Book checksum", Trade, Status, Heartbeat, Ping; "Spot REST": Get
Tradable Asset Pairs. Key order is that of the documented examples; numbers have all digits of their pair.
"""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from foretick.ingest.domain.exchange_events import Level, TradeEvent
from foretick.ingest.domain.exchange_text import E8, digits_of, fixed_text, micro_text
from foretick.market.integrity.checksums import kraken_crc32_of
from foretick.market.simulation import Listing

BOOK_CHANNEL, TRADE_CHANNEL = "book", "trade"
DEPTHS = (10, 25, 100, 500, 1000)
"""Levels a side that a book may be subscribed to with."""

HEARTBEAT = b'{"channel":"heartbeat"}'
STATUS = (
    b'{"channel":"status","type":"update","data":[{"api_version":"v2","connection_id":12393906104898154338,'
    b'"system":"online","version":"2.0.0"}]}'
)
"""What a connection begins with."""

_CHECKED_LEVELS = 10
_OTHER_NAMES = {"BTC": "XBT", "DOGE": "XDG"}
"""Assets that REST calls otherwise than WebSocket v2."""


class KrakenInstrumentWire:
    """Writes the messages of one instrument, such as ``BTC/USDT``."""

    def __init__(self, listing: Listing) -> None:
        self.symbol = f"{listing.base}/{listing.quote}"
        self._tick_e8 = int(listing.tick_size * E8)
        self._lot_e8 = int(listing.lot_size * E8)
        self._price_digits = digits_of(self._tick_e8)
        self._qty_digits = digits_of(self._lot_e8)

    def book(
        self, event_ns: int, sides: tuple[Iterable[Level], Iterable[Level]], checksum: int, *, is_snapshot: bool
    ) -> bytes:
        """Write a message of ``book``: bids and asks best first, or changed levels, of which quantity 0 removes."""
        bids, asks = (self._levels(side) for side in sides)
        return (
            f'{{"channel":"book","type":"{_type(is_snapshot)}","data":[{{"symbol":"{self.symbol}","bids":[{bids}],'
            f'"asks":[{asks}],"checksum":{checksum},"timestamp":"{micro_text(event_ns)}"}}]}}'
        ).encode()

    def trades(self, trades: Iterable[TradeEvent], *, is_snapshot: bool) -> bytes:
        """Write a message of ``trade``, in the order in which they happened. The side is that of who took."""
        data = ",".join(
            f'{{"symbol":"{self.symbol}","side":"{"buy" if trade.aggressor > 0 else "sell"}",'
            f'"price":{self._price(trade.level[0])},"qty":{self._qty(trade.level[1])},"ord_type":"market",'
            f'"trade_id":{trade.trade_id},"timestamp":"{micro_text(trade.event_ns)}"}}'
            for trade in trades
        )
        return f'{{"channel":"trade","type":"{_type(is_snapshot)}","data":[{data}]}}'.encode()

    def _levels(self, side: Iterable[Level]) -> str:
        return ",".join(f'{{"price":{self._price(ticks)},"qty":{self._qty(lots)}}}' for ticks, lots in side)

    def _price(self, ticks: int) -> str:
        return fixed_text(ticks, self._tick_e8, self._price_digits)

    def _qty(self, lots: int) -> str:
        return fixed_text(lots, self._lot_e8, self._qty_digits)


def checksum(bids: Sequence[Level], asks: Sequence[Level]) -> int:
    """Return the checksum of a book, sides best first."""
    return kraken_crc32_of(bids[:_CHECKED_LEVELS], asks[:_CHECKED_LEVELS])


def subscribed(result: Mapping[str, object], now_ns: int, request_id: int | None) -> bytes:
    """Write the answer to a subscription of one symbol, whose settings are ``result``."""
    return _answer("subscribe", {"result": dict(result), "success": True}, now_ns, request_id)


def unsubscribed(result: Mapping[str, object], now_ns: int, request_id: int | None) -> bytes:
    """Write the answer to the end of a subscription."""
    return _answer("unsubscribe", {"result": dict(result), "success": True}, now_ns, request_id)


def refused(method: str, text: str, now_ns: int, request_id: int | None, symbol: str | None = None) -> bytes:
    """Write a refusal; ``method`` is empty where the request named none that exists."""
    named = {"method": method} if method else {}
    about = {"symbol": symbol} if symbol is not None else {}
    at = micro_text(now_ns)
    numbered = {} if request_id is None else {"req_id": request_id}
    return msgspec.json.encode(
        {"error": text, **named, **numbered, "success": False, **about, "time_in": at, "time_out": at}
    )


def pong(now_ns: int, request_id: int | None) -> bytes:
    """Write the answer to a ping."""
    numbered = {} if request_id is None else {"req_id": request_id}
    at = micro_text(now_ns)
    return msgspec.json.encode({"method": "pong", **numbered, "time_in": at, "time_out": at})


def pairs(listings: Iterable[Listing]) -> bytes:
    """Write the body of ``GET /0/public/AssetPairs``, by the names of REST."""
    return msgspec.json.encode({"error": [], "result": dict(map(_pair, listings))})


def rest_error(text: str) -> bytes:
    """Write the body of a refused REST request."""
    return msgspec.json.encode({"error": [text]})


def _answer(method: str, outcome: Mapping[str, object], now_ns: int, request_id: int | None) -> bytes:
    at = micro_text(now_ns)
    numbered = {} if request_id is None else {"req_id": request_id}
    return msgspec.json.encode({"method": method, **outcome, "time_in": at, "time_out": at, **numbered})


def _pair(listing: Listing) -> tuple[str, dict[str, object]]:
    base, quote = (_OTHER_NAMES.get(asset, asset) for asset in (listing.base, listing.quote))
    name = listing.symbol if listing.symbol == listing.base else f"{base}{quote}"
    return name, {
        "altname": name,
        "wsname": f"{base}/{quote}",
        "aclass_base": "currency",
        "base": base,
        "aclass_quote": "currency",
        "quote": quote,
        "lot": "unit",
        "cost_decimals": 5,
        "pair_decimals": digits_of(int(listing.tick_size * E8)),
        "lot_decimals": digits_of(int(listing.lot_size * E8)),
        "lot_multiplier": 1,
        "leverage_buy": [],
        "leverage_sell": [],
        "fees": [[0, 0.4]],
        "fees_maker": [[0, 0.25]],
        "fee_volume_currency": "ZUSD",
        "margin_call": 80,
        "margin_stop": 40,
        "ordermin": f"{listing.lot_size:f}",
        "costmin": "0.5",
        "tick_size": f"{listing.tick_size:f}",
        "status": "online",
        "long_position_limit": 80,
        "short_position_limit": 80,
    }


def _type(is_snapshot: bool) -> str:
    return "snapshot" if is_snapshot else "update"
