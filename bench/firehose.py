"""A sender that costs little: NATS's protocol on a blocking socket, at a rate or in one go; and consumers beside it."""

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from socket import create_connection
from urllib.parse import urlparse

import msgspec
import nats
import nats.errors
import uvloop

from bench.consumer import Usage
from foretick.common.runtime.embedded import NatsServer

_READY_S = 60.0
_SLICE_S = 50e-6


class Firehose:
    """A connection that only publishes."""

    def __init__(self, url: str) -> None:
        address = urlparse(url)
        self._socket = create_connection((address.hostname, address.port))
        self._socket.sendall(b"CONNECT " + json.dumps({"verbose": False, "name": "firehose"}).encode() + b"\r\n")

    def pour(self, subject: str, payloads: Sequence[bytes]) -> None:
        """Send everything as fast as the server takes it."""
        self._socket.sendall(b"".join(command(subject, payload) for payload in payloads))

    def pour_at(self, subject: str, payloads: Sequence[bytes], rate_per_s: float) -> float:
        """Send on an open-loop schedule; return the rate that came of it."""
        commands = [command(subject, payload) for payload in payloads]
        start, sent = time.perf_counter(), 0
        while sent < len(commands):
            due = min(len(commands), int((time.perf_counter() - start) * rate_per_s) + 1)
            if due > sent:
                self._socket.sendall(b"".join(commands[sent:due]))
                sent = due
            time.sleep(_SLICE_S)
        return sent / (time.perf_counter() - start)

    def close(self) -> None:
        """Disconnect."""
        self._socket.close()


def command(subject: str, payload: bytes) -> bytes:
    """Return the bytes that publish ``payload``."""
    return b"PUB %b %d\r\n%b\r\n" % (subject.encode(), len(payload), payload)


@contextmanager
def server() -> Iterator[NatsServer]:
    """Run a nats-server of the benchmark's own."""
    with tempfile.TemporaryDirectory(prefix="foretick-bench-") as folder:
        nats_server = NatsServer(Path(folder))
        nats_server.start()
        try:
            yield nats_server
        finally:
            nats_server.stop()


@contextmanager
def consumers(url: str, *kinds: str) -> Iterator[None]:
    """Run a ``bench.consumer`` of each kind; the block begins when all of them answer."""
    processes = [subprocess.Popen([sys.executable, "-m", "bench.consumer", url, kind]) for kind in kinds]
    try:
        for kind in kinds:
            usage_of(url, kind)
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


@contextmanager
def echo(url: str) -> Iterator[None]:
    """Run ``bench.echo`` as a process."""
    process = subprocess.Popen([sys.executable, "-m", "bench.echo", url])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def usage_of(url: str, kind: str, messages: int = 0) -> Usage:
    """Return what the consumer ``kind`` says once it has taken ``messages``.

    Raises:
        AssertionError: it did not take them in time, or took more
    """

    async def ask() -> Usage:
        nc = await nats.connect(url)
        deadline = time.monotonic() + _READY_S
        usage = None
        while time.monotonic() < deadline and (usage is None or usage.messages < messages):
            with suppress(nats.errors.NoRespondersError, nats.errors.TimeoutError):
                reply = await nc.request(f"bench.usage.{kind}", b"", timeout=2)
                usage = msgspec.json.decode(reply.data, type=Usage)
            await asyncio.sleep(0.02)
        await nc.close()
        if usage is None or (messages and usage.messages != messages):
            raise AssertionError(f"{kind} took {usage and usage.messages} messages, {messages} were sent")
        return usage

    return uvloop.run(ask())
