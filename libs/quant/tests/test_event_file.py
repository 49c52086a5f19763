"""Files of events come back as they were, and what is none is refused."""

import io

import numpy as np
import pytest
from msgspec.structs import replace

from foretick.common.contracts import Origin
from foretick.common.errors import Malformed
from foretick.quant.event_file import EventFileHead, read_events, write_events
from foretick.quant.testing import random_events

HEAD = EventFileHead(
    venue="binance", symbol="BTCUSDT", origin=Origin.REPLAY, source=["a.gz"], source_sha256=["ab"], tick_size=0.01,
    taker_fee_bps=10.0,
)  # fmt: skip


def written(head=HEAD) -> bytes:
    stream = io.BytesIO()
    write_events(stream, head, random_events(1, 500))
    return stream.getvalue()


def test_events_come_back_to_the_bit():
    head, events = read_events(io.BytesIO(written()), "file")
    assert head == HEAD
    original = random_events(1, 500)
    for name in ("kind", "recv_ns", "v", "depth"):
        assert getattr(events, name).tobytes() == getattr(original, name).tobytes()


def test_equal_events_are_equal_bytes():
    assert written() == written()


@pytest.mark.parametrize("damage", ["empty", "text", "cut", "flipped", "no column", "later version", "bad column"])
def test_what_is_no_file_of_events_is_refused(damage):
    whole = written()
    if damage in ("no column", "bad column"):
        with np.load(io.BytesIO(whole)) as archive:
            columns = {name: archive[name] for name in archive.files if damage == "bad column" or name != "v"}
        if damage == "bad column":
            columns["recv_ns"] = columns["recv_ns"][::-1].copy()
        stream = io.BytesIO()
        np.savez(stream, **columns)
        payload = stream.getvalue()
    else:
        payload = {
            "empty": b"",
            "text": b"1723161253937085768 {}",
            "cut": whole[: len(whole) // 2],
            "flipped": whole[:900] + bytes([whole[900] ^ 255]) + whole[901:],
            "later version": written(replace(HEAD, version=2)),
        }[damage]
    with pytest.raises(Malformed, match="file: is"):
        read_events(io.BytesIO(payload), "file")
