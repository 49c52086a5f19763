"""A tape of trades that tests page through, and the shared venue messages."""

import os
from pathlib import Path

import pytest

from foretick.market.recording.market_rows import BarRow, TradeRow

T0 = 1_786_309_200_000_000_000  # 2026-08-09T21:00:00Z
MS = 1_000_000
NS = 10**9
MINUTE = 60 * NS
SHARED_DATA = Path(os.environ.get("FORETICK_SHARED_DATA", Path(__file__).parents[5] / "shared" / "data"))


def trade(n: int, ms: int, venue: str = "v", symbol: str = "S") -> TradeRow:
    """Trade number ``n``, ``ms`` after ``T0``."""
    return TradeRow(T0 + ms * MS, venue, symbol, T0 + ms * MS, 100.0 + n, 1.0, 1, str(n))


def bar(n: int) -> BarRow:
    """The bar of minute ``n`` after ``T0``."""
    open_ns = T0 + n * MINUTE
    return BarRow(open_ns + MINUTE, "v", "S", open_ns, open_ns + MINUTE, 1.0, 2.0, 0.5, 1.5, float(n))


@pytest.fixture
def venue_message():
    """Return the body of a shared venue message by its name, or skip."""

    def body_of(name: str) -> bytes:
        path = SHARED_DATA / "venue_messages" / name
        if not path.is_file():
            pytest.skip(f"venue messages are absent: {path}; set FORETICK_SHARED_DATA to the folder that has them")
        return path.read_bytes()

    return body_of
