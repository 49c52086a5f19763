"""Captures in the form of cryptofeed's raw data collection: a JSON object a line, zstandard or plain.

The first line is ``{"t":"header","exchange":...}``; then come ``http`` (``url``, ``data``), ``connect`` (``addr``),
``send`` and ``recv`` (``data``, or ``b64`` for what is not text), each with ``conn`` and ``ts`` in seconds.
"""

import base64
import binascii
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import BinaryIO

import msgspec

from foretick.common.units import NS_PER_S
from foretick.market.recording.faults import BadLine, TruncatedRecording, WrongFormat
from foretick.market.recording.lines import EARLIEST_NS, LATEST_NS
from foretick.market.recording.records import EVERY_CONNECTION, Record, RecordKind
from foretick.market.recording.text import read_lines

HINT = 'it begins with a line {"t":"header","exchange":...}: is this such a capture?'

_VENUES = {"BINANCE_FUTURES": "binance-usdm", "BINANCE_DELIVERY": "binance-coinm"}
_KINDS = {
    "http": RecordKind.REST,
    "connect": RecordKind.OPENED,
    "send": RecordKind.SENT,
    "recv": RecordKind.RECEIVED,
}
_SOCKET = re.compile(r".*\.ws\.(\d{1,9})")

CaptureItem = Record | BadLine | TruncatedRecording | WrongFormat


class _Entry(msgspec.Struct):
    t: str
    exchange: str = ""
    conn: str = ""
    ts: Decimal = Decimal(0)
    url: str = ""
    addr: str = ""
    data: str = ""
    b64: str | None = None


_decoder = msgspec.json.Decoder(_Entry)


def read_venue_capture(stream: BinaryIO, source: str, venue: str = "") -> Iterator[CaptureItem]:
    """Yield the records of a capture in its order, and in their places what could not be read.

    ``venue`` is the name to give them; empty takes it from the header.
    """
    lines = enumerate(read_lines(stream, source), 1)
    _, first = next(lines, (1, b""))
    if isinstance(first, TruncatedRecording):
        yield first
        return
    header = _decode(first)
    if header is None or header.t != "header" or not header.exchange:
        yield WrongFormat(source, 1, "is no header of a capture", HINT)
        return
    venue = venue or venue_of(header.exchange)
    for number, line in lines:
        yield line if isinstance(line, TruncatedRecording) else _record(source, number, line, venue)


def venue_of(exchange: str) -> str:
    """Return our name of a venue that a capture calls ``exchange``.

    >>> venue_of("BINANCE_FUTURES"), venue_of("KRAKEN_FUTURES")
    ('binance-usdm', 'kraken-futures')
    """
    return _VENUES.get(exchange, exchange.lower().replace("_", "-"))


def _record(source: str, number: int, line: bytes, venue: str) -> Record | BadLine | TruncatedRecording:
    entry = _decode(line)
    if entry is None:
        if not line.endswith(b"\n"):
            return TruncatedRecording(source, number, "the last line is torn")
        return BadLine(source, number, "is no entry of a capture", line)
    kind = _KINDS.get(entry.t)
    if kind is None:
        return BadLine(source, number, f"{entry.t[:40]!r} is no kind of entry", line)
    recv_ns = int(entry.ts * NS_PER_S)
    if not EARLIEST_NS <= recv_ns < LATEST_NS:
        return BadLine(source, number, f"{entry.ts} is no time in seconds", line)
    try:
        payload = entry.data.encode() if entry.b64 is None else base64.b64decode(entry.b64, validate=True)
    except binascii.Error as error:
        return BadLine(source, number, f"b64: {error}", line)
    if kind is RecordKind.OPENED:
        payload = entry.addr.encode()
    socket = _SOCKET.fullmatch(entry.conn)
    return Record(recv_ns, venue, int(socket[1]) if socket else EVERY_CONNECTION, kind, payload, entry.url)


def _decode(line: bytes) -> _Entry | None:
    try:
        return _decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
