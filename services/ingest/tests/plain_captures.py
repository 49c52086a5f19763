"""Frames of one Binance instrument as a client wrote them down, and what its own numbers say of its grid."""

from collections.abc import Iterable

from foretick.ingest.adapters.binance.parse import BinanceWire
from foretick.ingest.adapters.replay.grids import GridSurvey
from foretick.ingest.domain.events import Received
from foretick.ingest.domain.listing import Listing
from foretick.market.recording import RecordedFrame


def received(frame: RecordedFrame, symbol: str) -> Received:
    """Return ``frame`` as a transport hands it on; a bare REST book is marked as one of ``symbol``."""
    return Received(frame.recv_ns, frame.payload, symbol if b'"lastUpdateId"' in frame.payload[:40] else None)


def listing_of(frames: Iterable[RecordedFrame], symbol: str) -> Listing:
    """Return the listing of ``symbol`` on a grid that holds all of ``frames``."""
    wire, grid = BinanceWire("binance"), GridSurvey()
    for frame in (received(each, symbol) for each in frames):
        parsed = wire.parse(frame.payload) if frame.symbol is None else wire.parse_reply(symbol, frame.payload)
        for _, event in parsed:
            grid.see(event)
    return grid.listing(symbol)
