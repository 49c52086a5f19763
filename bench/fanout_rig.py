"""The servers of the fan-out benchmarks, and the publisher."""

import asyncio
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import nats
import psutil

from bench.crowd import BASE_SEQ, vector
from foretick.common.runtime.embedded import NatsServer, free_port
from foretick.common.runtime.embedded.nats import _binary
from foretick.common.subjects import FEATURE_VECTORS

HZ = 100
_READY_S = 30.0

_LISTENER = """\
listen: "127.0.0.1:{port}"
no_fast_producer_stall: true
websocket {{ listen: "127.0.0.1:{websocket_port}", no_tls: true, compression: false }}
"""


class Gateway:
    """The role feed as the launcher runs it, on a NATS of its own."""

    def __init__(self, folder: Path, symbols: tuple[str, ...]) -> None:
        self._nats = NatsServer(folder / "nats")
        self._nats.__enter__()
        self.nats_url = self._nats.url
        self.port, self.http_port = free_port(), free_port()
        told = {
            "NATS_URL": self.nats_url, "WEBSOCKET_PORT": str(self.port), "HTTP_PORT": str(self.http_port),
            "RUN_ID": "test", "DEFAULT_SYMBOLS": ",".join(symbols), "MAX_CONCURRENT_CONNECTIONS": "10000",
            "LOG_LEVEL": "ERROR",
        }  # fmt: skip
        self.process = psutil.Popen([sys.executable, "-m", "foretick.gateway", "feed"], env={**os.environ, **told})
        wait_for_port(self.port)

    def metric(self, name: str) -> float:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.http_port}/metrics", timeout=5) as reply:
            found = re.search(rf"^foretick_gateway_{name} (\S+)$", reply.read().decode(), re.MULTILINE)
        return float(found[1]) if found else 0.0

    def close(self) -> None:
        self.process.terminate()
        self.process.wait()
        self._nats.__exit__(None, None, None)


class Listener:
    """nats-server with its WebSocket listener, and nothing else."""

    def __init__(self, folder: Path) -> None:
        port, self.port = free_port(), free_port()
        path = folder / "listener.conf"
        path.write_text(_LISTENER.format(port=port, websocket_port=self.port))
        self.nats_url = f"nats://127.0.0.1:{port}"
        self.process = psutil.Popen([str(_binary()), "--config", str(path)], stderr=subprocess.DEVNULL)
        wait_for_port(self.port)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


class Publisher:
    """Publishes rounds: what ``payload(symbol, seq)`` returns for each symbol, under ``subject(symbol)``."""

    def __init__(
        self, url: str, symbols: tuple[str, ...], subject: Callable[[str], str], payload: Callable[[str, int], bytes]
    ) -> None:
        self._url = url
        self.symbols = symbols
        self._subject = subject
        self._payload = payload
        self._seq = BASE_SEQ - 1

    def publish(self, rounds: int, hz: float = HZ) -> float:
        """Publish ``rounds`` at ``hz`` and return the seconds it took."""
        return asyncio.run(self._publish(rounds, hz))

    async def _publish(self, rounds: int, hz: float) -> float:
        nc = await nats.connect(self._url)
        loop = asyncio.get_running_loop()
        start_s = loop.time()
        for number in range(rounds):
            self._seq += 1
            for symbol in self.symbols:
                await nc.publish(self._subject(symbol), self._payload(symbol, self._seq))
            await nc.flush()
            await asyncio.sleep(max(0.0, start_s + (number + 1) / hz - loop.time()))
        await nc.close()
        return loop.time() - start_s


def gateway_publisher(
    gateway: Gateway, symbols: tuple[str, ...], values: int = 12, *, stamped: bool = False
) -> Publisher:
    """A publisher of feature vectors; ``stamped``: their ``ts_recv_ns`` is now."""

    def payload(symbol: str, seq: int) -> bytes:
        fields = {"ts_recv_ns": time.time_ns()} if stamped else {}
        return msgspec.json.encode(vector(symbol, seq, values, **fields))

    return Publisher(gateway.nats_url, symbols, lambda symbol: FEATURE_VECTORS.of("sim", symbol), payload)


def cpu_s(process: psutil.Process) -> float:
    """Processor seconds that ``process`` has used."""
    times = process.cpu_times()
    return times.user + times.system


def wait_for_port(port: int) -> None:
    """Return once somebody listens."""
    import socket

    end_s = time.monotonic() + _READY_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > end_s:
                raise
            time.sleep(0.05)


@contextmanager
def folder() -> Iterator[Path]:
    """A directory for the servers of a run."""
    with tempfile.TemporaryDirectory(prefix="foretick-bench-") as name:
        yield Path(name)
