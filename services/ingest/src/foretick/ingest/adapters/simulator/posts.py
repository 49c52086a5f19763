"""POST on the sockets' own port, and sockets that fall silent.

``websockets`` reads GET requests only, so a connection that begins with POST is answered here.
"""

from collections.abc import Callable
from http import HTTPStatus

from websockets.asyncio.server import ServerConnection

from foretick.ingest.adapters.simulator.rest import Answer
from foretick.ingest.domain.exchange_wire import error_body

_METHOD = b"POST "
_MOST_BYTES = 16 * 1024


OnPost = Callable[[str, bytes], Answer]
"""Answers a POST of (target, body)."""


def connections_posting_to(on_post: OnPost) -> type[ServerConnection]:
    """Return the class of connections whose POST requests ``on_post`` answers."""

    class Connection(PostingConnection):
        def answer_post(self, target: str, body: bytes) -> Answer:
            return on_post(target, body)

    return Connection


class PostingConnection(ServerConnection):
    """A connection of the WebSocket server that also answers one POST request, and then closes."""

    is_silent = False
    _received = b""
    _is_post: bool | None = None

    def data_received(self, data: bytes) -> None:
        """Take bytes: of a POST request until it is whole, of anything else as a WebSocket server does."""
        if self.is_silent:
            return
        if self._is_post is False:
            super().data_received(data)
            return
        self._received += data
        if self._is_post is None and not _METHOD.startswith(self._received[: len(_METHOD)]):
            self._is_post = False
            super().data_received(self._received)
            return
        self._is_post = True if len(self._received) >= len(_METHOD) else None
        reply = self._reply() if self._is_post else None
        if reply is not None:
            self.transport.write(_http(reply))
            self.transport.close()

    def fall_silent(self) -> None:
        """Stay open and send nothing any more, whatever comes: as a peer does that the network has lost."""
        self.is_silent = True
        if self.keepalive_task is not None:
            self.keepalive_task.cancel()

    def answer_post(self, target: str, body: bytes) -> Answer:
        """Answer a whole request."""
        raise NotImplementedError

    def _reply(self) -> Answer | None:
        """Return the answer once the request is whole."""
        head, blank, body = self._received.partition(b"\r\n\r\n")
        if len(self._received) > _MOST_BYTES:
            return Answer(413, error_body(-1100, f"at most {_MOST_BYTES} bytes"))
        if not blank:
            return None
        request, *fields = head.decode("latin-1").split("\r\n")
        headers = {name.strip().lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
        length = headers.get("content-length", "0")
        if not length.isdigit():
            return Answer(400, error_body(-1100, "Content-Length is not a number"))
        if len(body) < int(length):
            return None
        return self.answer_post(request.split(" ")[1], body[: int(length)])


def _http(reply: Answer) -> bytes:
    phrase = HTTPStatus(reply.status).phrase
    head = f"HTTP/1.1 {reply.status} {phrase}\r\nContent-Type: application/json;charset=UTF-8\r\n"
    return f"{head}Content-Length: {len(reply.body)}\r\nConnection: close\r\n\r\n".encode() + reply.body
