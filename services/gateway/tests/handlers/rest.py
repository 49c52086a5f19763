"""The REST interface over ASGI, for tests."""

import httpx
from fastapi import FastAPI

from foretick.common.testing.builders import (
    T0_NS,
)
from foretick.common.testing.fakes import ManualClock
from foretick.gateway.app.api import make_application
from foretick.gateway.domain.board import Board
from foretick.gateway.domain.session import SessionLimits
from foretick.gateway.handlers.feed import FeedHandler
from foretick.gateway.settings import GatewaySettings

from .explained import EXPLANATION, Predictor


def application(board: Board, clock: ManualClock, **settings: object) -> FastAPI:
    feed = FeedHandler(board, clock, SessionLimits(), lambda: None)
    return make_application(feed, clock, GatewaySettings.model_validate(settings), explanations=Predictor(EXPLANATION))


def client_of(app: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url="http://localhost"
    )


def fold(board: Board, *messages: object) -> None:
    for message in messages:
        board.fold(message, T0_NS)
    board.publish()
