"""What a recording needs of each venue: how its frames and requests are read, and by what rules. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from foretick.common.contracts import InstrumentKind
from foretick.common.errors import Malformed
from foretick.ingest.adapters.alpaca import connector as alpaca
from foretick.ingest.adapters.alpaca.parse import AlpacaWire, parse_assets
from foretick.ingest.adapters.binance.connector import FUTURES_RULES, SPOT_RULES
from foretick.ingest.adapters.binance.parse import BinanceWire
from foretick.ingest.adapters.binance.parse_listings import parse_exchange_info
from foretick.ingest.adapters.bitstamp import connector as bitstamp
from foretick.ingest.adapters.bitstamp.parse import BitstampWire, parse_markets
from foretick.ingest.adapters.bybit import connector as bybit
from foretick.ingest.adapters.bybit.parse import BybitWire
from foretick.ingest.adapters.bybit.parse_listings import parse_page
from foretick.ingest.adapters.ccxt import connector as ccxt
from foretick.ingest.adapters.ccxt.library import PREFIX
from foretick.ingest.adapters.ccxt.parse import CcxtWire
from foretick.ingest.adapters.coinbase import connector as coinbase
from foretick.ingest.adapters.coinbase.parse import CoinbaseWire, parse_products
from foretick.ingest.adapters.kraken.connector import rules_of
from foretick.ingest.adapters.kraken.parse import KrakenWire, parse_pairs
from foretick.ingest.adapters.okx import connector as okx
from foretick.ingest.adapters.okx.parse import OkxWire
from foretick.ingest.adapters.okx.parse_listings import parse_instruments
from foretick.ingest.domain.listing import Listing
from foretick.ingest.domain.rules import MarketRules
from foretick.ingest.ports import WireFormat


@dataclass(frozen=True, slots=True)
class VenueFormat:
    """The pure parts of a venue's connector.

    new_wire: makes what reads its frames, from the venue's name
    rules: of books that were subscribed to with so many levels a side
    listings_path: how the path of the request ends whose body is read by ``read_listings``
    kind: of the instruments that are this venue's, where the bodies hold others too
    replies: how the paths of requests end whose bodies are about the ``symbol`` of their query
    """

    new_wire: Callable[[str], WireFormat]
    rules: Callable[[int], MarketRules]
    listings_path: str
    read_listings: Callable[[bytes, str], Sequence[Listing]]
    kind: InstrumentKind | None = None
    replies: tuple[str, ...] = ()

    def is_of_listings(self, url: str) -> bool:
        """Tell whether the body that ``url`` was answered with tells listings."""
        return urlsplit(url).path.rstrip("/").endswith(self.listings_path)

    def symbol_of(self, url: str) -> str:
        """Return the symbol that the body of ``url`` is about; empty where it is about none.

        >>> FORMATS["binance"].symbol_of("https://api.binance.com/api/v3/depth?symbol=BTCUSDT&limit=1000")
        'BTCUSDT'
        """
        parts = urlsplit(url)
        return parse_qs(parts.query).get("symbol", [""])[0] if parts.path.endswith(self.replies or ("?",)) else ""


def _whatever_depth(rules: MarketRules) -> Callable[[int], MarketRules]:
    return lambda _: rules


def _read_none(payload: bytes, source: str) -> Sequence[Listing]:
    """Stand for a venue whose requests are not recorded."""
    return ()


def _read_page(payload: bytes, source: str) -> Sequence[Listing]:
    return parse_page(payload, source)[0]


def _binance(rules: MarketRules) -> VenueFormat:
    replies = ("/depth", "/openInterest")
    return VenueFormat(BinanceWire, _whatever_depth(rules), "/exchangeInfo", parse_exchange_info, replies=replies)


def _bybit(rules: MarketRules) -> VenueFormat:
    return VenueFormat(BybitWire, _whatever_depth(rules), "/instruments-info", _read_page)


def _okx(rules: MarketRules, kind: InstrumentKind) -> VenueFormat:
    return VenueFormat(OkxWire, _whatever_depth(rules), "/public/instruments", parse_instruments, kind)


_COINBASE = VenueFormat(CoinbaseWire, _whatever_depth(coinbase.RULES), "/market/products", parse_products)
_KRAKEN = VenueFormat(KrakenWire, rules_of, "/public/AssetPairs", parse_pairs)

FORMATS: dict[str, VenueFormat] = {
    "sim": _binance(SPOT_RULES),
    "alpaca": VenueFormat(AlpacaWire, _whatever_depth(alpaca.RULES), "/v2/assets", parse_assets),
    "binance": _binance(SPOT_RULES),
    "binance-usdm": _binance(FUTURES_RULES),
    "binance-coinm": _binance(FUTURES_RULES),
    "bybit": _bybit(bybit.SPOT_RULES),
    "bybit-linear": _bybit(bybit.LINEAR_RULES),
    "bitstamp": VenueFormat(BitstampWire, _whatever_depth(bitstamp.RULES), "/api/v2/markets", parse_markets),
    "coinbase": _COINBASE,
    "kraken": _KRAKEN,
    "sim-coinbase": _COINBASE,
    "sim-kraken": _KRAKEN,
    "okx": _okx(okx.SPOT_RULES, InstrumentKind.SPOT),
    "okx-swap": _okx(okx.SWAP_RULES, InstrumentKind.PERPETUAL),
}


_BRIDGED = VenueFormat(CcxtWire, _whatever_depth(ccxt.rules_of(None)), "?", _read_none)


def format_of(venue: str) -> VenueFormat | None:
    """Return what reads recordings of ``venue``: its own format, or the bridge's; None where nothing does.

    >>> format_of("ccxt-gate") is format_of("ccxt-mexc"), format_of("gemini")
    (True, None)
    """
    return _BRIDGED if venue.startswith(PREFIX) else FORMATS.get(venue)


def require_format(venue: str, source: str = "recording") -> VenueFormat:
    """Return the same; raise ``Malformed`` from ``source`` where nothing reads it."""
    format_ = format_of(venue)
    if format_ is None:
        known = ", ".join(FORMATS)
        raise Malformed(source, f"no connector reads venue {venue!r}; there is {known}, and {PREFIX}<exchange>")
    return format_


def market_of(venue: str, address: str) -> str:
    """Return our venue of what came from ``address``: captures give one name to several markets of an exchange.

    >>> market_of("bybit", "wss://stream.bybit.com/v5/public/linear"), market_of("okx", "wss://ws.okx.com:8443")
    ('bybit-linear', 'okx')
    """
    is_linear = "/v5/public/linear" in address or "category=linear" in address
    return "bybit-linear" if venue == "bybit" and is_linear else venue
