"""Any recording as one stream: which format a file is of, and its records or rows."""

from collections.abc import Callable, Iterator
from enum import StrEnum
from itertools import chain
from typing import BinaryIO

from foretick.market.recording.binance_dumps import parse_dump_name, read_binance_dump
from foretick.market.recording.faults import BadLine, DamagedBlock, TruncatedRecording, WrongFormat
from foretick.market.recording.lines import decode_line
from foretick.market.recording.market_rows import MarketRow
from foretick.market.recording.records import Record
from foretick.market.recording.segments import decode_head, read_segment
from foretick.market.recording.stamped_lines import read_stamped_lines
from foretick.market.recording.tardis import is_tardis, read_tardis
from foretick.market.recording.text import read_lines
from foretick.market.recording.venue_captures import read_venue_capture

SourceItem = Record | MarketRow | BadLine | TruncatedRecording | DamagedBlock | WrongFormat

_STAMPED_VENUES = {"binance_spot": "binance", "binance_usdm": "binance-usdm", "binance_cm": "binance-coinm"}
"""What the names of plain captures begin with, and the venue that they mean."""


class SourceFormat(StrEnum):
    """The formats that are read."""

    SEGMENT = "segment"
    STAMPED_LINES = "recv_ns json"
    VENUE_CAPTURE = "venue capture"
    TARDIS = "tardis csv"
    BINANCE_DUMP = "binance dump"


def detect_format(stream: BinaryIO, source: str) -> SourceFormat:
    """Return the format of ``stream``, which is left where it was; ``source`` is its name.

    Raises:
        WrongFormat: it is of none
        TruncatedRecording: not even its first line is there
    """
    at = stream.tell()
    try:
        first = _first_line(stream, source)
    finally:
        stream.seek(at)
    if isinstance(decode_line(first.rstrip(b"\r\n"), source, 1), Record):
        return SourceFormat.SEGMENT
    if first.startswith(b'{"') and b'"header"' in first[:200]:
        return SourceFormat.VENUE_CAPTURE
    if is_tardis(first):
        return SourceFormat.TARDIS
    if parse_dump_name(source) is not None:
        return SourceFormat.BINANCE_DUMP
    if first[:19].isdigit() and first[19:21] in (b" {", b" ["):
        return SourceFormat.STAMPED_LINES
    hint = (
        "what is read: segments of foretick, captures of lines `recv_ns json`, venue captures that begin with a header,"
        " CSV files of Tardis, and those of data.binance.vision under the name that they have there"
    )
    raise WrongFormat(source, 1, f"is of no known format: {first[:60]!r}", hint)


def read_source(stream: BinaryIO, source: str, venue: str = "") -> Iterator[SourceItem]:
    """Yield the records or rows of ``stream`` in its order, and in their places what could not be read.

    Args:
        stream: the file; seekable; nothing is closed
        source: its name, also in faults; some formats say there what they hold
        venue: the venue to take it for, where the file does not say; of a segment it is ignored
    """
    try:
        read = _reader(detect_format(stream, source))
    except (WrongFormat, TruncatedRecording) as fault:
        yield fault
        return
    yield from read(stream, source, venue)


def _reader(format_: SourceFormat) -> Callable[[BinaryIO, str, str], Iterator[SourceItem]]:
    readers: dict[SourceFormat, Callable[[BinaryIO, str, str], Iterator[SourceItem]]] = {
        SourceFormat.SEGMENT: _read_headed_segment,
        SourceFormat.STAMPED_LINES: _read_stamped_lines,
        SourceFormat.VENUE_CAPTURE: read_venue_capture,
        SourceFormat.TARDIS: read_tardis,
        SourceFormat.BINANCE_DUMP: read_binance_dump,
    }
    return readers[format_]


def _first_line(stream: BinaryIO, source: str) -> bytes:
    first = next(read_lines(stream, source), b"")
    if isinstance(first, TruncatedRecording):
        raise first
    return first


def _read_headed_segment(stream: BinaryIO, source: str, _: str) -> Iterator[SourceItem]:
    """Read a segment, its head first: a file of a later version is refused, not guessed at."""
    items = read_segment(stream, source, stream.tell())
    first = next(items, None)
    if isinstance(first, Record):
        try:
            decode_head(first, source)
        except WrongFormat as fault:
            yield fault
            return
    yield from chain([] if first is None else [first], items)


def _read_stamped_lines(stream: BinaryIO, source: str, venue: str) -> Iterator[SourceItem]:
    name = source.rpartition("/")[2]
    told = next((meant for prefix, meant in _STAMPED_VENUES.items() if name.startswith(prefix)), "")
    if not (venue or told):
        yield WrongFormat(source, 1, "a capture of lines `recv_ns json` does not say its venue", "say --venue")
        return
    yield from read_stamped_lines(stream, source, venue or told)
