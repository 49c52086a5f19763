"""Checksums that venues send of their order books, computed of our own. Pure."""

import zlib
from collections.abc import Iterable
from decimal import Decimal
from itertools import zip_longest

from foretick.market.book import OrderBook

_KRAKEN_LEVELS = 10
_OKX_LEVELS = 25


def kraken_crc32(book: OrderBook) -> int:
    """Return the CRC-32 of the ten best asks, then the ten best bids, best first: each its price, then its quantity.

    A number counts as its printed digits without the point and without leading zeros: ticks and lots, where the grid of
    ``book`` is as fine as what is printed.

    Source: Kraken, "Book checksum (WebSocket v2)".
    """
    return kraken_crc32_of(*book.top_steps(_KRAKEN_LEVELS))


def kraken_crc32_of(bids: Iterable[tuple[int, int]], asks: Iterable[tuple[int, int]]) -> int:
    """Return the same of a book's ten best levels a side, in ticks and lots, best first."""
    return zlib.crc32("".join(f"{ticks}{lots}" for side in (asks, bids) for ticks, lots in side).encode())


def okx_crc32(book: OrderBook) -> int:
    """Return the CRC-32, as a signed number, of the 25 best bids and asks in turn, best first, joined by colons.

    Each level is its price, then its quantity, in decimal digits without zeros at the end; a side that is shorter than
    the other one is passed over in its turn.

    Source: OKX V5, "Order book channel", "Checksum" (until 2026-06-23).
    """
    bids, asks = book.top(_OKX_LEVELS)
    levels = [level for pair in zip_longest(bids, asks) for level in pair if level is not None]
    text = ":".join(_digits(number) for level in levels for number in level)
    unsigned = zlib.crc32(text.encode())
    return unsigned - (1 << 32) if unsigned >= 1 << 31 else unsigned


def _digits(number: float) -> str:
    return f"{Decimal(repr(number)):f}".removesuffix(".0")
