"""The rig of the whole-system benchmarks: a loading venue, Foretick as the launcher runs it, an echo beside it."""

import asyncio
import json
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nats

from foretick.common.runtime.embedded import free_port
from foretick.launcher.testing import System


class Venue:
    """``bench.venue`` as a process."""

    def __init__(self, folder: Path, symbols: list[str], ticks_per_s: float) -> None:
        self.symbols = symbols
        self._report = folder / "venue.json"
        ws_port, rest_port = free_port(), free_port()
        self.settings = {
            "VENUES": "sim",
            "DEFAULT_SYMBOLS": ",".join(symbols),
            "SIM_WS_URL": f"ws://127.0.0.1:{ws_port}",
            "SIM_REST_URL": f"http://127.0.0.1:{rest_port}",
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.venue", "--ws-port", str(ws_port), "--rest-port", str(rest_port), "--symbols",
             self.settings["DEFAULT_SYMBOLS"], "--rate", str(ticks_per_s), "--report", str(self._report)]
        )  # fmt: skip

    def stop(self) -> dict[str, Any]:
        """End the stream and return what was sent."""
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(20)
        return json.loads(self._report.read_text())

    def kill(self) -> None:
        """End it without a report."""
        self._process.kill()
        self._process.wait()


@contextmanager
def loaded_system(
    symbols: list[str], ticks_per_s: float, store: Path | None = None, **settings: str
) -> Iterator[tuple[System, Venue]]:
    """Run Foretick on a venue that sends ``ticks_per_s``; the block begins with predictions flowing.

    ``store``: the bus's store of a system that has trained its model; without it, it is trained first.
    """
    with tempfile.TemporaryDirectory(prefix="foretick-bench-") as folder:
        if store is not None:
            shutil.copytree(store, Path(folder) / "data" / "nats")
        venue = Venue(Path(folder), symbols, ticks_per_s)
        try:
            with System(Path(folder) / "data", **venue.settings, **settings) as system:
                system.wait_for_prediction(symbols[0])
                yield system, venue
        finally:
            venue.kill()


async def collect_latencies(system: System, symbols: list[str], seconds: float) -> list[tuple[str, int, int]]:
    """Return (symbol, the venue's clock in ms, arrival in ns) of each prediction that reached a WebSocket client."""
    connection = await system.feed(*symbols)
    arrivals: list[tuple[str, int, int]] = []
    end = asyncio.get_running_loop().time() + seconds
    while (left := end - asyncio.get_running_loop().time()) > 0:
        try:
            text = await asyncio.wait_for(connection.recv(), left)
        except TimeoutError:
            break
        now_ns = time.time_ns()
        message = json.loads(text)
        data = message.get("data") or {}
        if message["type"] == "delta" and data.get("probabilities") and data.get("ts_event_us") is not None:
            arrivals.append((message["symbol"], data["ts_event_us"] // 1000, now_ns))
    await connection.close()
    return arrivals


def join_latencies_ms(arrivals: list[tuple[str, int, int]], report: dict[str, Any]) -> list[float]:
    """Return milliseconds from the bytes' departure at the venue to the client, for each arrival that can be traced."""
    latencies = []
    for symbol, event_ms, arrived_ns in arrivals:
        sent_ns = report["symbols"][symbol]["sent_ns_by_event_ms"].get(str(event_ms))
        if sent_ns is not None:
            latencies.append((arrived_ns - sent_ns) / 1e6)
    return latencies


async def round_trip_ms(nats_url: str, payload: bytes, count: int = 1500, pause_s: float = 0.004) -> float:
    """Return the median of a nats-py echo between two processes, with the same bytes and a pause between trips."""
    echo = await asyncio.create_subprocess_exec(sys.executable, "-m", "bench.echo", nats_url)
    nc = await nats.connect(nats_url)
    try:
        for _ in range(200):
            try:
                await nc.request("bench.echo", payload, timeout=0.2)
                break
            except (nats.errors.NoRespondersError, nats.errors.TimeoutError):
                await asyncio.sleep(0.05)
        trips, arrived = [], asyncio.Event()

        async def note(_message: object) -> None:
            arrived.set()

        await nc.subscribe("bench.echoed", cb=note)
        await nc.flush()
        for _ in range(count):
            arrived.clear()
            start = time.perf_counter()
            await nc.publish("bench.echo", payload, reply="bench.echoed")
            await asyncio.wait_for(arrived.wait(), 5)
            trips.append((time.perf_counter() - start) * 1e3)
            await asyncio.sleep(pause_s)
        return statistics.median(trips)
    finally:
        await nc.close()
        echo.kill()
        await echo.wait()
