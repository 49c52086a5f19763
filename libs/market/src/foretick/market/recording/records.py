"""One normalised stream for every source of raw data: what came from a venue, what went to it, and what was missed."""

from enum import StrEnum
from typing import NamedTuple

import msgspec

from foretick.common.errors import Malformed

EVERY_VENUE = "*"
"""The venue of a record about the recording itself, or about all venues at once."""

EVERY_CONNECTION = 0
"""The connection number of a record that belongs to no socket; sockets count from 1."""


class RecordKind(StrEnum):
    """What a record tells.

    BEGIN, END: a process began or ended a segment; the payload is a ``SegmentHead``, or why it ended
    OPENED, CLOSED: a connection; the payload is its address, or why it ended
    RETIRED: a connection that ended and is not missed, because another has taken over its streams
    RECEIVED, SENT: a frame, as it was
    REST: the body of a REST answer, with its address
    LISTING: an instrument as the feed used it, JSON
    OWNED: whose instruments the recording process publishes from here on; the payload is an ``Ownership``
    GAP: the recording missed something; the payload is a ``Gap``
    """

    BEGIN = "begin"
    END = "end"
    OPENED = "open"
    CLOSED = "close"
    RETIRED = "retire"
    RECEIVED = "recv"
    SENT = "send"
    REST = "rest"
    LISTING = "listing"
    OWNED = "own"
    GAP = "gap"


class Record(NamedTuple):
    """One entry of a recording.

    recv_ns: when its bytes were read, or when it happened: the recorder's clock, UTC ns
    venue: the market, such as ``binance-usdm``
    connection: number of the venue's connection, from 1; ``EVERY_CONNECTION`` for REST and what concerns no socket
    payload: the frame or body, byte for byte; text of ours for the other kinds
    url: of REST: what was asked
    symbol: of REST: the instrument that the feed asked it for; empty where the source does not say. Of LISTING: its own
    status: of REST: the HTTP status
    """

    recv_ns: int
    venue: str
    connection: int
    kind: RecordKind
    payload: bytes
    url: str = ""
    symbol: str = ""
    status: int = 200


class GapReason(StrEnum):
    """Why a recording missed something.

    NOT_RUNNING: the process was down, or was killed before it could write what it had
    DISCONNECTED: the connection to the venue was down
    FELL_BEHIND: the recorder could not keep up and frames were dropped
    NOT_WRITTEN: the disk was full, or refused
    """

    NOT_RUNNING = "not running"
    DISCONNECTED = "disconnected"
    FELL_BEHIND = "fell behind"
    NOT_WRITTEN = "not written"


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """A time in which the recording did not listen, or lost what it heard.

    from_ns: the last record before it, UTC ns; of frames that were dropped the first of them
    through_ns: the first record after it; of frames that were dropped the last of them
    frames_lost: how many frames were dropped; null where that is not known, because nobody listened
    """

    venue: str
    connection: int
    from_ns: int
    through_ns: int
    reason: GapReason
    detail: str = ""
    frames_lost: int | None = None

    def is_within(self, other: "Gap") -> bool:
        """Tell whether ``other`` tells all of this one: of the same connection, no later and no shorter."""
        return (
            (self.venue, self.connection) == (other.venue, other.connection)
            and other.from_ns <= self.from_ns
            and self.through_ns <= other.through_ns
        )


class SegmentHead(msgspec.Struct, frozen=True, kw_only=True):
    """The first line of a segment.

    producer: the process that wrote it, such as ``ingest.feed-0``; its segments follow each other
    segment: counts the segments of one process from 1
    previous: the name of the producer's segment before, of this process or an earlier one; empty for none
    """

    format: str = "foretick-recording"
    version: int = 1
    producer: str
    run_id: str = ""
    segment: int = 1
    previous: str = ""


class SegmentEnd(msgspec.Struct, frozen=True, kw_only=True):
    """The last line of a segment that was ended in order; ``reason``: ``rotated``, ``stopped`` or ``cut``."""

    reason: str


class Ownership(msgspec.Struct, frozen=True, kw_only=True):
    """What the recording process may publish of a venue from here on: ``symbols``, under the fencing epoch ``epoch``.

    An epoch of 0 says that it publishes them no longer.
    """

    symbols: list[str]
    epoch: int


def ownership_of(record: Record) -> Ownership:
    """Return what a record of kind OWNED tells.

    Raises:
        Malformed: its payload is no ownership
    """
    try:
        return msgspec.json.decode(record.payload, type=Ownership)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Malformed("recording", f"an ownership that cannot be read: {error}", record.payload) from error


def gap_record(gap: Gap, told_ns: int = 0) -> Record:
    """Return ``gap`` as a record: it stands where the recording goes on, or where it is told if that is later."""
    recv_ns = max(gap.through_ns, told_ns)
    return Record(recv_ns, gap.venue, gap.connection, RecordKind.GAP, msgspec.json.encode(gap))


def gap_of(record: Record) -> Gap:
    """Return the gap that a record of kind GAP tells.

    Raises:
        Malformed: its payload is no gap
    """
    try:
        return msgspec.json.decode(record.payload, type=Gap)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Malformed("recording", f"a gap that cannot be read: {error}", record.payload) from error
