"""An instrument's state as bytes, so that a restarted service goes on where the last one stood."""

import msgspec

from foretick.common.contracts import UNDECODABLE, Level, Trust
from foretick.common.errors import Malformed
from foretick.features.domain.instrument import Instrument
from foretick.market.bars import EngineState
from foretick.market.book import DEFAULT_MAX_LEVELS, PriceGrid
from foretick.quant.kernel import FeatureKernel, SnapshotMismatch


class InstrumentSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """The fold of an instrument before event ``next_seq``. ``bids`` and ``asks`` are the whole book, best first.

    ``bars`` is the state of its bars, ``bars_told`` the last event that each kind of them was published as of.
    ``since_seq`` and ``lost_events`` say what went into it, as in ``Instrument``.
    ``tick_size`` and ``lot_size`` are null while no book is known. ``ts_saved_ns`` is the wall clock of the save, from
    which the stream is read on. ``last_asof_seq`` is the last event whose vector was published, null for none.
    """

    run_id: str
    venue: str
    symbol: str
    epoch: int
    next_seq: int
    ts_saved_ns: int
    ts_event_ns: int | None
    trust: Trust
    is_whole: bool
    tick_size: float | None
    lot_size: float | None
    bids: list[Level]
    asks: list[Level]
    kernel: bytes
    last_asof_seq: int | None = None
    bars: bytes = b""
    bars_told: dict[str, int] = {}
    since_seq: int | None = None
    lost_events: int = 0


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(InstrumentSnapshot).decode
_decode_bars = msgspec.msgpack.Decoder(EngineState).decode


def encode_snapshot(snapshot: InstrumentSnapshot) -> bytes:
    """Return ``snapshot`` as bytes."""
    return _encode(snapshot)


def decode_snapshot(payload: bytes) -> InstrumentSnapshot:
    """Return the snapshot in ``payload``.

    Raises:
        Malformed: it is none.
    """
    try:
        return _decode(payload)
    except UNDECODABLE as error:
        raise Malformed("feature state", str(error), payload) from error


def restore_instrument(instrument: Instrument, kernel: FeatureKernel, snapshot: InstrumentSnapshot) -> None:
    """Set a fresh ``instrument`` to ``snapshot``.

    Raises:
        Malformed: it was taken by another kernel, schema or grid of steps.
    """
    try:
        bars = _decode_bars(snapshot.bars) if snapshot.bars else None
        kernel.restore(instrument.row, snapshot.kernel)
    except (SnapshotMismatch, *UNDECODABLE) as error:
        raise Malformed("feature state", str(error)) from error
    if bars is not None:
        instrument.bars.restore(bars)
    instrument.audit.epoch, instrument.audit.next_seq = snapshot.epoch, snapshot.next_seq
    instrument.ts_event_ns = snapshot.ts_event_ns
    instrument.since_seq, instrument.lost_events = snapshot.since_seq, snapshot.lost_events
    if snapshot.is_whole and snapshot.tick_size is not None and snapshot.lot_size is not None:
        grid = PriceGrid(snapshot.tick_size, snapshot.lot_size)
        instrument.book.restore((snapshot.bids, snapshot.asks), grid, snapshot.trust)
    else:
        instrument.book.trust = snapshot.trust


def take_snapshot(
    instrument: Instrument,
    kernel: FeatureKernel,
    identity: tuple[str, str, str],
    ts_saved_ns: int,
    last_asof_seq: int | None,
    bars_told: dict[str, int],
) -> InstrumentSnapshot:
    """Return the state of ``instrument``; ``identity`` is (run_id, venue, symbol). It must have folded something."""
    run_id, venue, symbol = identity
    book = instrument.book
    bids, asks = book.top(DEFAULT_MAX_LEVELS) if book.is_whole else ([], [])
    grid = book.grid
    return InstrumentSnapshot(
        run_id=run_id,
        venue=venue,
        symbol=symbol,
        epoch=instrument.audit.epoch,
        next_seq=instrument.audit.next_seq or 0,
        ts_saved_ns=ts_saved_ns,
        ts_event_ns=instrument.ts_event_ns,
        trust=book.trust,
        is_whole=book.is_whole,
        tick_size=grid.tick_size if grid else None,
        lot_size=grid.lot_size if grid else None,
        bids=bids,
        asks=asks,
        kernel=kernel.snapshot(instrument.row),
        last_asof_seq=last_asof_seq,
        bars=_encode(instrument.bars.state),
        bars_told=dict(bars_told),
        since_seq=instrument.since_seq,
        lost_events=instrument.lost_events,
    )
