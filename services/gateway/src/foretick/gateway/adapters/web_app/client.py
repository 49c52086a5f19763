"""Serves the built web app from a folder."""

from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocketClose

IMMUTABLE = "public, max-age=31536000, immutable"
REVALIDATE = "no-cache"

_NOT_BUILT = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Foretick</title>
<style>body{font:16px/1.6 system-ui;margin:15vh auto;max-width:40rem;padding:0 1rem;background:#0b0e14;color:#d7dce5}
a{color:#7cc4ff}code{background:#1a2030;padding:.1em .4em;border-radius:4px}</style>
<h1>The web app is not built</h1>
<p>The gateway runs, but the folder <code>WEB_DIR</code> has no <code>index.html</code>. Build it with
<code>make web</code> and reload this page; <code>make run</code> does it by itself.</p>
<p>The rest works: <a href="docs">REST interface</a>, <a href="api/system/status">system status</a>, and the feed at
<code>/ws/realtime</code>.</p></html>
"""


class WebApp(StaticFiles):
    """The files of a Vite build.

    What lies under ``assets/`` has a hash in its name and never changes; everything else is asked for anew. A path
    without a file extension is a page of the app: it gets ``index.html``. The folder may appear later than the gateway.
    """

    def __init__(self, folder: str) -> None:
        super().__init__(directory=folder, check_dir=False)
        self._index = Path(folder) / "index.html"

    async def check_config(self) -> None:
        """Don't: a folder that is missing gets its own page."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve files; there is no WebSocket here."""
        if scope["type"] == "websocket":
            await WebSocketClose()(scope, receive, send)
            return
        await super().__call__(scope, receive, send)

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return the file, the app's page, or the page that says how to build the app."""
        if path.startswith(("api/", "ws/")):
            raise HTTPException(404, f"there is no /{path}")
        page = path in ("", ".") or "." not in path.rpartition("/")[2]
        if page and scope["method"] in ("GET", "HEAD"):
            path = "index.html"
            if not self._index.is_file():
                return HTMLResponse(_NOT_BUILT, 503, {"cache-control": "no-store"})
        try:
            response = await super().get_response(path, scope)
        except HTTPException as error:
            if error.status_code != 404:
                raise
            raise HTTPException(404, f"there is no file {path}") from None
        response.headers["cache-control"] = IMMUTABLE if path.startswith("assets/") else REVALIDATE
        return response
