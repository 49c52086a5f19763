"""Events of one instrument as a file: what training and evaluation read, whatever they came from.

A NumPy archive (``.npz``, nothing pickled) of the columns of ``quant.events`` and of ``head``, the JSON of a
``EventFileHead``. No file is opened here: streams in and out.
"""

import zipfile
from typing import BinaryIO

import msgspec
import numpy as np

from foretick.common.contracts import UNDECODABLE, Origin
from foretick.common.errors import Malformed
from foretick.quant.events import EventArrays

SUFFIX = ".events.npz"
_COLUMNS = ("kind", "recv_ns", "v", "depth")


class EventFileHead(msgspec.Struct, frozen=True, kw_only=True):
    """Whose events they are, and what they were made from.

    source: names of the files, or what else they came from
    source_sha256: of those files, in order
    taker_fee_bps: the venue's public fee of its lowest tier; null where it is not known
    """

    format: str = "foretick-events"
    version: int = 1
    venue: str
    symbol: str
    origin: Origin
    source: list[str]
    source_sha256: list[str]
    tick_size: float
    taker_fee_bps: float | None = None


def write_events(stream: BinaryIO, head: EventFileHead, events: EventArrays) -> None:
    """Write the archive to ``stream``; equal arguments give equal bytes."""
    columns = {name: getattr(events, name) for name in _COLUMNS}
    np.savez_compressed(stream, head=np.frombuffer(msgspec.json.encode(head), np.uint8), **columns)


def read_events(stream: BinaryIO, source: str) -> tuple[EventFileHead, EventArrays]:
    """Return what ``write_events`` wrote; ``source`` names it in errors.

    Raises:
        Malformed: it is damaged, of another format or version, or its columns contradict themselves.
    """
    try:
        with np.load(stream, allow_pickle=False) as archive:
            raw = {name: archive[name] for name in ("head", *_COLUMNS)}
        head = msgspec.json.decode(raw.pop("head").tobytes(), type=EventFileHead)
        events = EventArrays(**raw)
    except (KeyError, ValueError, OSError, EOFError, zipfile.BadZipFile, *UNDECODABLE) as error:
        raise Malformed(source, f"is no file of events: {error}") from error
    if (head.format, head.version) != ("foretick-events", 1):
        raise Malformed(source, f"is of format {head.format} {head.version}, not foretick-events 1")
    return head, events
