"""What JetStream says beside a message: its place in the stream, and the states of a pull request. Pure."""

from datetime import UTC, datetime
from enum import Enum, auto
from typing import NamedTuple

from foretick.common.errors import Malformed


class Place(NamedTuple):
    """Where a delivered message stands.

    stream_seq: its number in the stream
    consumer_seq: how many messages the consumer has sent up to this one, redeliveries included: a jump is a loss
    stored_ns: when JetStream stored it
    pending: how many more the stream holds for this consumer
    """

    stream_seq: int
    consumer_seq: int
    stored_ns: int
    pending: int


def parse_place(reply: str) -> Place:
    """Read the reply subject of a delivered message.

    ``$JS.ACK.<stream>.<consumer>.<deliveries>.<stream seq>.<consumer seq>.<stored ns>.<pending>``, and in its longer
    form ``$JS.ACK.<domain>.<account>.<stream>...`` with a random last token.

    Raises:
        Malformed: it is not such a subject
    """
    tokens = reply.split(".")
    first = 5 if len(tokens) == 9 else 7
    try:
        stream_seq, consumer_seq, stored_ns, pending = map(int, tokens[first : first + 4])
    except ValueError:
        raise Malformed("jetstream", f"reply subject {reply!r}") from None
    return Place(stream_seq, consumer_seq, stored_ns, pending)


class PullState(Enum):
    """What a status message means for the pull request it belongs to."""

    ALIVE = auto()
    """A heartbeat: the request stands."""
    ENDED = auto()
    """The request is over, as requests end: ask again."""
    BROKEN = auto()
    """The consumer is gone or not reachable: begin again from the committed offset."""


def parse_status_line(headers: bytes) -> tuple[str, str]:
    r"""Return code and description of a message's first header line, both empty where it carries no status.

    >>> parse_status_line(b"NATS/1.0 408 Request Timeout\r\nNats-Pending-Messages: 1\r\n\r\n")
    ('408', 'Request Timeout')
    """
    _, _, status = headers.partition(b"\r\n")[0].decode(errors="replace").partition(" ")
    code, _, description = status.strip().partition(" ")
    return code, description


def parse_status(code: str, description: str) -> PullState:
    """Read the status of a message without a body."""
    if code == "100":
        return PullState.ALIVE
    if code in ("404", "408"):
        return PullState.ENDED
    if code == "409" and ("maxbytes" in description.lower() or "batch completed" in description.lower()):
        return PullState.ENDED
    return PullState.BROKEN


def parse_time_ns(text: str) -> int:
    """Convert RFC 3339 with up to nine decimals to UTC nanoseconds, exactly.

    >>> parse_time_ns("1970-01-01T00:00:01.000000002Z")
    1000000002
    """
    whole, _, fraction = text.removesuffix("Z").partition(".")
    seconds = int(datetime.fromisoformat(whole + "+00:00").timestamp())
    return seconds * 1_000_000_000 + int(fraction.ljust(9, "0") or 0)


def format_time_ns(ns: int) -> str:
    """Convert UTC nanoseconds to RFC 3339 with nine decimals.

    >>> format_time_ns(1_000_000_002)
    '1970-01-01T00:00:01.000000002Z'
    """
    seconds, fraction = divmod(ns, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{fraction:09d}Z"
