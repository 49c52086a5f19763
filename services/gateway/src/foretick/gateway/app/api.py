"""Wiring of the role ``api``: REST, feed and web app on one port."""

from fastapi import FastAPI, WebSocket
from fastapi.middleware.cors import CORSMiddleware

from foretick.common.clock import Clock
from foretick.common.runtime.bootstrap import Runtime
from foretick.gateway.adapters.asgi.client import AsgiTransport
from foretick.gateway.adapters.past.client import StreamPast
from foretick.gateway.adapters.predictor.client import BusExplanations
from foretick.gateway.adapters.record.client import DatabaseBars
from foretick.gateway.adapters.web_app.client import WebApp
from foretick.gateway.adapters.web_app.swagger import add_swagger
from foretick.gateway.app.market import open_feed
from foretick.gateway.domain.principal import LOOPBACK_USER, Perimeter
from foretick.gateway.handlers.feed import FeedHandler
from foretick.gateway.handlers.gate import Gate
from foretick.gateway.handlers.problems import add_problem_handlers
from foretick.gateway.handlers.rest import make_router
from foretick.gateway.ports import BarRecord, Explanations, Past
from foretick.gateway.settings import GatewaySettings


async def build(rt: Runtime, settings: GatewaySettings) -> None:
    """Wire the gateway."""
    feed = await open_feed(rt, settings)
    record = DatabaseBars(rt, settings.database_url) if settings.database_url else None
    if record is not None:
        rt.on_drain(record.close)
    rt.mount(make_application(feed, rt.clock, settings, record, BusExplanations(rt.bus), StreamPast(rt.bus)))


def make_application(
    feed: FeedHandler,
    clock: Clock,
    settings: GatewaySettings,
    record: BarRecord | None = None,
    explanations: Explanations | None = None,
    past: Past | None = None,
) -> FastAPI:
    """Return the HTTP application: ``/api``, ``/docs``, ``/ws/realtime`` and, for the rest, the web app."""
    app = FastAPI(
        title="Foretick",
        version="0.1.0",
        summary="Real-time predictive trading analytics",
        description="Streaming data comes over the WebSocket feed `/ws/realtime`; see docs/websocket-protocol.md.",
        docs_url=None,  # see add_swagger
        redoc_url=None,
        openapi_tags=[
            {"name": "analytics", "description": "Predictions, market depth, bars, correlations"},
            {"name": "models", "description": "What the model is worth, live"},
            {"name": "system", "description": "The state of the system itself"},
        ],
    )
    add_swagger(app)
    add_problem_handlers(app)
    app.include_router(make_router(feed.board, clock, record, explanations, past))

    @app.websocket("/ws/realtime")
    async def realtime(socket: WebSocket) -> None:
        await socket.accept()
        await AsgiTransport(socket).carry(lambda transport: feed.connect(transport, LOOPBACK_USER))

    app.router.default = WebApp(settings.web_dir)  # unlike a mount it leaves 405 to the routes
    if settings.allowed_origins:
        app.add_middleware(CORSMiddleware, allow_origins=settings.allowed_origins, allow_methods=["GET"])
    app.add_middleware(Gate, perimeter=Perimeter(settings.allowed_hosts, settings.allowed_origins))
    return app
