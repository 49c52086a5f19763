"""Faults put into the book updates of a source, one at a time, with room to recover in between."""

import random
from collections.abc import Iterator

from foretick.ingest.domain.events import Received

from .oracle import Oracle
from .source import Level, Source, VenueBook

LEAST_UPDATES = 60
"""A book with fewer updates in its recording is left whole."""

_MOST_FAULTS = 40
_ROOM = 12
"""Updates of a symbol after its last fault, so that it can be LIVE again."""

LOSSES = ("lost", "reordered")
"""Faults that only numbers or checksums tell."""

BID, ASK, OFF_TICK = "the best bid", "the best ask", "a price between two ticks"

_FORGED: dict[str, tuple[Level, Level]] = {
    "negative price": ("-1.5", "1"),
    "negative quantity": (BID, "-1"),
    "nan": ("nan", "1"),
    "infinite": ("Infinity", "1"),
    "wrong type": (["1"], "1"),
    "null": (None, "1"),
    "off tick": (OFF_TICK, "1"),
    "huge level": ("1e300", "1"),
    "huge quantity": (BID, "1e300"),
    "crossed": (ASK, "1"),
}
"""A level put into an update, on the bids' side."""

REFUSED = tuple(kind for kind in _FORGED if kind != "crossed")
"""Faults that are refused as malformed; and ``torn`` is."""

KINDS = (*LOSSES, "repeated", "torn", "checksum", *_FORGED)

Damaged = tuple[int, list[tuple[int, Received]]]


def choose_marks(source: Source, rng: random.Random) -> set[int]:
    """Return the frames to damage: updates of well recorded books, after each has begun."""
    by_symbol: dict[str, list[int]] = {}
    for at, symbol in source.updates.items():
        by_symbol.setdefault(symbol, []).append(at)
    busy = [updates for updates in by_symbol.values() if len(updates) >= LEAST_UPDATES]
    marks: set[int] = set()
    for updates in busy:
        first = next(i for i, at in enumerate(updates) if at >= _synced_after(source, source.updates[at]))
        room = updates[first + _ROOM : -_ROOM]
        step = max(_ROOM, len(room) * len(busy) // _MOST_FAULTS)
        marks |= {room[min(at + rng.randrange(3), len(room) - 1)] for at in range(0, len(room), step)}
    return marks


def _synced_after(source: Source, symbol: str) -> int:
    oracle = Oracle(source)
    for at, told in enumerate(source.told):
        oracle.hear(list(told))
        if oracle.books[symbol].is_known:
            return at
    raise AssertionError(f"no full book of {symbol} in {source.name}")


def damage(source: Source, kind: str, marks: set[int], oracle: Oracle) -> Iterator[Damaged]:
    """Yield each frame's place and what is delivered in its stead; ``oracle`` has heard all up to that place.

    Each delivered frame comes with the place that it was recorded at: what it proves is the book as of there.
    """
    held: dict[str, tuple[int, Received]] = {}
    for at, frame in enumerate(source.frames):
        oracle.hear(list(source.told[at]))
        symbol = source.updates.get(at)
        if symbol in held:
            yield at, [(at, frame), held.pop(symbol)]
        elif at not in marks or symbol is None:
            yield at, [(at, frame)]
        elif kind == "reordered":
            held[symbol] = at, frame
            yield at, []
        else:
            yield at, [(at, each) for each in _damaged(source, kind, frame, symbol, oracle.books[symbol])]


def _damaged(source: Source, kind: str, frame: Received, symbol: str, book: VenueBook) -> list[Received]:
    match kind:
        case "lost":
            return []
        case "repeated":
            return [frame, frame]
        case "torn":
            return [frame._replace(payload=frame.payload[: len(frame.payload) // 2])]
        case "checksum":
            assert source.with_checksum is not None
            return [frame._replace(payload=source.with_checksum(frame.payload, 1_234_567))]
        case _:
            bid, ask = max(book.bids), min(book.asks)
            tick = next(each.grid.tick_size for each in source.listings if each.symbol == symbol)
            known = {BID: f"{bid:.12f}", ASK: f"{ask:.12f}", OFF_TICK: f"{bid + tick / 3:.12f}"}
            price, qty = (known.get(value, value) if isinstance(value, str) else value for value in _FORGED[kind])
            return [frame._replace(payload=source.with_level(frame.payload, "bids", price, qty))]
