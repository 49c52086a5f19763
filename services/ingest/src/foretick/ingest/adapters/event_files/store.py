"""Writes collected events as files, one an instrument."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from foretick.common.contracts import Origin
from foretick.common.errors import Refused
from foretick.ingest.adapters.event_files.collector import EventCollector, InstrumentEvents
from foretick.quant.event_file import SUFFIX, EventFileHead, write_events

_CHUNK_BYTES = 1 << 20


def store(collected: EventCollector, paths: Sequence[Path], folder: Path) -> list[Path]:
    """Write one file an instrument into ``folder`` and return them; one that is there is replaced.

    Raises:
        Refused: no instrument has events.
    """
    digests = [_digest(path) for path in paths]
    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for (venue, symbol), kept in collected:
        path = folder / f"{venue}.{symbol.replace('/', '-')}{SUFFIX}"
        part = path.with_suffix(".part")
        with part.open("wb") as stream:
            write_events(stream, _head(kept, paths, digests), kept.columns())
        part.replace(path)
        written.append(path)
    if not written:
        names = ", ".join(path.name for path in paths)
        raise Refused("no_events", f"{names}: no instrument has an event", "give recordings of a market")
    return written


def _head(kept: InstrumentEvents, paths: Sequence[Path], digests: list[str]) -> EventFileHead:
    listing = kept.listing
    assert listing is not None
    return EventFileHead(
        venue=listing.venue, symbol=listing.symbol, origin=Origin.REPLAY, source=[path.name for path in paths],
        source_sha256=digests, tick_size=listing.tick_size, taker_fee_bps=listing.taker_fee_bps,
    )  # fmt: skip


def _digest(path: Path) -> str:
    """Return the sha256 of a file, or of a folder's segments in order."""
    digest = hashlib.sha256()
    for file in sorted(path.iterdir()) if path.is_dir() else [path]:
        with file.open("rb") as stream:
            while chunk := stream.read(_CHUNK_BYTES):
                digest.update(chunk)
    return digest.hexdigest()
