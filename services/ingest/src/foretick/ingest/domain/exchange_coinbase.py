"""Coinbase Advanced Trade's wire format from the venue's side: what the simulated exchange sends, to the byte.

``CoinbaseInstrumentWire`` writes the events of one instrument, from ticks, lots and ns: ``book`` (all of it, or what
changed) and ``trades``. ``message`` puts events under their channel, with the number that counts all of a connection's
messages. ``subscriptions``, ``heartbeat`` and ``status`` write the events of the other channels; ``error`` is a message
without a number; ``products`` and ``server_time`` are REST bodies.

Sources: Coinbase Advanced Trade "WebSocket Channels" (level2, market_trades, status, heartbeats, subscriptions),
"WebSocket Overview" (``sequence_num``), and "Public" REST (``market/products``, ``time``). Key order and number formats
are those of recorded frames; ``error`` has the shape of Coinbase Exchange's, which the venue documents.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

import msgspec

from foretick.common.units import NS_PER_MS, NS_PER_S
from foretick.ingest.domain.exchange_events import Level, TradeEvent
from foretick.ingest.domain.exchange_text import E8, instant_text, plain_text
from foretick.market.simulation import Listing

BOOK_CHANNEL, TRADE_CHANNEL, STATUS_CHANNEL, HEARTBEAT_CHANNEL = "level2", "market_trades", "status", "heartbeats"

_SENT_AS = {BOOK_CHANNEL: "l2_data"}
"""Channels whose messages have another name than their subscription."""


class CoinbaseInstrumentWire:
    """Writes the events of one instrument, such as ``BTC-USDT``."""

    def __init__(self, listing: Listing) -> None:
        self.symbol = f"{listing.base}-{listing.quote}"
        self._tick_e8 = int(listing.tick_size * E8)
        self._lot_e8 = int(listing.lot_size * E8)

    def book(self, event_ns: int, bids: Iterable[Level], asks: Iterable[Level], *, is_snapshot: bool) -> bytes:
        """Write the events of ``level2``: the whole book, best first, or changed levels, where quantity 0 removes."""
        at = instant_text(event_ns)
        levels = ",".join(
            f'{{"side":"{name}","event_time":"{at}","price_level":"{self._price(ticks)}",'
            f'"new_quantity":"{self._qty(lots)}"}}'
            for name, side in (("bid", bids), ("offer", asks))
            for ticks, lots in side
        )
        return (f'[{{"type":"{_type(is_snapshot)}","product_id":"{self.symbol}","updates":[{levels}]}}]').encode()

    def trades(self, trades: Sequence[TradeEvent], *, is_snapshot: bool) -> bytes:
        """Write the events of ``market_trades``, the latest of ``trades`` first. The side is the maker's."""
        written = ",".join(
            f'{{"product_id":"{self.symbol}","trade_id":"{trade.trade_id}","price":"{self._price(trade.level[0])}",'
            f'"size":"{self._qty(trade.level[1])}","time":"{instant_text(trade.event_ns)}",'
            f'"side":"{"SELL" if trade.aggressor > 0 else "BUY"}"}}'
            for trade in reversed(trades)
        )
        return f'[{{"type":"{_type(is_snapshot)}","trades":[{written}]}}]'.encode()

    def _price(self, ticks: int) -> str:
        return plain_text(ticks, self._tick_e8)

    def _qty(self, lots: int) -> str:
        return plain_text(lots, self._lot_e8)


def message(channel: str, now_ns: int, number: int, events: bytes) -> bytes:
    """Write a message of a channel, by the name that it is subscribed to; ``number`` counts from 0."""
    head = f'{{"channel":"{_SENT_AS.get(channel, channel)}","timestamp":"{instant_text(now_ns)}",'
    return f'{head}"sequence_num":{number},"events":'.encode() + events + b"}"


def subscriptions(symbols_by_channel: Mapping[str, Sequence[str]]) -> bytes:
    """Write the events of ``subscriptions``: all that a connection is subscribed to now."""
    by_channel = {name: list(symbols_by_channel[name]) for name in sorted(symbols_by_channel)}
    return msgspec.json.encode([{"subscriptions": by_channel}])


def heartbeat(now_ns: int, counter: int) -> bytes:
    """Write the events of ``heartbeats``; ``counter`` is the seconds that the venue's server has been up."""
    seconds, rest = divmod(now_ns, NS_PER_S)
    at = f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}.{rest:09d} +0000 UTC m=+{counter}.{rest:09d}"
    return msgspec.json.encode([{"current_time": at, "heartbeat_counter": counter}])


def status(listings: Iterable[Listing]) -> bytes:
    """Write the events of ``status``: all of ``listings`` are online."""
    products = [
        {
            "product_type": "SPOT",
            "id": f"{listing.base}-{listing.quote}",
            "base_currency": listing.base,
            "quote_currency": listing.quote,
            "base_increment": f"{listing.lot_size:f}",
            "quote_increment": f"{listing.tick_size:f}",
            "display_name": f"{listing.base}/{listing.quote}",
            "status": "online",
            "status_message": "",
            "min_market_funds": "1",
        }
        for listing in listings
    ]
    return msgspec.json.encode([{"type": "snapshot", "products": products}])


def error(text: str, reason: str = "") -> bytes:
    """Write a refusal, which has no number."""
    refusal = {"type": "error", "message": text}
    return msgspec.json.encode(refusal | {"reason": reason} if reason else refusal)


def products(listings: Iterable[Listing]) -> bytes:
    """Write the body of ``GET /api/v3/brokerage/market/products``; a listing's own symbol is an alias of it."""
    written = [_product(listing) for listing in listings]
    return msgspec.json.encode({"products": written, "num_products": len(written)})


def server_time(now_ns: int) -> bytes:
    """Write the body of ``GET /api/v3/brokerage/time``."""
    seconds = now_ns // NS_PER_S
    return msgspec.json.encode(
        {
            "iso": instant_text(seconds * NS_PER_S),
            "epochSeconds": str(seconds),
            "epochMillis": str(now_ns // NS_PER_MS),
        }
    )


def rest_error(code: str, text: str) -> bytes:
    """Write the body of a refused REST request."""
    return msgspec.json.encode({"error": code, "code": 3, "message": text})


def _product(listing: Listing) -> dict[str, object]:
    symbol = f"{listing.base}-{listing.quote}"
    return {
        "product_id": symbol,
        "price": f"{listing.price:f}",
        "base_increment": f"{listing.lot_size:f}",
        "quote_increment": f"{listing.tick_size:f}",
        "quote_min_size": "1",
        "quote_max_size": "10000000",
        "base_min_size": f"{listing.lot_size:f}",
        "base_max_size": "1000000",
        "base_name": listing.base,
        "quote_name": listing.quote,
        "watched": False,
        "is_disabled": False,
        "new": False,
        "status": "online",
        "cancel_only": False,
        "limit_only": False,
        "post_only": False,
        "trading_disabled": False,
        "auction_mode": False,
        "product_type": "SPOT",
        "quote_currency_id": listing.quote,
        "base_currency_id": listing.base,
        "fcm_trading_session_details": None,
        "mid_market_price": "",
        "alias": "",
        "alias_to": [listing.symbol],
        "base_display_symbol": listing.base,
        "quote_display_symbol": listing.quote,
        "view_only": False,
        "price_increment": f"{listing.tick_size:f}",
        "display_name": symbol,
        "product_venue": "CBE",
    }


def _type(is_snapshot: bool) -> str:
    return "snapshot" if is_snapshot else "update"
