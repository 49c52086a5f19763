r"""The text of our own format: one record a line, ``recv_ns venue connection kind payload``.

A payload stands as it was. One that holds a line feed is escaped (``\n`` for the line feed, ``\\`` for a backslash) and
its kind carries a trailing ``\``: whatever a venue sends comes back byte for byte, and ``zstdcat`` shows it. A REST
payload is ``status symbol url body``, with ``-`` for no symbol, a listing ``symbol listing``.
"""

import re
from functools import lru_cache

from foretick.market.recording.faults import BadLine
from foretick.market.recording.records import Record, RecordKind

MAX_LINE_BYTES = 64 * 1024 * 1024
EARLIEST_NS = 1_000_000_000_000_000_000  # 2001: anything below is not in nanoseconds
LATEST_NS = 4_102_444_800_000_000_000  # 2100

_ESCAPED = b"\\"
_ESCAPE = re.compile(rb"\\(.?)", re.DOTALL)
_MEANING = {b"n": b"\n", b"\\": b"\\"}
_KINDS = {kind.value.encode(): kind for kind in RecordKind}
_VENUE = re.compile(rb"[a-z0-9_.-]+|\*")
_NO_SYMBOL = "-"


def encode_line(record: Record) -> bytes:
    """Return the line of ``record``, with its line feed.

    Raises:
        ValueError: for a venue, symbol or address with a space or line feed in it, and for over ``MAX_LINE_BYTES``
    """
    payload = record.payload
    words = _words(record)
    if words:
        if any(re.search(r"\s", word) for word in words):
            raise ValueError(f"a space in the symbol or address of a record: {words}")
        payload = b"%s %s" % (" ".join(words).encode(), payload)
    is_escaped = b"\n" in payload
    if is_escaped:
        payload = payload.replace(b"\\", b"\\\\").replace(b"\n", b"\\n")
    line = b"%d%s%s\n" % (record.recv_ns, _label(record.venue, record.connection, record.kind, is_escaped), payload)
    if len(line) > MAX_LINE_BYTES:
        raise ValueError(f"a record of {len(line)} bytes; the limit is {MAX_LINE_BYTES}")
    return line


def _words(record: Record) -> tuple[str, ...]:
    """Return what stands before the payload of a record of this kind."""
    if record.kind is RecordKind.REST:
        return str(record.status), record.symbol or _NO_SYMBOL, record.url or _NO_SYMBOL
    return (record.symbol or _NO_SYMBOL,) if record.kind is RecordKind.LISTING else ()


@lru_cache(maxsize=4096)
def _label(venue: str, connection: int, kind: RecordKind, is_escaped: bool) -> bytes:
    """Return what stands between a line's time and its payload."""
    if not _VENUE.fullmatch(venue.encode()):
        raise ValueError(f"{venue!r} is no name of a venue")
    return b" %s %d %s%s " % (venue.encode(), connection, kind.value.encode(), _ESCAPED if is_escaped else b"")


def decode_line(line: bytes, source: str, number: int) -> Record | BadLine:
    """Return the record of ``line``, given without its line feed; ``source`` and ``number`` name it in the fault."""
    words = line.split(b" ", 4)
    if len(words) != 5:
        return BadLine(source, number, "is not `recv_ns venue connection kind payload`", line)
    stamp, venue, connection, name, payload = words
    if not stamp.isdigit() or not EARLIEST_NS <= int(stamp[:20]) < LATEST_NS:
        return BadLine(source, number, "does not begin with UTC nanoseconds", line)
    if not connection.isdigit() or len(connection) > 9:
        return BadLine(source, number, f"{_text(connection)} is no connection number", line)
    if not _VENUE.fullmatch(venue):
        return BadLine(source, number, f"{_text(venue)} is no name of a venue", line)
    if name.endswith(_ESCAPED):
        name = name[:-1]
        try:
            payload = _ESCAPE.sub(lambda match: _MEANING[match[1]], payload)
        except KeyError as error:
            return BadLine(source, number, f"an escape that is none: \\{_text(error.args[0])}", line)
    kind = _KINDS.get(name)
    if kind is None:
        return BadLine(source, number, f"{_text(name)} is no kind of record", line)
    fields = (int(stamp), venue.decode(), int(connection), kind)
    if kind is RecordKind.REST or kind is RecordKind.LISTING:
        return _decode_worded(fields, payload, source, number)
    return Record(*fields, payload)


def _decode_worded(
    fields: tuple[int, str, int, RecordKind], payload: bytes, source: str, number: int
) -> Record | BadLine:
    is_rest = fields[3] is RecordKind.REST
    *raw_words, body = payload.split(b" ", 3 if is_rest else 1)
    if len(raw_words) != (3 if is_rest else 1):
        return BadLine(source, number, f"is not `{'status symbol url body' if is_rest else 'symbol listing'}`", payload)
    try:
        words = [word.decode() for word in raw_words]
    except UnicodeDecodeError:
        return BadLine(source, number, "a symbol or address that is not UTF-8", payload)
    if not is_rest:
        return Record(*fields, body, symbol=_named(words[0]))
    status, symbol, url = words
    if not (status.isascii() and status.isdecimal() and len(status) == 3):
        return BadLine(source, number, f"{status[:40]!r} is no HTTP status", payload)
    return Record(*fields, body, _named(url), _named(symbol), int(status))


def _named(word: str) -> str:
    return "" if word == _NO_SYMBOL else word


def _text(word: bytes) -> str:
    return repr(word[:40].decode(errors="replace"))
