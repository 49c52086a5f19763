"""The seam with nats-py: the data plane's messages pass it by, on the same connection.

nats-py 2.16 spends on every message two regular expressions, three coroutines, a ``Msg``, a queue and the waking of a
task, and two task switches before its bytes are with the parser; to publish it wakes another task. The data plane needs
none of it. So its transport parts the stream before nats-py reads it, and writes complete commands past its buffer.
Connecting, reconnecting, subscribing, pings and everything else remain nats-py's.

What it leans on, all of it here and held by ``test_wire``: ``Client._transport`` is made only where there is none and
is connected anew after a loss; ``TcpTransport`` keeps its streams in four attributes; ``Subscription._id`` is the id on
the wire, and stays when nats-py subscribes again.
"""

import asyncio
import ssl
from collections.abc import Iterable
from typing import SupportsIndex
from urllib.parse import ParseResult

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.aio.transport import TcpTransport

from foretick.common.runtime.data_plane.demux import Demux, Receiver, WholeReceiver

_NATS_PORT = 4222
MAX_UNSENT_BYTES = 64 * 1024 * 1024
"""What may wait in the socket's buffer for a server that does not read; more is dropped, never waited for."""

_CLOSE_S = 2.0
"""How long a connection that is being closed may take to hand over what is left."""


class Wire:
    """Taps subscriptions of ``client`` and writes messages to its socket. Make it before ``client`` connects."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._receivers: dict[bytes, Receiver] = {}
        self._whole: dict[bytes, WholeReceiver] = {}
        self._transport = _PartingTransport(self._receivers, self._whole)
        client._transport = self._transport

    @property
    def max_payload_bytes(self) -> int:
        """The largest message that the server takes."""
        return self._client.max_payload

    @property
    def unsent_bytes(self) -> int:
        """Bytes that wait for the socket to take them."""
        return self._transport.unsent_bytes

    async def tap(self, subject: str, receive: Receiver) -> Subscription:
        """Subscribe ``receive`` to ``subject``."""

        async def receive_early(msg: Msg) -> None:  # one that came before its tap was there
            receive(msg.subject.encode(), msg.data)

        subscription = await self._client.subscribe(subject, cb=receive_early)
        self._receivers[_wire_id(subscription)] = receive
        return subscription

    async def tap_whole(self, inbox: str, receive: WholeReceiver) -> Subscription:
        """Subscribe ``receive`` to ``inbox``, of which nobody has been told yet; it is given reply and headers too."""

        async def receive_none(_: Msg) -> None:
            """Nothing comes before the tap is there."""

        subscription = await self._client.subscribe(inbox, cb=receive_none)
        self._whole[_wire_id(subscription)] = receive
        return subscription

    async def untap(self, subscription: Subscription) -> None:
        """Unsubscribe."""
        if not self._client.is_closed:
            await subscription.unsubscribe()
        self._receivers.pop(_wire_id(subscription), None)
        self._whole.pop(_wire_id(subscription), None)

    def send(self, commands: list[bytes]) -> bool:
        """Write whole protocol commands; return False, and write nothing, while the server is away or does not read.

        They pass what waits in nats-py's own buffer.
        """
        transport = self._transport
        if not self._client.is_connected or not transport.is_open or transport.unsent_bytes > MAX_UNSENT_BYTES:
            return False
        transport.write(b"".join(commands))
        return True

    async def flush(self) -> None:
        """Wait until the server has processed what was sent and subscribed.

        Raises:
            nats.errors.Error, TimeoutError: it does not answer
        """
        if self._client.pending_data_size:  # nats-py's pings pass its own buffer, where subscriptions wait
            await self._client.flush()
        await self._client.flush()


class _PartingTransport(TcpTransport):
    """nats-py's TCP and TLS transport on readers that keep tapped messages back."""

    def __init__(self, receivers: dict[bytes, Receiver], whole: dict[bytes, WholeReceiver]) -> None:
        super().__init__()
        self._receivers = receivers
        self._whole = whole

    async def connect(self, uri: ParseResult, buffer_size: int, connect_timeout: int) -> None:
        loop = asyncio.get_running_loop()
        reader = _PartingReader(buffer_size, self._receivers, self._whole)
        protocol = asyncio.StreamReaderProtocol(reader)
        opening = loop.create_connection(lambda: protocol, uri.hostname or "localhost", uri.port or _NATS_PORT)
        transport, _ = await asyncio.wait_for(opening, connect_timeout)
        writer = asyncio.StreamWriter(transport, protocol, reader, loop)
        self._bare_io_reader = self._io_reader = reader
        self._bare_io_writer = self._io_writer = writer

    async def connect_tls(
        self, uri: str | ParseResult, ssl_context: ssl.SSLContext, buffer_size: int, connect_timeout: int
    ) -> None:
        if self._io_writer is None:
            raise ConnectionError("TLS is spoken on a connection that is open")
        loop = asyncio.get_running_loop()
        reader = _PartingReader(buffer_size, self._receivers, self._whole)
        protocol = asyncio.StreamReaderProtocol(reader)
        hostname = uri if isinstance(uri, str) else uri.hostname
        opening = loop.start_tls(self._io_writer.transport, protocol, ssl_context, server_hostname=hostname)
        transport = await asyncio.wait_for(opening, connect_timeout)
        if transport is None:
            raise ConnectionError("the connection closed during the TLS handshake")
        protocol.connection_made(transport)
        self._io_reader, self._io_writer = reader, asyncio.StreamWriter(transport, protocol, reader, loop)

    async def wait_closed(self) -> None:
        """Return when the connection is closed; a server that does not read what is left for it is not waited for."""
        if self._io_writer is None:
            return
        try:
            await asyncio.wait_for(self._io_writer.wait_closed(), _CLOSE_S)
        except TimeoutError:
            self._io_writer.transport.abort()

    @property
    def is_open(self) -> bool:
        """Whether bytes written now have a socket to go to."""
        return self._io_writer is not None and not self._io_writer.is_closing()

    @property
    def unsent_bytes(self) -> int:
        """Bytes in the socket's own buffer."""
        return 0 if self._io_writer is None else self._io_writer.transport.get_write_buffer_size()

    def __bool__(self) -> bool:
        return True  # else nats-py puts a transport of its own in this one's place


class _PartingReader(asyncio.StreamReader):
    """A stream without the tapped messages."""

    def __init__(self, limit_bytes: int, receivers: dict[bytes, Receiver], whole: dict[bytes, WholeReceiver]) -> None:
        super().__init__(limit=limit_bytes, loop=asyncio.get_running_loop())
        self._demux = Demux(receivers, whole)

    def feed_data(self, data: Iterable[SupportsIndex]) -> None:
        passed = self._demux.feed(bytes(data))
        if passed:
            super().feed_data(passed)


def _wire_id(subscription: Subscription) -> bytes:
    return b"%d" % subscription._id
