"""Wiring: bus -> board -> REST, feed and web app on one port."""

from fastapi import FastAPI, WebSocket
from fastapi.middleware.cors import CORSMiddleware

from foretick.common.clock import Clock
from foretick.common.runtime.bootstrap import Runtime
from foretick.common.subjects import (
    BOOKS,
    FEATURE_VECTORS,
    INSTRUMENT_LISTINGS,
    MODEL_ANNOUNCEMENTS,
    OUTCOME_MESSAGES,
    PREDICTION_MESSAGES,
    TICKS,
)
from foretick.gateway.adapters.asgi.client import AsgiTransport
from foretick.gateway.adapters.web_app.client import WebApp
from foretick.gateway.adapters.web_app.swagger import add_swagger
from foretick.gateway.domain.audience import Audience
from foretick.gateway.domain.board import Board, Identification
from foretick.gateway.domain.directory import Directory
from foretick.gateway.domain.outbox import CloseCode
from foretick.gateway.domain.principal import LOOPBACK_USER, Perimeter
from foretick.gateway.domain.protocol import FeatureLabel
from foretick.gateway.domain.session import SessionLimits
from foretick.gateway.handlers.bus import BusHandler
from foretick.gateway.handlers.feed import FeedHandler
from foretick.gateway.handlers.gate import Gate
from foretick.gateway.handlers.measures import Measures, beat_forever
from foretick.gateway.handlers.problems import add_problem_handlers
from foretick.gateway.handlers.rest import make_router
from foretick.gateway.settings import GatewaySettings
from foretick.quant.registry import FEATURES, SCHEMA_HASH, SCHEMA_ID

EVENTS = (TICKS, BOOKS)
DERIVED = (FEATURE_VECTORS, PREDICTION_MESSAGES, OUTCOME_MESSAGES, INSTRUMENT_LISTINGS, MODEL_ANNOUNCEMENTS)


async def build(rt: Runtime, settings: GatewaySettings) -> None:
    """Wire the gateway."""
    directory = Directory(settings.venues, settings.default_symbols)
    board = Board(identify(rt.run_id, rt.epoch), directory, Audience(settings.max_concurrent_connections), rt.sequence)
    bus = BusHandler(board, rt.data, rt.clock)
    measures = Measures(rt.metrics, board)
    feed = FeedHandler(board, rt.clock, SessionLimits(), measures.stalled.inc)

    await rt.data.subscribe(EVENTS, bus.on_batch)
    await rt.data.subscribe(DERIVED, bus.on_batch)
    bus.restore([message for subject in (*DERIVED, *EVENTS) for message in await rt.bus.last_of_each(subject)])

    rt.mount(make_application(board, feed, rt.clock, settings))
    rt.spawn(beat_forever(board, measures, rt.clock), "beat")

    async def dismiss() -> None:
        await feed.dismiss(CloseCode.RESTART, "restarting: reconnect after a random pause of up to 2 s")

    rt.on_drain(dismiss)


def identify(run_id: str, epoch: int) -> Identification:
    """Return what this process serves, with the labels of the feature registry."""
    labels = tuple(
        FeatureLabel(
            name=feature.name,
            label=feature.label,
            unit=feature.unit.value,
            group=feature.group.value,
            formula=feature.formula,
        )
        for feature in FEATURES
    )
    return Identification(run_id, epoch, SCHEMA_ID, SCHEMA_HASH, labels)


def make_application(board: Board, feed: FeedHandler, clock: Clock, settings: GatewaySettings) -> FastAPI:
    """Return the HTTP application: ``/api``, ``/docs``, ``/ws/realtime`` and, for the rest, the web app."""
    app = FastAPI(
        title="Foretick",
        version="0.1.0",
        summary="Real-time predictive trading analytics",
        description="Streaming data comes over the WebSocket feed `/ws/realtime`; see docs/websocket-protocol.md.",
        docs_url=None,  # see add_swagger
        redoc_url=None,
        openapi_tags=[
            {"name": "analytics", "description": "Predictions and market depth"},
            {"name": "system", "description": "The state of the system itself"},
        ],
    )
    add_swagger(app)
    add_problem_handlers(app)
    app.include_router(make_router(board, clock))

    @app.websocket("/ws/realtime")
    async def realtime(socket: WebSocket) -> None:
        await socket.accept()
        await feed.serve(AsgiTransport(socket), LOOPBACK_USER)

    app.router.default = WebApp(settings.web_dir)  # unlike a mount it leaves 405 to the routes
    if settings.allowed_origins:
        app.add_middleware(CORSMiddleware, allow_origins=settings.allowed_origins, allow_methods=["GET"])
    app.add_middleware(Gate, perimeter=Perimeter(settings.allowed_hosts, settings.allowed_origins))
    return app
