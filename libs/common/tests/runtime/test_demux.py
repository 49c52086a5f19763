"""The parted stream against nats-py's own parser as oracle."""

import asyncio
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nats.protocol.parser import Parser

from foretick.common.runtime.data_plane.demux import Demux

TAPPED = (1, 22)
SIDS = (*TAPPED, 2, 12)


@dataclass
class Judge:
    """What nats-py makes of a stream: everything in order, as it calls its client."""

    seen: list[tuple[Any, ...]] = field(default_factory=list)

    async def _process_msg(self, sid: int, subject: bytes, reply: bytes, data: bytes, headers: bytes | None) -> None:
        self.seen.append((sid, subject, reply, data, headers))

    async def _process_ping(self) -> None:
        self.seen.append(("PING",))

    async def _process_pong(self) -> None:
        self.seen.append(("PONG",))

    async def _process_info(self, info: dict[str, Any]) -> None:
        self.seen.append(("INFO", str(info)))


def judge(stream: bytes) -> list[tuple[Any, ...]]:
    """Return what nats-py's parser finds in ``stream``."""
    seen = Judge()
    asyncio.run(Parser(seen).parse(stream))
    return seen.seen


def part(stream: bytes, cuts: list[int]) -> tuple[list[tuple[int, bytes, bytes]], bytes]:
    """Return the tapped messages and what was passed on, with ``stream`` cut in pieces."""
    taken: list[tuple[int, bytes, bytes]] = []
    demux = Demux({b"%d" % sid: lambda *message, sid=sid: taken.append((sid, *message)) for sid in TAPPED})
    bounds = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    passed = [demux.feed(stream[a:b]) for a, b in pairwise(bounds)]
    return taken, b"".join(passed)


subjects = st.sampled_from([b"ticks.sim.BTC", b"MSG", b"x"])
replies = st.sampled_from([b"", b"_INBOX.a.b "])
payloads = st.one_of(
    st.binary(max_size=60), st.sampled_from([b"\r\n", b"MSG x 1 3\r\nabc\r\n", b"PING\r\n", b"M" * 300])
)


@st.composite
def items(draw: st.DrawFn) -> bytes:
    """One item of the server's side of the protocol."""
    kind = draw(st.sampled_from(["MSG", "MSG", "MSG", "HMSG", "PING", "PONG", "+OK", "INFO"]))
    if kind == "INFO":
        return b'INFO {"server_id":"x","connect_urls":["MSG a 1 1"]}\r\n'
    if kind in ("PING", "PONG", "+OK"):
        return kind.encode() + b"\r\n"
    head = b"%s %b %d %b" % (kind.encode(), draw(subjects), draw(st.sampled_from(SIDS)), draw(replies))
    payload = draw(payloads)
    if kind == "MSG":
        return b"%b%d\r\n%b\r\n" % (head, len(payload), payload)
    headers = b"NATS/1.0\r\nA: MSG x 1 1\r\n\r\n"
    return b"%b%d %d\r\n%b%b\r\n" % (head, len(headers), len(headers) + len(payload), headers, payload)


@given(st.lists(items(), max_size=12), st.lists(st.integers(0, 10_000), max_size=8))
@settings(max_examples=400, deadline=None)
def test_any_stream_cut_anywhere_is_parted_as_nats_py_reads_it(stream_items: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(stream_items)
    taken, passed = part(stream, cuts)
    expected = judge(stream)
    assert taken == [(item[0], item[1], item[3]) for item in expected if item[0] in TAPPED]
    assert judge(passed) == [item for item in expected if item[0] not in TAPPED]


def test_stream_cut_at_every_byte_gives_the_same() -> None:
    stream = b"PING\r\nMSG a 1 5\r\n\r\n..\r\r\nMSG b 2 2\r\nxy\r\nHMSG c 22 r 12 15\r\nNATS/1.0\r\n\r\nabc\r\n+OK\r\n"
    whole = part(stream, [])
    assert whole[0] == [(1, b"a", b"\r\n..\r"), (22, b"c", b"abc")]
    assert whole[1] == b"PING\r\nMSG b 2 2\r\nxy\r\n+OK\r\n"
    assert part(stream, list(range(len(stream)))) == whole


@pytest.mark.parametrize("line", [b"MSG a 1 x\r\n", b"MSG\r\n", b"HMSG a 1 b 5\r\n"])
def test_message_line_that_cannot_be_read_is_left_to_nats_py(line: bytes) -> None:
    taken, passed = part(b"MSG a 1 1\r\n.\r\n" + line + b"MSG a 1 1\r\n.\r\n", [])
    assert taken == [(1, b"a", b".")]
    assert passed == line + b"MSG a 1 1\r\n.\r\n"


def test_large_message_in_small_pieces_is_joined_once() -> None:
    taken: list[bytes] = []
    demux = Demux({b"1": lambda _subject, payload: taken.append(payload)})
    payload = bytes(range(256)) * 4096
    stream = b"MSG a 1 %d\r\n%b\r\n" % (len(payload), payload)
    for at in range(0, len(stream), 1000):
        assert demux.feed(stream[at : at + 1000]) == b""
    assert taken == [payload]


@pytest.mark.parametrize("piece_bytes", [1, 7, 1000])
def test_whole_messages_come_with_reply_and_headers(piece_bytes: int) -> None:
    """The four forms of a message that the protocol's description names; a subject may be as short as a word."""
    headers = b"NATS/1.0 100 Idle Heartbeat\r\n\r\n"
    size = len(headers)
    stream = (
        b"MSG inbox 7 3\r\none\r\n"
        b"MSG inbox 7 $JS.ACK.1 3\r\ntwo\r\n"
        b"MSG other 8 4\r\nthey\r\n"
        b"HMSG inbox 7 %d %d\r\n%b\r\n"
        % (size, size, headers)
        + b"HMSG inbox 7 $JS.ACK.2 %d %d\r\n%bthree\r\n" % (size, size + 5, headers)
    )
    got: list[tuple[bytes, ...]] = []
    demux = Demux({}, {b"7": lambda *message: got.append(message)})
    passed = b"".join(demux.feed(stream[at : at + piece_bytes]) for at in range(0, len(stream), piece_bytes))
    assert passed == b"MSG other 8 4\r\nthey\r\n"
    assert got == [
        (b"inbox", b"", b"", b"one"),
        (b"inbox", b"$JS.ACK.1", b"", b"two"),
        (b"inbox", b"", headers, b""),
        (b"inbox", b"$JS.ACK.2", headers, b"three"),
    ]
