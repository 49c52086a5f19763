"""Turns requests away at the door: wrong Host, or a page of a foreign Origin."""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from foretick.gateway.domain.principal import Perimeter
from foretick.gateway.handlers.problems import problem_response

_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


class Gate:
    """ASGI middleware: 403 with a problem for what the perimeter refuses.

    The Origin counts for WebSockets and for what changes something: browsers keep foreign pages from reading the rest.
    """

    def __init__(self, app: ASGIApp, perimeter: Perimeter) -> None:
        self._app = app
        self._perimeter = perimeter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or turn it away."""
        if scope["type"] in ("http", "websocket"):
            refusal = self._refusal(scope)
            if refusal:
                response = problem_response(403, "forbidden", refusal, scope["path"])
                if scope["type"] == "websocket" and "websocket.http.response" not in scope.get("extensions", {}):
                    await send({"type": "websocket.close", "code": 1008, "reason": refusal})
                    return
                await response(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _refusal(self, scope: Scope) -> str:
        headers = Headers(scope=scope)
        host = headers.get("host")
        refusal = self._perimeter.host_refusal(host)
        if refusal or (scope["type"] == "http" and scope["method"] in _SAFE_METHODS):
            return refusal
        return self._perimeter.origin_refusal(headers.get("origin"), host)
