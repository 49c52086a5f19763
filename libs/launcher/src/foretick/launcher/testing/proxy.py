"""A TCP proxy before nats-server that breaks connections: latency, black hole, reset; of everyone or some clients."""

import asyncio
import contextlib
import json
import re
import socket
import struct
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from foretick.common.runtime.embedded import free_port

_CHUNK_BYTES = 1 << 16
_CONNECT = re.compile(rb"^CONNECT (\{.*?\})\s*\r\n", re.MULTILINE)
_ABORT = struct.pack("ii", 1, 0)


class Link:
    """One client's connection through the proxy. ``name`` is what it calls itself, empty until it has."""

    def __init__(self, client: asyncio.StreamWriter) -> None:
        self.client = client
        self.server: asyncio.StreamWriter | None = None
        self.name = ""
        self.passable = asyncio.Event()
        self._head = b""

    def learn(self, data: bytes) -> bool:
        """Look for the client's name in what it sends first; return whether it has just been found."""
        if self.name or len(self._head) > _CHUNK_BYTES:
            return False
        self._head += data
        found = _CONNECT.search(self._head)
        if found is None:
            return False
        self.name = json.loads(found[1]).get("name") or "?"
        return True

    def abort(self) -> None:
        """Reset both connections, as a router that has forgotten them does."""
        for writer in (self.client, self.server):
            if writer is not None:
                with contextlib.suppress(OSError):
                    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
                writer.transport.abort()
        self.passable.set()


class Proxy:
    """Stands before the server at ``target_port`` of the loopback interface. Methods may be called from any thread.

    While a client is cut off, its bytes go nowhere and no end of a connection is told: a black hole, as a broken
    network is. New connections are accepted and hear nothing. ``cut`` with names cuts only the clients whose names
    begin with one of them, such as ``features.serve``.
    """

    def __init__(self, target_port: int) -> None:
        self.port = free_port()
        self.latency_s = 0.0
        self._target_port = target_port
        self._links: set[Link] = set()
        self._cut: Callable[[str], bool] | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._call(asyncio.start_server(self._serve, "127.0.0.1", self.port))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.reset()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    @property
    def names(self) -> set[str]:
        """What the connected clients call themselves."""
        return {link.name for link in tuple(self._links)}

    def cut(self, *names: str) -> None:
        """Cut off the clients whose names begin with one of ``names``; without any, everybody."""
        self._call(self._set_cut(lambda name: not names or name.startswith(names)))

    def heal(self, *, reset: bool = False) -> None:
        """Let bytes pass again: what has waited goes on its way, or, with ``reset``, the old connections are gone."""
        self._call(self._set_cut(None, reset=reset))

    def reset(self) -> None:
        """Reset every connection."""
        self._call(self._abort_all())

    async def _set_cut(self, cut: Callable[[str], bool] | None, *, reset: bool = False) -> None:
        severed = [link for link in self._links if not link.passable.is_set()]
        self._cut = cut
        for link in tuple(self._links):
            self._judge(link)
        if reset:
            for link in severed:
                link.abort()

    async def _abort_all(self) -> None:
        for link in tuple(self._links):
            link.abort()

    def _judge(self, link: Link) -> None:
        if self._cut is not None and self._cut(link.name):
            link.passable.clear()
        else:
            link.passable.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = Link(writer)
        self._links.add(link)
        self._judge(link)
        try:
            await link.passable.wait()
            server_reader, link.server = await asyncio.open_connection("127.0.0.1", self._target_port)
            up = asyncio.ensure_future(self._pump(link, reader, link.server, is_upward=True))
            down = asyncio.ensure_future(self._pump(link, server_reader, writer, is_upward=False))
            await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
            await link.passable.wait()  # a cut network does not tell of an end either
            up.cancel()
            down.cancel()
            await asyncio.gather(up, down, return_exceptions=True)
        except OSError:
            pass  # the server is away: the client sees its connection close, as without a proxy
        finally:
            self._links.discard(link)
            for end in (writer, link.server):
                if end is not None:
                    end.close()

    async def _pump(
        self, link: Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_upward: bool
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(_CHUNK_BYTES):
                if is_upward and link.learn(data):
                    self._judge(link)
                if self.latency_s:
                    await asyncio.sleep(self.latency_s)
                await link.passable.wait()
                writer.write(data)
                await writer.drain()

    def _call(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)
