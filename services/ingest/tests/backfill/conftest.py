"""A tape of trades that tests page through, and the shared venue messages."""

from foretick.market.recording.market_rows import BarRow, TradeRow

T0 = 1_786_309_200_000_000_000  # 2026-08-09T21:00:00Z
MS = 1_000_000
NS = 10**9
MINUTE = 60 * NS


def trade(n: int, ms: int, venue: str = "v", symbol: str = "S") -> TradeRow:
    """Trade number ``n``, ``ms`` after ``T0``."""
    return TradeRow(T0 + ms * MS, venue, symbol, T0 + ms * MS, 100.0 + n, 1.0, 1, str(n))


def bar(n: int) -> BarRow:
    """The bar of minute ``n`` after ``T0``."""
    open_ns = T0 + n * MINUTE
    return BarRow(open_ns + MINUTE, "v", "S", open_ns, open_ns + MINUTE, 1.0, 2.0, 0.5, 1.5, float(n))
