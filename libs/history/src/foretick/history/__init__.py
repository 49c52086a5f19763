"""The record as polars frames: what was traded, quoted, said of derivatives, how books stood and how far to trust it.

::

    with History(database_url) as history:
        trades = history.read(Kind.TRADES, Selection(symbol="BTCUSDT"))
        bars = history.read(Kind.BARS, Selection(symbol="BTCUSDT", timeframe="1m"))
        frame = asof_join(trades, history.read(Kind.QUOTES, Selection(symbol="BTCUSDT")), tolerance_ns=10**9)
        book = history.book_as_of("BTCUSDT", at_ns)

``stream`` gives the same in batches of bounded size. Times are data time, UTC nanoseconds.
"""

from foretick.history.asof import asof_join
from foretick.history.book import BookAsOf
from foretick.history.history import History
from foretick.history.kinds import Kind, Selection

__all__ = ["BookAsOf", "History", "Kind", "Selection", "asof_join"]
