"""A stream as the recorder sees it: its bounds, its messages, and how far they are recorded."""

from dataclasses import dataclass, field
from typing import NamedTuple

from foretick.ingest.domain.continuity import Positions


@dataclass(frozen=True, slots=True)
class StreamState:
    """A stream's identity and bounds. One that was deleted and made anew has another ``created_ns``.

    first_seq, last_seq: of the messages it holds; ``last_seq`` is below ``first_seq`` when it holds none
    """

    name: str
    created_ns: int
    first_seq: int
    last_seq: int


class Delivered(NamedTuple):
    """A message of a stream as it was delivered.

    seq: its number in the stream
    stored_ns: when the stream took it
    pending: how many more the stream holds
    reply: where to acknowledge it
    """

    seq: int
    stored_ns: int
    pending: int
    subject: str
    data: bytes
    reply: str


@dataclass(frozen=True, slots=True)
class Start:
    """Where to begin: at message ``seq``, or with the first that was stored after ``after_ns`` if that is given."""

    seq: int
    after_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Offset:
    """How far a stream is recorded: every message up to ``last_seq``, none after it.

    last_stored_ns: when the stream took that message
    positions: where its instruments stood after it
    """

    stream: str
    stream_created_ns: int
    last_seq: int = 0
    last_stored_ns: int = 0
    positions: Positions = field(default_factory=Positions)


def was_rolled_back(state: StreamState, offset: Offset, stored_ns: int | None) -> bool:
    """Tell whether the stream lost messages that are recorded already, and gives their numbers to new ones.

    That is what a crash of the machine does to a stream whose last messages were not yet on disk.

    Args:
        state: the stream now
        offset: how far it was recorded
        stored_ns: when the message now at ``offset.last_seq`` was stored; None if there is none
    """
    if offset.last_seq == 0:
        return False
    return state.last_seq < offset.last_seq or (stored_ns is not None and stored_ns != offset.last_stored_ns)
