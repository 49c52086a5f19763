"""A client of the WebSocket feed that keeps to docs/websocket-protocol.md: it holds its place, and comes back to it."""

import asyncio
import contextlib
import json
from collections.abc import Callable, Sequence
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

_ANSWER_S = 10.0

Place = tuple[int, int]
"""Epoch and seq."""


class FeedClient:
    """Follows ``channels`` of ``symbols``; each ``connect`` after the first asks to go on where it was.

    held: the place in each topic, by keys such as ``predictions:sim:BTCUSDT``
    faults: what the chain of ``seq`` and ``prev`` lacked, over all connections
    resumed, whole: of the latest connection, the topics that went on without a snapshot, and those that were told anew
        because they could not
    close_code: how the latest connection ended; None while it lasts, 1006 for one that was cut off
    close_codes: of all that ended, in order; returns: how often ``stay`` came back
    """

    def __init__(self, url: str, symbols: Sequence[str], channels: Sequence[str]) -> None:
        self._url = url
        self._request = {"action": "subscribe", "symbols": list(symbols), "channels": list(channels)}
        self._connection: ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None
        self._answered = asyncio.Event()
        self.held: dict[str, Place] = {}
        self.faults: list[str] = []
        self.resumed: set[str] = set()
        self.whole: set[str] = set()
        self.close_code: int | None = None
        self.close_codes: list[int] = []
        self.returns = 0

    @property
    def seqs(self) -> set[int]:
        """The ``seq`` that it holds, of all topics."""
        return {seq for _, seq in self.held.values()}

    async def connect(self) -> None:
        """Connect and subscribe; return once that is acknowledged.

        Raises:
            OSError, TimeoutError, websockets.WebSocketException: there is nobody, or the connection ended at once
        """
        self.resumed, self.whole, self.close_code = set(), set(), None
        self._answered.clear()
        self._connection = await connect(
            self._url, proxy=None, max_size=None, compression=None, open_timeout=_ANSWER_S, close_timeout=1
        )
        since = {key: {"epoch": epoch, "seq": seq} for key, (epoch, seq) in self.held.items()}
        await self._connection.send(json.dumps(self._request | ({"since": since} if since else {})))
        self._reader = asyncio.create_task(self._read(self._connection))
        await asyncio.wait_for(self._answered.wait(), _ANSWER_S)
        if self.close_code is not None:
            raise ConnectionError(f"the connection ended with {self.close_code}")

    async def stay(self, pause_s: Callable[[], float]) -> None:
        """Stay connected until cancelled: whenever the connection ends, wait ``pause_s()`` and come back."""
        while True:
            if self._reader is not None:
                await asyncio.shield(self._reader)
            await asyncio.sleep(pause_s())
            with contextlib.suppress(OSError, TimeoutError, WebSocketException):
                await self.connect()
                self.returns += 1

    async def close(self) -> None:
        """Leave as a good client does."""
        if self._connection is not None:
            await self._connection.close()
        if self._reader is not None:
            await self._reader

    async def _read(self, connection: ClientConnection) -> None:
        try:
            while True:
                self._take(json.loads(await connection.recv()))
        except ConnectionClosed:
            self.close_code = connection.close_code or 0
            self.close_codes.append(self.close_code)
            self._answered.set()

    def _take(self, message: dict[str, Any]) -> None:
        kind = message["type"]
        if kind == "ack":
            self.resumed = set(message["resumed"])
            self._answered.set()
        elif kind == "error":
            self.faults.append(f"{message['code']}: {message['message']}")
        elif kind in ("snapshot", "delta"):
            self._hold(kind, message)

    def _hold(self, kind: str, message: dict[str, Any]) -> None:
        key = f"{message['channel']}:{message['venue']}:{message['symbol']}"
        held, place = self.held.get(key), (message["epoch"], message["seq"])
        self.held[key] = place
        if message.get("resumed") is False:
            self.whole.add(key)  # of a process that is a little behind it may be older
        elif kind == "delta" and held != (message["epoch"], message["prev"]):
            self.faults.append(f"{key}: held {held}, was told {place} after {message['prev']}")
        elif held is not None and place[0] == held[0] and place[1] < held[1]:
            self.faults.append(f"{key}: went back from {held} to {place}")
