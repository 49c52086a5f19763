"""Kraken's capture of WebSocket v1 in the words of v2, simulated frames, and how they are read without the product.

Source: Kraken "Spot WebSocket v2", Book and Trade.
"""

import json
from collections.abc import Mapping, Sequence
from functools import cache, partial

from foretick.ingest.adapters.kraken.connector import rules_of
from foretick.ingest.adapters.kraken.parse import KrakenWire, parse_pairs
from foretick.ingest.adapters.kraken.streams import KrakenStreams, limits_of
from foretick.ingest.domain.events import Received
from foretick.ingest.domain.exchange_faults import SimVenue
from foretick.ingest.domain.exchange_kraken import pairs
from foretick.ingest.domain.listing import Listing
from foretick.market.simulation import LISTINGS

from ...simulator.recorded import recorded_session
from ..conformance.captures import captured
from ..conformance.source import Level, Source, VenueBook, with_json_level
from ..conformance.told import BookTold, Told, TradeTold
from .v1_frames import V1Teller, listings_of, text_checksum

_FILE = "KRAKEN.jsonl.zst"
_DEPTH = 1000


def read(frame: Received) -> Sequence[Told]:
    """Return what one frame says."""
    message = json.loads(frame.payload)
    match message.get("channel"):
        case "book":
            return [
                BookTold(
                    book["symbol"], *({level["price"]: level["qty"] for level in book[side]} for side in _SIDES),
                    message["type"] == "snapshot", has_checksum=True,
                )
                for book in message["data"]
            ]  # fmt: skip
        case "trade":
            return [
                TradeTold(
                    t["symbol"],
                    t["price"],
                    t["qty"],
                    1 if t["side"] == "buy" else -1,
                    t["trade_id"],
                    message["type"] == "snapshot",
                )
                for t in message["data"]
            ]
        case _:
            return []


_SIDES = ("bids", "asks")


def with_level(payload: bytes, side: str, price: Level, qty: Level) -> bytes:
    """Return an update with one more level: numbers are numbers on this wire."""
    level = {"price": _number(price), "qty": _number(qty)}
    return with_json_level(payload, ("data", 0, side), level)


def _number(text: Level) -> object:
    return float(text) if isinstance(text, str) else text


def with_checksum(payload: bytes, checksum: int) -> bytes:
    """Return an update with another checksum."""
    message = json.loads(payload)
    message["data"][0]["checksum"] = checksum
    return json.dumps(message).encode()


def full_books(listings: Sequence[Listing], books: Mapping[str, VenueBook], at: Received) -> Sequence[Received]:
    """Return the snapshots of new subscriptions."""
    digits = {each.symbol: (_places(each.grid.tick_size), _places(each.grid.lot_size)) for each in listings}
    frames: list[Received] = []
    for symbol, book in books.items():
        tick, lot = digits[symbol]
        sides = [[[f"{p:.{tick}f}", f"{q:.{lot}f}"] for p, q in side.items()] for side in (book.bids, book.asks)]
        levels = [[{"price": float(p), "qty": float(q)} for p, q in side] for side in sides]
        data = {"symbol": symbol, "bids": levels[0], "asks": levels[1], "checksum": text_checksum(*sides)}
        message = {"channel": "book", "type": "snapshot", "data": [data]}
        frames.append(at._replace(payload=json.dumps(message).encode()))
    return frames


@cache
def _listings() -> list[Listing]:
    return listings_of(frame.payload for frame in captured(_FILE, lambda _: None))


def _places(step: float) -> int:
    return len(f"{step:.10f}".rstrip("0").partition(".")[2])


def load() -> Source:
    """Return all of the capture."""
    teller = V1Teller()
    told = [(frame, teller.tell(frame.payload)) for frame in captured(_FILE, lambda _: None)]
    frames = [frame._replace(payload=payload, connection=1) for frame, payload in told if payload is not None]
    return Source(
        f"captured {_FILE}, v1 told as v2", rules_of(_DEPTH), lambda: KrakenWire("kraken"), _listings(), frames, read,
        with_level, partial(full_books, _listings()), with_checksum, proven_levels=10, kept_levels=_DEPTH,
    )  # fmt: skip


def _simulated() -> Source:
    """Return a minute of the simulated exchange."""
    plan = KrakenStreams("", limits_of(30.0), _DEPTH)
    listed = parse_pairs(pairs([LISTINGS["BTCUSDT"]]), "sim-kraken")
    return Source(
        "sim-kraken", rules_of(_DEPTH), lambda: KrakenWire("sim-kraken"), listed,
        recorded_session(SimVenue.KRAKEN, plan, ["BTCUSDT"], seed=7, duration_s=60.0), read, with_level,
        partial(full_books, listed), with_checksum, proven_levels=10, kept_levels=_DEPTH,
    )  # fmt: skip


SOURCES = {"sim-kraken": _simulated, f"captured {_FILE}, v1 told as v2": load}
CAPTURES = {_FILE: ("WebSocket v1 of 2021, told in the words of v2", [load])}
