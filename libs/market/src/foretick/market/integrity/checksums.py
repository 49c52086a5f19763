"""Checksums that venues send of their order books, computed of our own. Pure."""

import zlib

from foretick.market.book import OrderBook

_KRAKEN_LEVELS = 10


def kraken_crc32(book: OrderBook) -> int:
    """Return the CRC-32 of the ten best asks, then the ten best bids, best first: each its price, then its quantity.

    A number counts as its printed digits without the point and without leading zeros: ticks and lots, where the grid of
    ``book`` is as fine as what is printed.

    Source: Kraken, "Book checksum (WebSocket v2)".
    """
    bids, asks = book.top_steps(_KRAKEN_LEVELS)
    return zlib.crc32("".join(f"{ticks}{lots}" for side in (asks, bids) for ticks, lots in side).encode())
