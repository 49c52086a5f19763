"""Bybit's capture of 2026, and how its messages are read without the product.

Source: Bybit V5 "WebSocket Stream", "Orderbook" (process snapshot/delta), "Trade", "Ticker", "All Liquidation".
"""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from foretick.ingest.adapters.bybit.connector import LINEAR_RULES, SPOT_RULES
from foretick.ingest.adapters.bybit.parse import BybitWire
from foretick.ingest.adapters.bybit.parse_listings import parse_page
from foretick.ingest.domain.events import Received
from foretick.ingest.domain.rules import MarketRules

from ..conformance.captures import captured, request_body
from ..conformance.source import Level, Source, VenueBook, with_json_level
from ..conformance.told import BookTold, DerivativeTold, LiquidationTold, Told, TradeTold

FILE = "BYBIT.jsonl.zst"


def _levels(levels: list[list[str]]) -> dict[float, float]:
    return {float(price): float(qty) for price, qty in levels}


def read(frame: Received) -> Sequence[Told]:
    """Return what one frame says."""
    message = json.loads(frame.payload)
    data = message.get("data")
    match message.get("topic", "").split("."):
        case ["orderbook", _, symbol]:
            is_full = message["type"] == "snapshot"
            return [BookTold(symbol, _levels(data["b"]), _levels(data["a"]), is_full, data["u"])]
        case ["publicTrade", symbol]:
            return [
                TradeTold(symbol, float(each["p"]), float(each["v"]), {"Buy": 1, "Sell": -1}[each["S"]], each["i"])
                for each in data
            ]
        case ["tickers", symbol]:
            return _ticker(symbol, data)
        case ["allLiquidation", symbol]:
            return [
                LiquidationTold(symbol, float(each["p"]), float(each["v"]), {"Buy": -1, "Sell": 1}[each["S"]])
                for each in data
            ]
        case _:
            return []


def _ticker(symbol: str, data: dict[str, str]) -> Sequence[Told]:
    numbers = [float(data[key]) if key in data else None for key in ("markPrice", "indexPrice", "fundingRate")]
    next_ns = int(data["nextFundingTime"]) * 1_000_000 if "nextFundingTime" in data else None
    interest = float(data["openInterest"]) if "openInterest" in data else None
    state = DerivativeTold(symbol, *numbers, next_ns, interest)
    return [] if state == DerivativeTold(symbol) else [state]


def with_level(payload: bytes, side: str, price: Level, qty: Level) -> bytes:
    """Return a book message with one more level."""
    return with_json_level(payload, ("data", side[0]), [price, qty])


def full_books(books: Mapping[str, VenueBook], at: Received) -> Sequence[Received]:
    """Return what the streams begin with when they are subscribed to anew."""
    frames: list[Received] = []
    for symbol, book in books.items():
        sides = [[[f"{p:.10f}", f"{q:.10f}"] for p, q in side.items()] for side in (book.bids, book.asks)]
        data = {"s": symbol, "b": sides[0], "a": sides[1], "u": book.id, "seq": 1}
        message = {"topic": f"orderbook.200.{symbol}", "type": "snapshot", "ts": at.recv_ns // 1_000_000, "data": data}
        frames.append(Received(at.recv_ns, json.dumps(message).encode(), None, at.connection))
    return frames


def _capture(category: str, venue: str, rules: MarketRules) -> Source:
    frames = captured(FILE, lambda url: None, f"/v5/public/{category}$")
    followed = {told.symbol for frame in frames for told in read(frame)}
    listed, _ = parse_page(request_body(FILE, f"category={category}&"), venue)
    listings = [each for each in listed if each.symbol in followed]
    return Source(
        f"captured {venue}", rules, lambda: BybitWire(venue), listings, frames, read, with_level, full_books,
        ignored=frozenset({"kline"}), kept_levels=200,
    )  # fmt: skip


SOURCES: dict[str, Callable[[], Source]] = {
    "captured bybit": partial(_capture, "spot", "bybit", SPOT_RULES),
    "captured bybit-linear": partial(_capture, "linear", "bybit-linear", LINEAR_RULES),
}

CAPTURES = {FILE: ("Bybit V5 of 2026", tuple(SOURCES.values()))}
