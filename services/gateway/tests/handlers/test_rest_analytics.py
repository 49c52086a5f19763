"""REST over ASGI: what is made of the market, each with its age."""

import httpx
import pytest

from foretick.common.errors import Refused
from foretick.common.testing.builders import (
    T0_NS,
    book_frame,
    calibration,
    correlations,
    feature_health,
    instrument,
    parity_certificate,
)
from foretick.common.testing.fakes import ManualClock
from foretick.common.units import NS_PER_MS
from foretick.gateway.app.api import make_application
from foretick.gateway.domain.board import Board
from foretick.gateway.domain.session import SessionLimits
from foretick.gateway.handlers.feed import FeedHandler
from foretick.gateway.settings import GatewaySettings

from .explained import EXPLANATION, Predictor
from .rest import client_of, fold


async def explained_by(board: Board, clock: ManualClock, predictor: Predictor | None) -> httpx.Response:
    fold(board, instrument())
    feed = FeedHandler(board, clock, SessionLimits(), lambda: None)
    app = make_application(feed, clock, GatewaySettings.model_validate({}), explanations=predictor)
    async with client_of(app) as client:
        return await client.get("/api/analytics/explanations/BTCUSDT")


async def test_explanation_tells_contributions_age_and_what_they_add_up_to(board: Board, clock: ManualClock) -> None:
    predictor = Predictor(EXPLANATION)
    answer = (await explained_by(board, clock, predictor)).json()
    assert predictor.asked == [("sim", "BTCUSDT")]
    assert [one["name"] for one in answer["contributions"]] == ["rsi_14", "spread_bps"]
    assert answer["baseline"] + sum(one["contribution"] for one in answer["contributions"]) == pytest.approx(
        answer["answer"]
    )
    assert (answer["asof_seq"], answer["model_id"], answer["ts_recv_us"]) == (7, "ensemble-1", T0_NS // 1000)
    assert answer["age_us"] == (clock.now_ns() - T0_NS) // 1000


@pytest.mark.parametrize(
    ("code", "status"),
    [("withheld", 409), ("no_prediction", 404), ("no_explanation", 404), ("not_owned", 503), ("no_answer", 504)],
)
async def test_explanation_that_is_refused_is_a_problem_with_the_predictors_reason(
    board: Board, clock: ManualClock, code: str, status: int
) -> None:
    response = await explained_by(board, clock, Predictor(Refused(code, "because", "wait")))
    problem = response.json()
    assert (response.status_code, problem["code"], problem["detail"], problem["hint"]) == (
        status, code, "because", "wait",
    )  # fmt: skip


async def test_correlations_are_told_with_their_age(board: Board, client: httpx.AsyncClient, clock: ManualClock):
    assert (await client.get("/api/analytics/correlations")).json()["correlations"] is None
    fold(board, correlations())
    clock.advance(250 * NS_PER_MS)
    answer = (await client.get("/api/analytics/correlations")).json()
    assert (answer["age_ms"], answer["stale"], answer["reason"]) == (250, False, "")
    assert answer["correlations"]["pairs"]["first"] == [0, 0, 1]


async def test_parity_certificate_is_told_with_its_age(board: Board, client: httpx.AsyncClient, clock: ManualClock):
    assert (await client.get("/api/analytics/feature-parity")).json()["certificate"] is None
    fold(board, parity_certificate())
    clock.advance(250 * NS_PER_MS)
    answer = (await client.get("/api/analytics/feature-parity")).json()
    assert (answer["age_ms"], answer["stale"], answer["reason"]) == (250, False, "")
    assert (answer["certificate"]["verdict"], answer["certificate"]["last"]["vectors"]) == ("equal", 80)


async def test_calibration_is_told_by_regime_with_its_age(board: Board, client: httpx.AsyncClient, clock: ManualClock):
    fold(board, book_frame(seq=1))
    path = "/api/models/calibration/BTCUSDT"
    nothing = (await client.get(path)).json()
    assert (nothing["calibration"], nothing["stale"]) == (None, True)
    assert nothing["reason"]
    fold(board, calibration())
    clock.advance(250 * NS_PER_MS)
    answer = (await client.get(path)).json()
    assert (answer["age_ms"], answer["stale"], answer["reason"]) == (250, False, "")
    told = answer["calibration"]
    assert (told["model_id"], told["target_frac"], told["total"]["regime"]) == ("ensemble-1", 0.9, None)
    assert [(part["regime"], part["count"]) for part in told["regimes"]] == [
        ("calm_choppy", 10), ("rough_trending", 30),
    ]  # fmt: skip
    assert told["total"]["bin_accuracy_frac"][5] == 0.6
    clock.advance(60_000 * NS_PER_MS)
    assert (await client.get(path)).json()["stale"]


async def test_feature_health_is_told_with_the_number_of_processes(board: Board, client: httpx.AsyncClient):
    assert (await client.get("/api/system/feature-health")).json()["producers"] == 0
    fold(board, feature_health())
    answer = (await client.get("/api/system/feature-health")).json()
    assert (answer["producers"], answer["vectors"], answer["missing"], answer["faults"]) == (1, 600, 0, [])


async def test_gateway_without_a_predictor_says_so(board: Board, clock: ManualClock) -> None:
    assert (await explained_by(board, clock, None)).json()["code"] == "not_available"
