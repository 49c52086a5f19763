"""Frames of the simulated exchange as a recording: what a client of it would have written down."""

from collections.abc import Iterator, Sequence

from foretick.common.units import NS_PER_S
from foretick.ingest.domain.exchange import Exchange
from foretick.market.recording import RecordedFrame
from foretick.market.simulation import SimulatedMarket

DEFAULT_START_NS = 1_767_225_600_000_000_000  # 2026-01-01T00:00:00Z

_CHUNK_NS = NS_PER_S // 10
_SNAPSHOT_AFTER_NS = NS_PER_S // 2
_SNAPSHOT_LIMIT = 1000


def frames(
    symbols: Sequence[str], seed: int, duration_s: float, start_ns: int = DEFAULT_START_NS
) -> Iterator[RecordedFrame]:
    """Yield every frame in order of receipt: the combined stream, and after half a second each symbol's REST book.

    Equal arguments give equal bytes.

    Raises:
        Refused: ``unknown_symbol``.
    """
    exchange = Exchange(SimulatedMarket(symbols, seed, start_ns))
    end_ns = start_ns + int(duration_s * NS_PER_S)
    snapshot_due = True
    now_ns = start_ns
    while now_ns < end_ns:
        now_ns = min(end_ns, now_ns + _CHUNK_NS)
        messages = sorted(exchange.advance_to(now_ns), key=lambda message: message.recv_ns)
        yield from (RecordedFrame(message.recv_ns, message.payload) for message in messages)
        if snapshot_due and now_ns - start_ns >= _SNAPSHOT_AFTER_NS:
            snapshot_due = False
            # After everything that this step sent, and before what the next one sends.
            recv_ns = max([now_ns, *(message.recv_ns for message in messages)]) + 1
            for symbol in symbols:
                yield RecordedFrame(recv_ns, exchange.snapshot(symbol, _SNAPSHOT_LIMIT)[0])
