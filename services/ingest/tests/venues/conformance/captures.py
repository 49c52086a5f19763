"""The shared data: what clients wrote down of real venues. Its README says where each file is from."""

import base64
import io
import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import zstandard

from foretick.common.testing.shared_data import SHARED_DATA
from foretick.ingest.domain.events import Received
from foretick.market.recording import RecordedFrame, read_recording

CAPTURES = SHARED_DATA / "venue_captures"
RECORDINGS = SHARED_DATA / "recordings"

_NS_PER_S = 1_000_000_000


def path_of(name: str) -> Path:
    """Return the path of a file of the shared data by its name, or skip the test."""
    for folder in (CAPTURES, RECORDINGS):
        if (folder / name).is_file():
            return folder / name
    pytest.skip(f"{name} is absent; set FORETICK_SHARED_DATA to the folder that has venue_captures and recordings")


@cache
def lines_of(name: str) -> list[dict]:
    """Return the lines of a capture: ``{"t": "header" | "http" | "connect" | "send" | "recv", ...}``."""
    with path_of(name).open("rb") as stream, zstandard.ZstdDecompressor().stream_reader(stream) as raw:
        return [json.loads(line) for line in io.TextIOWrapper(raw, encoding="utf-8")]


def captured(name: str, symbol_of: Callable[[str], str | None], connections: str = "") -> list[Received]:
    """Return the frames of a capture.

    symbol_of: from the address of a request, the symbol that its body is the full book of; None for another body
    connections: only frames of connections whose address has this pattern
    """
    frames: list[Received] = []
    numbers: dict[str, int] = {}
    for line in lines_of(name):
        if line["t"] == "connect" and re.search(connections, line["addr"]):
            numbers[line["conn"]] = len(numbers) + 1
        recv_ns = round(line["ts"] * _NS_PER_S) if "ts" in line else 0
        if line["t"] == "http" and (symbol := symbol_of(line["url"])) is not None:
            frames.append(Received(recv_ns, body_of(line), symbol))
        elif line["t"] == "recv" and line["conn"] in numbers:
            frames.append(Received(recv_ns, body_of(line), None, numbers[line["conn"]]))
    return sorted(frames, key=lambda frame: frame.recv_ns)


def request_body(name: str, pattern: str) -> bytes:
    """Return the body of the first request of a capture whose address has ``pattern``."""
    return next(body_of(line) for line in lines_of(name) if line["t"] == "http" and re.search(pattern, line["url"]))


def body_of(line: dict) -> bytes:
    return base64.b64decode(line["b64"]) if "b64" in line else line["data"].encode()


@cache
def recorded(name: str) -> list[RecordedFrame]:
    """Return the frames of a recording (``recv_ns json`` a line)."""
    with path_of(name).open("rb") as stream:
        return [item for item in read_recording(stream, name) if isinstance(item, RecordedFrame)]
