"""Binance's recordings, captures and simulated frames, and how its messages are read without the product.

Sources: Binance "WebSocket Streams", "How to manage a local order book correctly" (spot and USD-M futures).
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from foretick.ingest.adapters.binance.connector import FUTURES_RULES, SPOT_RULES
from foretick.ingest.adapters.binance.parse import BinanceWire
from foretick.ingest.adapters.binance.parse_listings import parse_exchange_info
from foretick.ingest.adapters.simulator import recording as simulated
from foretick.ingest.domain.events import Received
from foretick.ingest.domain.listing import Listing
from foretick.ingest.domain.rules import MarketRules
from foretick.market.book import PriceGrid
from foretick.market.recording import RecordedFrame

from ...plain_captures import listing_of, received
from ..conformance.captures import captured, recorded, request_body
from ..conformance.source import Level, Source, VenueBook, with_json_level
from ..conformance.told import BookTold, QuoteTold, Told, TradeTold

_FRAMES = 3_000


def _levels(levels: list[list[str]]) -> dict[float, float]:
    return {float(price): float(qty) for price, qty in levels}


def read(frame: Received) -> Sequence[Told]:
    """Return what one frame says."""
    message = json.loads(frame.payload)
    if frame.symbol is not None:
        return [
            BookTold(frame.symbol, _levels(message["bids"]), _levels(message["asks"]), True, message["lastUpdateId"])
        ]
    data = message["data"]
    match message["stream"].split("@")[1]:
        case "depth":
            return [BookTold(data["s"], _levels(data["b"]), _levels(data["a"]), False, data["u"])]
        case "bookTicker":
            return [QuoteTold(data["s"], *(float(data[key]) for key in "bBaA"))]
        case "trade" | "aggTrade" as kind:
            trade_id = data["t"] if kind == "trade" else data["a"]
            return [TradeTold(data["s"], float(data["p"]), float(data["q"]), -1 if data["m"] else 1, trade_id)]
        case _:
            return []


def with_level(payload: bytes, side: str, price: Level, qty: Level) -> bytes:
    """Return a depth update with one more level."""
    return with_json_level(payload, ("data", side[0]), [price, qty])


def full_books(books: Mapping[str, VenueBook], at: Received) -> Sequence[Received]:
    """Return what REST answers."""
    frames: list[Received] = []
    for symbol, book in books.items():
        sides = [[[f"{p:.8f}", f"{q:.8f}"] for p, q in side.items()] for side in (book.bids, book.asks)]
        body = {"lastUpdateId": book.id, "bids": sides[0], "asks": sides[1]}
        frames.append(Received(at.recv_ns, json.dumps(body).encode(), symbol))
    return frames


def _of_recording(name: str, venue: str, rules: MarketRules, frames: Sequence[RecordedFrame]) -> Source:
    symbol = next(json.loads(frame.payload)["data"]["s"] for frame in frames if b'"data"' in frame.payload)
    listing = listing_of(frames, symbol)
    return Source(
        name, rules, lambda: BinanceWire(venue), [listing], [received(frame, listing.symbol) for frame in frames], read,
        with_level, full_books,
    )  # fmt: skip


def _recording(file: str, venue: str, rules: MarketRules, most: int | None = _FRAMES) -> Source:
    return _of_recording(f"recorded {file}", venue, rules, recorded(file)[:most])


def _simulated() -> Source:
    frames = list(simulated.frames(["BTCUSDT"], seed=7, duration_s=60.0))[:_FRAMES]
    return _of_recording("sim", "sim", SPOT_RULES, frames)


def _symbol_of(url: str) -> str | None:
    return url.partition("/depth?symbol=")[2].partition("&")[0] or None


def _grid_of(frames: Sequence[Received], listing: Listing) -> PriceGrid:
    """Return the listing's grid, made finer for orders that rest at prices of an earlier, finer tick.

    NKNUSDT's tick was 0.0001 in 2021, and its book held bids at 0.25974.
    """
    bodies = [json.loads(frame.payload) for frame in frames if frame.symbol == listing.symbol]
    texts = [price for body in bodies for side in (body["bids"], body["asks"]) for price, _ in side]
    places = max(len(text.partition(".")[2].rstrip("0")) for text in texts)
    return PriceGrid(min(listing.grid.tick_size, float(f"1e-{places}")), listing.grid.lot_size)


def _capture(file: str, venue: str, rules: MarketRules, ignored: Sequence[str]) -> Source:
    frames = captured(file, _symbol_of)
    followed = {frame.symbol for frame in frames if frame.symbol}
    listed = parse_exchange_info(request_body(file, "exchangeInfo"), venue)
    listings = [replace(each, grid=_grid_of(frames, each)) for each in listed if each.symbol in followed]
    return Source(
        f"captured {file}", rules, lambda: BinanceWire(venue), listings, frames, read, with_level, full_books,
        ignored=frozenset(ignored),
    )  # fmt: skip


_RECORDED = {
    "binance_spot_btcusdt_20240808.gz": ("binance", SPOT_RULES),
    "binance_spot_ethusdt_20240808.gz": ("binance", SPOT_RULES),
    "binance_usdm_btcusdt_20240808.gz": ("binance-usdm", FUTURES_RULES),
    "binance_usdm_ethusdt_20240808.gz": ("binance-usdm", FUTURES_RULES),
    "binance_cm_btcusd_perp_20240808.gz": ("binance-coinm", FUTURES_RULES),
}

SOURCES: dict[str, Callable[[], Source]] = {"sim": _simulated}
SOURCES |= {f"recorded {file}": partial(_recording, file, venue, rules) for file, (venue, rules) in _RECORDED.items()}
_CAPTURED = {
    "BINANCE.jsonl.zst": partial(
        _capture, "BINANCE.jsonl.zst", "binance", SPOT_RULES, ["nknusdt@kline_1m", "lrcbtc@kline_1m"]
    ),
    "BINANCE_FUTURES.jsonl.zst": partial(
        _capture, "BINANCE_FUTURES.jsonl.zst", "binance-usdm", FUTURES_RULES,
        [f"{symbol}usdt@kline_1m" for symbol in ("sushi", "akro", "keep", "ctk")],
    ),
}  # fmt: skip
SOURCES |= {f"captured {file}": load for file, load in _CAPTURED.items()}

CAPTURES = {
    file: ("combined streams of 2024", [partial(_recording, file, venue, rules, None)])
    for file, (venue, rules) in _RECORDED.items()
}
CAPTURES |= {file: ("combined streams of 2021", [load]) for file, load in _CAPTURED.items()}
