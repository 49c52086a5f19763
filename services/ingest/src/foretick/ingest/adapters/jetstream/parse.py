"""What JetStream says beside messages: the states of a pull request, and times. Pure."""

from datetime import UTC, datetime
from enum import Enum, auto


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
