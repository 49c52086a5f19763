"""A venue on a real socket: Binance's ``aggTrades`` of a tape, and ``klines``, with the trouble that is set."""

import json
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from .conftest import MINUTE


class FakeVenue:
    """Answers as documented; ``trouble`` holds what to answer instead, one entry a request: status, headers, body."""

    def __init__(self, times_ms: list[int]) -> None:
        self.times_ms = times_ms
        self.trouble: deque[tuple[int, dict[str, str], bytes]] = deque()
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.url = ""

    def answer(self, path: str, params: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        self.requests.append((path, params))
        if self.trouble:
            return self.trouble.popleft()
        if params["symbol"] != "BTCUSDT":
            return 400, {}, b'{"code":-1121,"msg":"Invalid symbol."}'
        rows = self._trades(params) if path == "/api/v3/aggTrades" else self._klines(params)
        return 200, {}, json.dumps(rows[: int(params["limit"])]).encode()

    def _trades(self, params: dict[str, str]) -> list[dict]:
        first = int(params.get("fromId", 0))
        start_ms = int(params.get("startTime", 0))
        return [
            {"a": n, "p": f"{100 + n % 7}.5", "q": "0.001", "f": n, "l": n, "T": ms, "m": n % 2 == 0, "M": True}
            for n, ms in enumerate(self.times_ms)
            if n >= first and ms >= start_ms
        ]

    def _klines(self, params: dict[str, str]) -> list[list]:
        minute_ms = MINUTE // 10**6
        opens = range(-(-int(params["startTime"]) // minute_ms) * minute_ms, int(params["endTime"]) + 1, minute_ms)
        return [
            [ms, "1", "2", "0.5", "1.5", str(ms // minute_ms % 100), ms + minute_ms - 1, "10", 3, "1", "1", "0"]
            for ms in opens
        ]


@contextmanager
def serving(venue: FakeVenue) -> Iterator[FakeVenue]:
    """Serve ``venue`` on a free port for the body."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            split = urlsplit(self.path)
            status, headers, body = venue.answer(split.path, dict(parse_qsl(split.query)))
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    venue.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield venue
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
