"""A WebSocket client that follows one instrument whatever happens, and what it saw, by its own clock."""

import asyncio
import contextlib
import json
import threading
import time
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import TracebackType
from typing import Any, Self

import websockets

from foretick.launcher.testing.system import System, wait_until

_RETRY_S = 0.05
_QUIET_S = 3.0
"""The server sends a heartbeat every second: a connection that says nothing for this long is dead."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A prediction with numbers: when it came (monotonic clock), how old its last event was, and its ``asof_seq``."""

    at_s: float
    latency_ms: float
    asof_seq: int


@dataclass(frozen=True, slots=True)
class Outage:
    """How long a fault lasted and the longest time without a prediction at the client meanwhile, in seconds."""

    what: str
    injected_s: float
    seen_s: float

    def describe(self) -> str:
        """Return one line, the ratio of both at its end."""
        ratio = self.seen_s / self.injected_s if self.injected_s else float("inf")
        return f"{self.what}: injected {self.injected_s:.2f} s, seen by a client {self.seen_s:.2f} s, ratio {ratio:.2f}"


def longest_silence_s(arrivals: Sequence[Arrival], since_s: float, until_s: float) -> float:
    """Return the longest time without one of ``arrivals``, which are in order, that touches the span."""
    first = max(bisect_left(arrivals, since_s, key=_instant) - 1, 0)
    beyond = bisect_right(arrivals, until_s, key=_instant)
    starts_s = [arrival.at_s for arrival in arrivals[first:beyond]] or [since_s]
    end_s = arrivals[beyond].at_s if beyond < len(arrivals) else until_s
    return max(end - start for start, end in pairwise([*starts_s, end_s]))


def _instant(arrival: Arrival) -> float:
    return arrival.at_s


class Follower:
    """Follows the predictions of ``symbol`` from a thread of its own; connects again whenever it is cut off."""

    def __init__(self, system: System, symbol: str = "BTCUSDT") -> None:
        self._system = system
        self._symbol = symbol
        self._arrivals: list[Arrival] = []
        self._newest_seq = 0
        self._stop = asyncio.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._follow(),), daemon=True)
        self._place = (-1, -1)
        self.connects = 0
        self.regressions: list[tuple[tuple[int, int], tuple[int, int]]] = []
        """Pairs of (epoch, seq) where a connection was sent something older than what it had."""

    def __enter__(self) -> Self:
        self._thread.start()
        wait_until(lambda: self._arrivals, 120, f"a first prediction of {self._symbol} on the feed")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def wait_for_newer(self, deadline_s: float = 90) -> Arrival:
        """Return the first prediction that comes from now on and is newer than all before.

        Raises:
            TimeoutError: none came in time.
        """
        seen, newest_seq = len(self._arrivals), self._newest_seq

        def newer() -> Arrival | None:
            return next((each for each in self._arrivals[seen:] if each.asof_seq > newest_seq), None)

        return wait_until(newer, deadline_s, f"a newer prediction of {self._symbol} on the feed")

    def wait_for_more(self, count: int, deadline_s: float = 30) -> None:
        """Wait until ``count`` predictions have come from now on.

        Raises:
            TimeoutError: fewer came in time.
        """
        seen = len(self._arrivals)
        wait_until(
            lambda: len(self._arrivals) >= seen + count, deadline_s,
            lambda: f"{count} predictions of {self._symbol} on the feed, {len(self._arrivals) - seen} came",
        )  # fmt: skip

    def longest_silence_s(self, since_s: float, until_s: float) -> float:
        """Return the longest time without a prediction that touches the span, on the monotonic clock."""
        return longest_silence_s(self._arrivals, since_s, until_s)

    def latencies_ms(self, since_s: float, until_s: float) -> list[float]:
        """Return the age of every prediction that came in the span, from ingest's reading of its last event."""
        first = bisect_left(self._arrivals, since_s, key=_instant)
        beyond = bisect_right(self._arrivals, until_s, key=_instant)
        return [arrival.latency_ms for arrival in self._arrivals[first:beyond]]

    async def _follow(self) -> None:
        stopped = asyncio.ensure_future(self._stop.wait())
        while not stopped.done():
            session = asyncio.ensure_future(self._session())
            await asyncio.wait({session, stopped}, return_when=asyncio.FIRST_COMPLETED)
            session.cancel()
            await asyncio.gather(session, return_exceptions=True)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(stopped), _RETRY_S)

    async def _session(self) -> None:
        try:
            connection = await asyncio.wait_for(self._system.feed(self._symbol), _QUIET_S)
        except (OSError, TimeoutError, websockets.WebSocketException):
            return
        self.connects += 1
        self._place = (-1, -1)
        try:
            while True:
                text = await asyncio.wait_for(connection.recv(), _QUIET_S)
                self._take(json.loads(text), time.monotonic(), time.time_ns())
        except (OSError, TimeoutError, websockets.WebSocketException):
            return
        finally:
            with contextlib.suppress(OSError, TimeoutError, websockets.WebSocketException):
                await asyncio.wait_for(connection.close(), 1)

    def _take(self, message: dict[str, Any], at_s: float, at_ns: int) -> None:
        if message.get("channel") == "predictions":
            place = (message["epoch"], message["seq"])
            if place < self._place:
                self.regressions.append((self._place, place))
            self._place = max(place, self._place)
        data = message.get("data") or {}
        is_fresh = message["type"] == "delta" or (message["type"] == "snapshot" and message.get("age_us", 0) < 1e6)
        if message.get("channel") == "predictions" and is_fresh and data.get("probabilities"):
            self._newest_seq = max(self._newest_seq, data["asof_seq"])
            self._arrivals.append(Arrival(at_s, (at_ns / 1e3 - data["ts_recv_us"]) / 1e3, data["asof_seq"]))
