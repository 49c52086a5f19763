"""A REST server of a venue, on this machine."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from websockets.asyncio.server import serve
from websockets.datastructures import Headers
from websockets.http11 import Response


@dataclass
class Answers:
    """What it answers, in turn (the last one for ever), and what it was asked."""

    url: str = ""
    bodies: list[bytes] = field(default_factory=lambda: [b"{}"])
    asked: list[str] = field(default_factory=list)


@asynccontextmanager
async def serving(status: int = 200) -> AsyncIterator[Answers]:
    """Serve until the context ends."""
    answers = Answers()

    def answer(_connection, request) -> Response:
        answers.asked.append(request.path)
        body = answers.bodies[min(len(answers.asked), len(answers.bodies)) - 1]
        headers = Headers({"content-length": str(len(body)), "connection": "close"})
        return Response(status, "OK", headers, body)

    async def nobody(connection) -> None:
        await connection.wait_closed()

    async with serve(nobody, "127.0.0.1", 0, process_request=answer) as server:
        answers.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield answers
