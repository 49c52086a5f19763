"""Bitstamp's capture as ccxt would tell it, in the words of the bridge.

Source: the manual of ccxt, "Order book structure", "Public trades".
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from foretick.ingest.adapters.ccxt.connector import rules_of
from foretick.ingest.adapters.ccxt.parse import CcxtWire
from foretick.ingest.adapters.ccxt.session import encode_book, encode_trades
from foretick.ingest.domain.events import Received

from ..bitstamp import sources as bitstamp
from ..conformance.source import Level, Source, VenueBook, with_json_level
from ..conformance.told import BookTold, Told, TradeTold

_NAME = "captured BITSTAMP.jsonl.zst, told as ccxt"


def read(frame: Received) -> Sequence[Told]:
    """Return what one frame says."""
    message = json.loads(frame.payload)
    symbol = message["symbol"]
    if message["channel"] == "book":
        sides = ({level[0]: level[1] for level in message[side]} for side in ("bids", "asks"))
        return [BookTold(symbol, *sides, is_full=True)]
    sides = {"buy": 1, "sell": -1}
    return [TradeTold(symbol, t["price"], t["amount"], sides[t["side"]], t["name"]) for t in message["trades"]]


def with_level(payload: bytes, side: str, price: Level, qty: Level) -> bytes:
    """Return a book with one more level: numbers are numbers here."""
    return with_json_level(payload, (side,), [float(x) if isinstance(x, str) else x for x in (price, qty)])


def full_books(books: Mapping[str, VenueBook], at: Received) -> Sequence[Received]:
    """Return the books once more."""
    return [at._replace(payload=encode_book(symbol, _book(book))) for symbol, book in books.items()]


def _book(book: VenueBook | BookTold) -> dict:
    return {"bids": [list(level) for level in book.bids.items()], "asks": [list(level) for level in book.asks.items()]}


def _told(frame: Received, told: BookTold | TradeTold) -> Received:
    if isinstance(told, BookTold):
        return frame._replace(payload=encode_book(told.symbol, _book(told) | {"timestamp": told.id // 1000}))
    trade = {"id": str(told.id), "price": told.price, "amount": told.qty, "side": "buy" if told.side > 0 else "sell"}
    return frame._replace(payload=encode_trades(told.symbol, [trade], 0, 1))


def load() -> Source:
    """Return all of the capture."""
    origin = bitstamp.load()
    frames = [_told(frame, each) for frame, told in zip(origin.frames, origin.told, strict=True) for each in told]
    return replace(
        origin, name=_NAME, rules=rules_of(None), new_wire=lambda: CcxtWire("ccxt-bitstamp"), frames=frames, read=read,
        with_level=with_level, full_books=full_books,
    )  # fmt: skip


SOURCES = {_NAME: load}
CAPTURES = {}
