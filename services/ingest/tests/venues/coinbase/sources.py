"""Coinbase's capture of the current protocol, simulated frames, and how its messages are read without the product.

Source: Coinbase Advanced Trade "WebSocket Channels".
"""

import json
from collections.abc import Mapping, Sequence
from functools import partial

from foretick.ingest.adapters.coinbase.connector import RULES
from foretick.ingest.adapters.coinbase.parse import CoinbaseWire, parse_products
from foretick.ingest.adapters.coinbase.streams import CoinbaseStreams, limits_of
from foretick.ingest.domain.events import Received
from foretick.ingest.domain.exchange_coinbase import products
from foretick.ingest.domain.exchange_faults import SimVenue
from foretick.market.simulation import LISTINGS

from ...simulator.recorded import recorded_session
from ..conformance.captures import captured, request_body
from ..conformance.source import Level, Source, VenueBook, with_json_level
from ..conformance.told import BookTold, Told, TradeTold

_FILE = "COINBASE.jsonl.zst"
_SIDES = {"bids": "bid", "asks": "offer"}
_TIME = "2026-08-09T21:06:00.000000Z"
_TAKER = {"BUY": -1, "SELL": 1}  # the message has the maker's side


def read(frame: Received) -> Sequence[Told]:
    """Return what one frame says."""
    message = json.loads(frame.payload)
    told: list[Told] = []
    for event in message["events"]:
        if message["channel"] == "l2_data":
            sides = [
                {float(u["price_level"]): float(u["new_quantity"]) for u in event["updates"] if u["side"] == side}
                for side in _SIDES.values()
            ]
            told.append(BookTold(event["product_id"], *sides, event["type"] == "snapshot"))
        elif message["channel"] == "market_trades":
            told += [
                TradeTold(
                    t["product_id"], float(t["price"]), float(t["size"]), _TAKER[t["side"]], int(t["trade_id"]),
                    event["type"] == "snapshot",
                )
                for t in reversed(event["trades"])
            ]  # fmt: skip
    return told


def with_level(payload: bytes, side: str, price: Level, qty: Level) -> bytes:
    """Return an update with one more level."""
    level = {"side": _SIDES[side], "event_time": _TIME, "price_level": price, "new_quantity": qty}
    return with_json_level(payload, ("events", 0, "updates"), level)


def full_books(books: Mapping[str, VenueBook], at: Received) -> Sequence[Received]:
    """Return the snapshots of a new connection, the last with the number of ``at``."""
    first = json.loads(at.payload)["sequence_num"] - len(books) + 1
    frames: list[Received] = []
    for number, (symbol, book) in enumerate(books.items(), first):
        updates = [
            {"side": name, "event_time": _TIME, "price_level": f"{price:.8f}", "new_quantity": f"{qty:.8f}"}
            for name, side in (("bid", book.bids), ("offer", book.asks))
            for price, qty in side.items()
        ]
        event = {"type": "snapshot", "product_id": symbol, "updates": updates}
        message = {"channel": "l2_data", "timestamp": _TIME, "sequence_num": number, "events": [event]}
        frames.append(at._replace(payload=json.dumps(message).encode()))
    return frames


def load(most: int | None = None) -> Source:
    """Return all of the capture; of its snapshots only the best ``most`` levels a side, if that is given."""
    followed = ("BTC-USD", "ETH-USD")
    listings = [each for each in parse_products(request_body(_FILE, "products"), "coinbase") if each.symbol in followed]
    frames = captured(_FILE, lambda _: None)
    if most is not None:
        frames = [_thinned(frame, most) for frame in frames]
    return Source(
        _NAME, RULES, lambda: CoinbaseWire("coinbase"), listings, frames, read, with_level, full_books,
        ignored=frozenset(("candles", "ticker")), is_connection_numbered=True,
    )  # fmt: skip


def _thinned(frame: Received, most: int) -> Received:
    message = json.loads(frame.payload)
    for event in message["events"]:
        if message["channel"] == "l2_data" and event["type"] == "snapshot":
            kept = [[u for u in event["updates"] if u["side"] == side][:most] for side in _SIDES.values()]
            event["updates"] = kept[0] + kept[1]
            return frame._replace(payload=json.dumps(message).encode())
    return frame


def _simulated() -> Source:
    """Return a minute of the simulated exchange."""
    plan = CoinbaseStreams("", limits_of(30.0))
    listed = parse_products(products([LISTINGS["BTCUSDT"]]), "sim-coinbase")
    return Source(
        "sim-coinbase", RULES, lambda: CoinbaseWire("sim-coinbase"), listed,
        recorded_session(SimVenue.COINBASE, plan, ["BTCUSDT"], seed=7, duration_s=60.0), read, with_level, full_books,
        is_connection_numbered=True,
    )  # fmt: skip


_NAME = f"captured {_FILE}, its snapshots cut to 300 levels a side"

SOURCES = {_NAME: partial(load, 300), "sim-coinbase": _simulated}
CAPTURES = {_FILE: ("Advanced Trade of 2026-08", [load])}
