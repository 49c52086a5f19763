"""The whole system under test: ``foretick up`` as a process, in its own directory and on free ports.

For end-to-end tests and benchmarks. It uses only what an operator has: the command, HTTP, process lists.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import psutil
import websockets
from websockets.typing import Origin

from foretick.common.runtime.embedded import free_port
from foretick.launcher.machine.instance import read_card

Result = TypeVar("Result")

ROLES = [
    ("ingest", "simulate"), ("ingest", "feed"), ("ingest", "record"), ("features", "serve"), ("predictor", "serve"),
    ("predictor", "watch"), ("features", "correlate"), ("features", "certify"), ("gateway", "api"), ("gateway", "feed"),
]  # fmt: skip
"""Service and role of every process of the default system that serves."""

_INHERITED = ("PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV", "NUMBA_CACHE_DIR", "LD_LIBRARY_PATH")


def wait_until(condition: Callable[[], Any], deadline_s: float, what: str | Callable[[], str]) -> Any:
    """Return the first truthy value of ``condition``.

    Raises:
        TimeoutError: naming ``what``, or what it says then, after ``deadline_s``.
    """
    end = time.monotonic() + deadline_s
    while not (value := condition()):
        if time.monotonic() > end:
            raise TimeoutError(f"not within {deadline_s:g} s: {what() if callable(what) else what}")
        time.sleep(0.05)
    return value


def run_apart(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Run ``coroutine`` to its end on a thread with its own loop, so that the caller may be inside another."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


@dataclass(frozen=True, slots=True)
class Usage:
    """Processor seconds used since the start, and memory held (PSS) now, at an instant of the monotonic clock.

    ``pss_bytes_by`` has ``postgres``, ``nats-server`` and ``services`` (everything else).
    """

    at_s: float
    cpu_s: float
    pss_bytes_by: dict[str, int]

    @property
    def pss_bytes(self) -> int:
        """The memory of all."""
        return sum(self.pss_bytes_by.values())

    def cores_since(self, earlier: "Usage") -> float:
        """Return how many cores were busy on average since ``earlier``."""
        return (self.cpu_s - earlier.cpu_s) / (self.at_s - earlier.at_s)


class System:
    """A running Foretick. Use it as a context manager.

    Args:
        data_dir: where it keeps everything; its log is ``data_dir/up.log``
        settings: environment variables by name, over the defaults
    """

    def __init__(self, data_dir: Path, **settings: str) -> None:
        self.data_dir = data_dir
        self.api_port = int(settings.pop("API_PORT", "0")) or free_port()
        self.log_path = data_dir / "up.log"
        inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        defaults = {"DATA_DIR": str(data_dir), "API_PORT": str(self.api_port), "WEBSOCKET_PORT": "0"}
        self.env = inherited | defaults | settings
        self.process: subprocess.Popen[bytes] | None = None
        self.started_at_s = 0.0

    @property
    def url(self) -> str:
        """The dashboard's address."""
        return f"http://127.0.0.1:{self.api_port}"

    @property
    def feed_url(self) -> str:
        """The WebSocket feed's address."""
        return f"ws://127.0.0.1:{self.api_port}/ws/realtime"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start ``foretick up``; it is not live yet."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        with self.log_path.open("ab") as log:
            self.started_at_s = time.monotonic()
            self.process = subprocess.Popen(
                [sys.executable, "-m", "foretick.launcher", "up"], env=self.env, stdout=log, stderr=subprocess.STDOUT,
                start_new_session=True,
            )  # fmt: skip

    def stop(self, deadline_s: float = 40) -> int:
        """Stop it as an operator does and return its exit code; whatever is left then is killed, and an error."""
        if self.process is None:
            return 0
        family = self.processes()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(deadline_s)
        finally:
            left = [process for process in family if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]
            for process in left:
                process.kill()
            self.process = None
        if left:
            raise RuntimeError(f"left behind after stopping: {left}")
        return code

    def processes(self) -> list[psutil.Process]:
        """Return the launcher and everything it started."""
        if self.process is None:
            return []
        try:
            launcher = psutil.Process(self.process.pid)
            return [launcher, *launcher.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def usage(self) -> "Usage":
        """Return what all processes together have used up to now."""
        cpu_s, pss_bytes_by = 0.0, {"postgres": 0, "nats-server": 0, "services": 0}
        for process in self.processes():
            try:
                times, memory, name = process.cpu_times(), process.memory_full_info(), process.name()
            except (psutil.NoSuchProcess, psutil.ZombieProcess):
                continue
            cpu_s += times.user + times.system
            pss_bytes_by[name if name in pss_bytes_by else "services"] += memory.pss
        return Usage(time.monotonic(), cpu_s, pss_bytes_by)

    def role(self, service: str, role: str) -> psutil.Process | None:
        """Return the process of a role, if it runs."""
        for process in self.processes():
            try:
                command = process.cmdline()
            except (psutil.NoSuchProcess, psutil.ZombieProcess):
                continue
            if command[1:3] == ["-m", f"foretick.{service}"] and role in command[3:]:
                return process
        return None

    def card(self, name: str) -> dict[str, Any]:
        """Return what the launcher tells of process ``name``, such as ``gateway.feed-1``: pid, state, port."""
        return (read_card(self.data_dir) or {}).get("roles", {}).get(name, {})

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run ``foretick`` with ``words`` on this data directory, and return what it said."""
        command = [sys.executable, "-m", "foretick.launcher", *words]
        return subprocess.run(command, env=self.env, capture_output=True, text=True, timeout=60)

    def setting(self, name: str) -> str:
        """Return what the launcher told the gateway in variable ``name``; of ``NATS_URL``, what the operator uses."""
        if name == "NATS_URL":
            return wait_until(self._nats_url, 60, "address of NATS")
        gateway = wait_until(lambda: self.role("gateway", "api"), 60, "gateway process")
        return gateway.environ()[name]

    def _nats_url(self) -> str:
        card = read_card(self.data_dir) or {}
        is_ours = self.process is not None and card.get("pid") == self.process.pid  # a killed launcher leaves its card
        return card.get("nats_url", "") if is_ours else ""

    def get(self, path: str) -> Any:
        """GET ``path`` as JSON; None while there is no answer or an error status."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=5) as reply:
                return json.load(reply)
        except (urllib.error.URLError, OSError, ValueError):
            return None

    def metrics(self, service: str, role: str) -> str:
        """Return a role's Prometheus exposition."""
        process = self.role(service, role)
        if process is None:
            raise RuntimeError(f"no process of {service} {role}")
        port = process.environ().get("HTTP_PORT") or self.api_port
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as reply:
            return reply.read().decode()

    def wait_for_prediction(self, symbol: str = "BTCUSDT", deadline_s: float = 120) -> dict[str, Any]:
        """Wait until a prediction with numbers for ``symbol`` is served, and return it."""

        def served() -> Any:
            if self.process is None or self.process.poll() is not None:
                raise RuntimeError(f"foretick up ended:\n{self.log_tail()}")
            reply = self.get(f"/api/analytics/predictions/{symbol}")
            return reply if reply and prediction_of(reply).get("probabilities") else None

        try:
            return wait_until(served, deadline_s, f"a prediction for {symbol}")
        except TimeoutError as error:
            raise TimeoutError(f"{error}\n{self.log_tail()}") from None

    def log_tail(self, lines: int = 60) -> str:
        """Return the end of the launcher's output."""
        return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-lines:])

    async def feed(self, *symbols: str, channels: tuple[str, ...] = ("predictions",)) -> Any:
        """Open the WebSocket feed, subscribe, and return the connection."""
        connection = await websockets.connect(self.feed_url, max_size=None, compression=None, origin=Origin(self.url))
        await connection.send(json.dumps({"action": "subscribe", "symbols": symbols, "channels": channels}))
        return connection


def prediction_of(reply: dict[str, Any]) -> dict[str, Any]:
    """Return the prediction inside a REST reply."""
    return reply.get("prediction", reply) or {}


async def updates(connection: Any, channel: str, deadline_s: float) -> AsyncIterator[dict[str, Any]]:
    """Yield the snapshots and deltas of ``channel`` for ``deadline_s``."""
    end = asyncio.get_running_loop().time() + deadline_s
    while (left := end - asyncio.get_running_loop().time()) > 0:
        try:
            message = json.loads(await asyncio.wait_for(connection.recv(), left))
        except TimeoutError:
            return
        if message.get("channel") == channel and message["type"] in ("snapshot", "delta"):
            yield message
