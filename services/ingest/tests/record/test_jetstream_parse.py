"""What JetStream says beside a message, as its documents write it."""

import pytest

from foretick.common.errors import Malformed
from foretick.ingest.adapters.jetstream.parse import (
    Place,
    PullState,
    format_time_ns,
    parse_place,
    parse_status,
    parse_status_line,
    parse_time_ns,
)

PLACE = Place(stream_seq=42, consumer_seq=17, stored_ns=1_750_000_000_123_456_789, pending=3)


def test_both_forms_of_the_reply_subject_are_read() -> None:
    assert parse_place("$JS.ACK.MARKET.record-market.1.42.17.1750000000123456789.3") == PLACE
    assert parse_place("$JS.ACK.hub.ACCHASH.MARKET.record-market.1.42.17.1750000000123456789.3.rnd") == PLACE


@pytest.mark.parametrize("reply", ["", "_INBOX.abc", "$JS.ACK.MARKET.record.1.x.17.1.3"])
def test_other_subjects_are_refused(reply: str) -> None:
    with pytest.raises(Malformed):
        parse_place(reply)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (b"NATS/1.0 100 Idle Heartbeat\r\nNats-Last-Consumer: 5\r\n\r\n", ("100", "Idle Heartbeat")),
        (b"NATS/1.0 503\r\n\r\n", ("503", "")),
        (b"NATS/1.0\r\nNats-Msg-Id: 1\r\n\r\n", ("", "")),
        (b"\xff\xfe", ("", "")),
    ],
)
def test_status_is_read_off_the_first_header_line(headers: bytes, status: tuple[str, str]) -> None:
    assert parse_status_line(headers) == status


@pytest.mark.parametrize(
    ("code", "description", "state"),
    [
        ("100", "Idle Heartbeat", PullState.ALIVE),
        ("404", "No Messages", PullState.ENDED),
        ("408", "Request Timeout", PullState.ENDED),
        ("409", "Message Size Exceeds MaxBytes", PullState.ENDED),
        ("409", "Batch Completed", PullState.ENDED),
        ("409", "Consumer Deleted", PullState.BROKEN),
        ("409", "Server Shutdown", PullState.BROKEN),
        ("503", "", PullState.BROKEN),
    ],
)
def test_status_decides_what_becomes_of_the_request(code: str, description: str, state: PullState) -> None:
    assert parse_status(code, description) is state


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("2025-06-15T15:06:40Z", 1_750_000_000_000_000_000),
        ("2025-06-15T15:06:40.5Z", 1_750_000_000_500_000_000),
        ("2025-06-15T15:06:40.123456789Z", 1_750_000_000_123_456_789),
    ],
)
def test_times_keep_their_nanoseconds(text: str, ns: int) -> None:
    assert parse_time_ns(text) == ns
    assert parse_time_ns(format_time_ns(ns)) == ns
