"""Binance spot's wire format from the venue's side: what the simulated exchange sends, to the byte.

Sources: Binance "WebSocket Streams" (trade, diff. depth, individual book ticker, combined envelope, serverShutdown) and
"REST API" (depth, exchangeInfo, time, error codes). Key order and number formats are those of recorded frames.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal

import msgspec

from foretick.common.units import NS_PER_MS
from foretick.ingest.domain.exchange_events import Level
from foretick.ingest.domain.exchange_text import E8, decimal_text
from foretick.market.simulation import Listing


class InstrumentWire:
    """Writes the messages of one instrument."""

    def __init__(self, listing: Listing) -> None:
        self.symbol = listing.symbol
        lower = listing.symbol.lower()
        self.trade_stream = f"{lower}@trade"
        self.quote_stream = f"{lower}@bookTicker"
        self.depth_stream = f"{lower}@depth@100ms"
        self._tick_e8 = int(listing.tick_size * E8)
        self._lot_e8 = int(listing.lot_size * E8)

    def price(self, ticks: int) -> str:
        """Return a price as text."""
        return decimal_text(ticks, self._tick_e8)

    def qty(self, lots: int) -> str:
        """Return a quantity as text."""
        return decimal_text(lots, self._lot_e8)

    def trade(self, event_ns: int, trade_id: int, level: Level, aggressor: int) -> bytes:
        """Write a trade; ``m`` says that the buyer was the maker, so that the aggressor sold."""
        ms = event_ns // NS_PER_MS
        maker_bought = "false" if aggressor > 0 else "true"
        return (
            f'{{"stream":"{self.trade_stream}","data":{{"e":"trade","E":{ms},"s":"{self.symbol}","t":{trade_id},'
            f'"p":"{self.price(level[0])}","q":"{self.qty(level[1])}","T":{ms},"m":{maker_bought},"M":true}}}}'
        ).encode()

    def quote(self, update_id: int, bid: Level, ask: Level) -> bytes:
        """Write the best bid and ask."""
        return (
            f'{{"stream":"{self.quote_stream}","data":{{"u":{update_id},"s":"{self.symbol}",'
            f'"b":"{self.price(bid[0])}","B":"{self.qty(bid[1])}",'
            f'"a":"{self.price(ask[0])}","A":"{self.qty(ask[1])}"}}}}'
        ).encode()

    def depth(self, event_ns: int, ids: tuple[int, int], bids: Iterable[Level], asks: Iterable[Level]) -> bytes:
        """Write changed levels (quantity 0 removes) covering the update ids ``ids``, first and last."""
        return (
            f'{{"stream":"{self.depth_stream}","data":{{"e":"depthUpdate","E":{event_ns // NS_PER_MS},'
            f'"s":"{self.symbol}","U":{ids[0]},"u":{ids[1]},"b":{self._levels(bids)},"a":{self._levels(asks)}}}}}'
        ).encode()

    def snapshot(self, last_update_id: int, bids: Iterable[Level], asks: Iterable[Level]) -> bytes:
        """Write the body of ``GET /api/v3/depth``."""
        return (f'{{"lastUpdateId":{last_update_id},"bids":{self._levels(bids)},"asks":{self._levels(asks)}}}').encode()

    def _levels(self, levels: Iterable[Level]) -> str:
        return "[" + ",".join(f'["{self.price(ticks)}","{self.qty(lots)}"]' for ticks, lots in levels) + "]"


def exchange_info(now_ns: int, listings: Sequence[Listing]) -> bytes:
    """Write the body of ``GET /api/v3/exchangeInfo``."""
    return msgspec.json.encode(
        {
            "timezone": "UTC",
            "serverTime": now_ns // NS_PER_MS,
            "rateLimits": [
                {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000},
                {"rateLimitType": "RAW_REQUESTS", "interval": "MINUTE", "intervalNum": 5, "limit": 61000},
            ],
            "exchangeFilters": [],
            "symbols": [_symbol_info(listing) for listing in listings],
        }
    )


def server_time(now_ns: int) -> bytes:
    """Write the body of ``GET /api/v3/time``."""
    return msgspec.json.encode({"serverTime": now_ns // NS_PER_MS})


def server_shutdown(now_ns: int) -> bytes:
    """Write the event that tells clients to connect anew before the venue closes."""
    return msgspec.json.encode({"e": "serverShutdown", "E": now_ns // NS_PER_MS})


def error_body(code: int, message: str) -> bytes:
    """Write the body of a refused REST request."""
    return msgspec.json.encode({"code": code, "msg": message})


def _symbol_info(listing: Listing) -> dict[str, object]:
    tick, lot = _eight(listing.tick_size), _eight(listing.lot_size)
    return {
        "symbol": listing.symbol,
        "status": "TRADING",
        "baseAsset": listing.base,
        "baseAssetPrecision": 8,
        "quoteAsset": listing.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET"],
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": "1000000.00000000", "tickSize": tick},
            {"filterType": "LOT_SIZE", "minQty": lot, "maxQty": "9000000.00000000", "stepSize": lot},
        ],
        "permissions": [],
        "permissionSets": [["SPOT"]],
    }


def _eight(number: Decimal) -> str:
    return decimal_text(int(number * E8), 1)
