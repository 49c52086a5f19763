"""REST over ASGI: how predictions and models went over the last hour."""

from collections.abc import Sequence

from foretick.common.contracts import ModelLife, Outcome
from foretick.common.errors import Transient
from foretick.common.testing.builders import T0_NS, instrument, model_life, outcome
from foretick.common.testing.fakes import ManualClock
from foretick.gateway.app.api import make_application
from foretick.gateway.domain.board import Board
from foretick.gateway.domain.session import SessionLimits
from foretick.gateway.handlers.feed import FeedHandler
from foretick.gateway.settings import GatewaySettings

from .rest import client_of, fold


class Streams:
    """Implements ``ports.Past``: tells what it was given, or is away."""

    def __init__(self, *, is_away: bool = False) -> None:
        self.is_away = is_away
        self.asked: list[tuple[object, int, int]] = []

    async def outcomes(self, identity: tuple[str, str], instants_ns: Sequence[int]) -> list[Outcome]:
        self._ask(identity, instants_ns)
        return [outcome(step=1), outcome(step=2)]

    async def lives(self, instants_ns: Sequence[int]) -> list[ModelLife]:
        self._ask(None, instants_ns)
        return [model_life(loss_nats=0.9)]

    def _ask(self, what: object, instants_ns: Sequence[int]) -> None:
        self.asked.append((what, len(instants_ns), instants_ns[0]))
        if self.is_away:
            raise Transient("the bus is away")


async def get(board: Board, clock: ManualClock, past: Streams, path: str) -> tuple[int, dict]:
    feed = FeedHandler(board, clock, SessionLimits(), lambda: None)
    async with client_of(make_application(feed, clock, GatewaySettings.model_validate({}), past=past)) as client:
        response = await client.get(path)
        return response.status_code, response.json()


async def test_track_record_is_asked_of_the_instruments_stream_over_an_hour(board: Board, clock: ManualClock):
    streams = Streams()
    fold(board, instrument(), outcome(step=9))
    status, answer = await get(board, clock, streams, "/api/models/track-record/BTCUSDT")
    assert streams.asked == [(("sim", "BTCUSDT"), 120, T0_NS - 3_600 * 10**9)]
    assert (status, answer["venue"], answer["symbol"], answer["reason"]) == (200, "sim", "BTCUSDT", "")
    assert len(answer["points"]) == 3


async def test_streams_that_are_away_are_named_and_what_is_known_is_told(board: Board, clock: ManualClock):
    fold(board, outcome(step=9), model_life())
    status, answer = await get(board, clock, Streams(is_away=True), "/api/models/track-record/BTCUSDT")
    assert (status, answer["reason"], len(answer["points"])) == (200, "the bus is away", 1)
    status, answer = await get(board, clock, Streams(is_away=True), "/api/models/contests")
    assert (status, answer["reason"], len(answer["points"])) == (200, "the bus is away", 1)


async def test_contests_are_told_with_the_champions_loss(board: Board, clock: ManualClock):
    status, answer = await get(board, clock, Streams(), "/api/models/contests")
    assert (status, answer["points"][0]["loss_nats"], answer["points"][0]["champion_id"]) == (200, 0.9, "ensemble-1")


async def test_instrument_that_is_not_known_is_refused_before_a_stream_is_asked(board: Board, clock: ManualClock):
    streams = Streams()
    status, problem = await get(board, clock, streams, "/api/models/track-record/NOPE")
    assert (status, problem["code"], streams.asked) == (404, "unknown_symbol", [])
