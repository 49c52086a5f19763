"""The rival of the figure ``book``, in an environment of its own: cryptofeed's Binance futures parser and its book.

``python cryptofeed_feed.py FRAMES``: FRAMES has the REST snapshot in its first line and a combined-stream frame in each
of the others. For each line on stdin it feeds all frames to a fresh feed and answers with a line of JSON: CPU seconds,
books told to the callback, and the best 1,000 levels a side as decimal text. It imports nothing of Foretick.
"""

import asyncio
import json
import sys
import time
from decimal import Decimal
from importlib import metadata
from pathlib import Path
from typing import Any

from cryptofeed.defines import BINANCE_FUTURES, L2_BOOK
from cryptofeed.exchanges.binance_futures import BinanceFutures
from cryptofeed.symbols import Symbols
from cryptofeed.types import OrderBook

_PAIR = "BTC-USDT-PERP"
_DEPTH = 1000


class _Told:
    """Counts what the callback is given, as a user's handler would at least."""

    def __init__(self) -> None:
        self.count = 0

    async def take(self, book: Any, receipt_timestamp: float) -> None:
        self.count += 1


def _new_feed(snapshot: dict[str, Any], told: _Told) -> Any:
    """Return a feed as it is once its snapshot has arrived; cross_check is off, as it is by default."""
    feed = BinanceFutures(symbols=[_PAIR], channels=[L2_BOOK], callbacks={L2_BOOK: told.take})
    sides = {side: {Decimal(price): Decimal(qty) for price, qty in snapshot[side]} for side in ("bids", "asks")}
    feed.last_update_id[_PAIR] = snapshot["lastUpdateId"]
    feed._l2_book[_PAIR] = OrderBook(feed.id, _PAIR, max_depth=0, **sides)
    return feed


async def _run(snapshot: dict[str, Any], frames: list[str]) -> dict[str, Any]:
    told = _Told()
    feed = _new_feed(snapshot, told)
    handle = feed.message_handler
    start_s = time.process_time()
    for frame in frames:
        await handle(frame, None, 0.0)
    cpu_s = time.process_time() - start_s
    book = feed._l2_book[_PAIR].book
    top = {
        side: [[str(text) for text in levels.index(n)] for n in range(min(_DEPTH, len(levels)))]
        for side, levels in (("bids", book.bids), ("asks", book.asks))
    }
    return {"cpu_s": cpu_s, "told": told.count, "version": metadata.version("cryptofeed"), **top}


def main() -> None:
    """Answer each line of stdin."""
    first, *frames = Path(sys.argv[1]).read_text().splitlines()
    Symbols.set(BINANCE_FUTURES, {_PAIR: "BTCUSDT"}, {})
    for _ in sys.stdin:
        print(json.dumps(asyncio.run(_run(json.loads(first), frames))), flush=True)


if __name__ == "__main__":
    main()
