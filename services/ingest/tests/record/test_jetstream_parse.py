"""What JetStream says beside messages, as its documents write it."""

import pytest

from foretick.ingest.adapters.jetstream.parse import (
    PullState,
    format_time_ns,
    parse_status,
    parse_status_line,
    parse_time_ns,
)


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
