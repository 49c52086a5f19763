"""What a recording says of its instrument without saying it: which symbol its bare REST books are of, and the grid.

Pure. A recording holds no listing, so the grid is derived from its decimal text: the finest price and the finest
quantity in all of it. That is no finer than what the venue sends, every recorded level lies on it, and it
is finer than the step for new orders where the book holds dust.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from foretick.common.contracts import UNDECODABLE
from foretick.common.errors import Malformed
from foretick.ingest.domain.events import Received
from foretick.ingest.domain.listing import Listing
from foretick.market.book import PriceGrid
from foretick.market.recording import RecordedFrame

_REST_DEPTH_KEY = b'"lastUpdateId"'
_REST_DEPTH_WITHIN = 40
_QUOTE_ASSETS = ("FDUSD", "USDT", "USDC", "TUSD", "BUSD", "EUR", "TRY", "BTC", "ETH", "BNB", "USD")

_TextLevel = tuple[str, str]


class _Data(msgspec.Struct):
    s: str = ""
    p: Any = None
    q: Any = None
    b: str | list[_TextLevel] = ""
    a: str | list[_TextLevel] = ""
    B: Any = None
    A: Any = None


class _Frame(msgspec.Struct):
    stream: str = ""
    data: _Data | None = None
    bids: list[_TextLevel] = []
    asks: list[_TextLevel] = []


_decoder = msgspec.json.Decoder(_Frame)


class _Decimals:
    """The finest step of the decimal texts seen, as a number of decimal places."""

    def __init__(self) -> None:
        self.places = 0
        self._seen: set[str] = set()

    def see(self, text: object) -> None:
        if isinstance(text, str) and "." in text and text not in self._seen:
            if len(self._seen) < 1_000_000:
                self._seen.add(text)
            self.places = max(self.places, len(text.partition(".")[2].rstrip("0")))

    @property
    def step(self) -> float:
        return float(f"1e-{self.places}")


def describe_recording(frames: Iterable[object], source: str) -> Listing:
    """Return the one instrument that a recording of ``frames`` is about; anything but good frames is passed over.

    Raises:
        Malformed: for a recording of no instrument, or of several.
    """
    prices, quantities = _Decimals(), _Decimals()
    symbols: set[str] = set()
    for frame in frames:
        if not isinstance(frame, RecordedFrame):
            continue
        try:
            message = _decoder.decode(frame.payload)
        except UNDECODABLE:
            continue  # the feed rejects it, with its bytes
        if message.data is not None and message.data.s:
            symbols.add(message.data.s)
        _see(message, prices, quantities)
    if len(symbols) != 1:
        raise Malformed(source, f"a recording is of one symbol; this one holds {sorted(symbols) or 'none'}")
    (symbol,) = symbols
    quote = next((asset for asset in _QUOTE_ASSETS if symbol.endswith(asset) and symbol != asset), "")
    return Listing(
        symbol, symbol.removesuffix(quote) if quote else symbol, quote, PriceGrid(prices.step, quantities.step)
    )


def received(frame: RecordedFrame, symbol: str) -> Received:
    """Return ``frame`` as a transport hands it on; a bare REST book is marked as one of ``symbol``."""
    is_book = _REST_DEPTH_KEY in frame.payload[:_REST_DEPTH_WITHIN]
    return Received(frame.recv_ns, frame.payload, symbol if is_book else None)


def _see(message: _Frame, prices: _Decimals, quantities: _Decimals) -> None:
    data = message.data
    levels = [message.bids, message.asks]
    if data is not None:
        prices.see(data.p)
        for quantity in (data.q, data.B, data.A):
            quantities.see(quantity)
        for side in (data.b, data.a):
            if isinstance(side, str):
                prices.see(side)
            else:
                levels.append(side)
    for side in levels:
        for price, quantity in side:
            prices.see(price)
            quantities.see(quantity)
