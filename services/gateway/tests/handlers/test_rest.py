"""REST over ASGI: answers, problems, OpenAPI, the web app."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from foretick.common.contracts import (
    BookCounts,
    BookEvent,
    BookEventKind,
    BookProof,
    DecisionKind,
    DecisionReason,
    InstrumentKind,
    QuoteColumns,
    TickFrame,
    Trust,
)
from foretick.common.errors import Transient
from foretick.common.model_life import Verdict, follow
from foretick.common.testing.builders import (
    T0_NS,
    bar,
    book_frame,
    consolidated_quote,
    feature_vector,
    instrument,
    model_life,
    model_published,
    outcome,
    prediction,
    snapshot,
    tick_frame,
    venue_status,
)
from foretick.common.testing.fakes import ManualClock
from foretick.common.units import NS_PER_MS
from foretick.gateway.app.api import make_application
from foretick.gateway.domain.bars import BarData, bar_data
from foretick.gateway.domain.board import Board
from foretick.gateway.domain.session import SessionLimits
from foretick.gateway.handlers.feed import FeedHandler
from foretick.gateway.settings import GatewaySettings
from foretick.quant.registry import FEATURE_NAMES, SCHEMA_ID

from .rest import application, client_of, fold


async def test_prediction_tells_model_score_age_and_history(
    board: Board, clock: ManualClock, client: httpx.AsyncClient
):
    fold(board, outcome(), *(prediction(asof_seq=seq) for seq in (10, 20, 30)))
    clock.advance(1500 * NS_PER_MS)
    answer = (await client.get("/api/analytics/predictions/BTCUSDT", params={"history": 1})).json()
    assert (answer["venue"], answer["symbol"], answer["age_ms"], answer["stale"]) == ("sim", "BTCUSDT", 1500, False)
    latest = answer["prediction"]
    assert (latest["asof_seq"], latest["model_id"], latest["trust"], latest["origin"]) == (
        30,
        "ensemble-1",
        "LIVE",
        "sim",
    )
    assert latest["probabilities"] == {"down": 0.2, "flat": 0.5, "up": 0.3}
    assert latest["score"]["count"] == 1
    assert [earlier["asof_seq"] for earlier in answer["history"]] == [20]


async def test_prediction_older_than_its_time_to_live_is_stale(
    board: Board, clock: ManualClock, client: httpx.AsyncClient
):
    fold(board, prediction())
    clock.advance(3_001 * NS_PER_MS)
    assert (await client.get("/api/analytics/predictions/BTCUSDT")).json()["stale"] is True


async def test_prediction_that_never_came_is_null_with_a_reason(client: httpx.AsyncClient):
    answer = (await client.get("/api/analytics/predictions/ETHUSDT")).json()
    assert (answer["prediction"], answer["stale"], answer["age_ms"]) == (None, True, None)
    assert answer["reason"]


async def test_market_depth_accumulates_from_the_best_price(board: Board, client: httpx.AsyncClient):
    book = snapshot(bids=[(100.0, 2.0), (99.5, 4.0), (99.0, 1.0)], asks=[(101.0, 1.0), (102.0, 2.0)])
    fold(board, book_frame([book], seq=8))
    depth = (await client.get("/api/analytics/market-depth/sim:BTCUSDT", params={"levels": 2})).json()
    assert [level["cumulative_qty"] for level in depth["bids"]] == [2.0, 6.0]
    assert [level["cumulative_quote"] for level in depth["bids"]] == [200.0, 598.0]
    assert [level["cumulative_quote"] for level in depth["asks"]] == [101.0, 305.0]
    assert (depth["mid"], depth["seq"], depth["trust"], depth["stale"]) == (100.5, 8, "LIVE", False)
    assert depth["spread_bps"] == pytest.approx(1e4 * 1 / 100.5)
    assert depth["imbalance_frac"] == pytest.approx((6 - 3) / (6 + 3))


BOOK = {
    "bids": [(100.0, 2.0), (99.5, 4.0), (99.0, 1.0)],
    "asks": [(101.0, 1.0), (102.0, 2.0), (110.0, 3.0)],
}
DEPTH = "/api/analytics/market-depth/BTCUSDT"


async def test_market_depth_tells_imbalance_microprice_and_depth_by_distance(board: Board, client: httpx.AsyncClient):
    fold(board, book_frame([snapshot(**BOOK)]))
    depth = (await client.get(DEPTH, params={"levels": 1})).json()
    assert [len(depth["bids"]), len(depth["asks"])] == [1, 1]
    assert depth["imbalance_level1_frac"] == pytest.approx((2 - 1) / 3)
    assert depth["microprice"] == pytest.approx((101 * 2 + 100 * 1) / 3)
    assert depth["asks"][0]["distance_bps"] == depth["bids"][0]["distance_bps"] == pytest.approx(0.5 / 100.5 * 1e4)
    bands = {band["bps"]: band for band in depth["bands"]}
    assert list(bands) == sorted(bands)
    near, far = bands[50], bands[100]  # 50 bps are 0.5025, 100 bps are 1.005
    assert (near["bid_levels"], near["bid_qty"], near["bid_quote"], near["bid_is_whole"]) == (1, 2.0, 200.0, True)
    assert (near["ask_levels"], near["ask_qty"], near["imbalance_frac"]) == (1, 1.0, pytest.approx(1 / 3))
    assert (far["bid_levels"], far["bid_qty"], far["bid_quote"]) == (2, 6.0, 598.0)
    assert bands[10]["imbalance_frac"] is None


async def test_band_beyond_the_known_levels_is_not_whole(board: Board, client: httpx.AsyncClient):
    fold(board, book_frame([snapshot(bids=[(99.9, 1.0)], asks=[(100.1, 1.0), (105.0, 1.0)])]))
    widest = (await client.get(DEPTH)).json()["bands"][-1]
    assert (widest["bid_is_whole"], widest["ask_is_whole"]) == (False, True)


async def test_market_depth_tells_what_a_quantity_costs_on_either_side(board: Board, client: httpx.AsyncClient):
    fold(board, book_frame([snapshot(**BOOK)]))
    depth = (await client.get(DEPTH, params={"qty": 3, "levels": 1})).json()
    buy, sell = depth["cost"]["buy"], depth["cost"]["sell"]
    assert (buy["qty"], buy["quote"], buy["levels"], buy["worst_price"]) == (3.0, 305.0, 2, 102.0)
    assert buy["average_price"] == pytest.approx(305 / 3)
    assert buy["slippage_bps"] == pytest.approx((305 / 3 / 100.5 - 1) * 1e4)
    assert (sell["quote"], sell["slippage_bps"]) == (299.5, pytest.approx((1 - 299.5 / 3 / 100.5) * 1e4))
    assert (await client.get(DEPTH)).json()["cost"] is None


async def test_market_depth_tells_what_an_amount_buys_and_what_is_left(board: Board, client: httpx.AsyncClient):
    fold(board, book_frame([snapshot(**BOOK)]))
    cost = (await client.get(DEPTH, params={"quote": 700})).json()["cost"]
    assert (cost["buy"]["quote"], cost["buy"]["unfilled_quote"]) == (635.0, 65.0)
    assert cost["sell"]["qty"] == 7.0
    assert cost["sell"]["unfilled_quote"] == pytest.approx(3.0)


async def test_contracts_are_counted_by_their_size(board: Board, client: httpx.AsyncClient):
    fold(board, instrument(contract_size=0.01, kind=InstrumentKind.PERPETUAL), book_frame([snapshot(**BOOK)]))
    depth = (await client.get(DEPTH, params={"qty": 1})).json()
    assert depth["asks"][1]["cumulative_quote"] == pytest.approx(3.05)
    assert depth["cost"]["buy"]["quote"] == pytest.approx(1.01)
    assert depth["cost"]["buy"]["average_price"] == pytest.approx(101.0)


@pytest.mark.parametrize(
    "params", [{"qty": 1, "quote": 1}, {"qty": 0}, {"quote": -1}, {"qty": "nan"}, {"quote": "inf"}, {"qty": "x"}]
)
async def test_senseless_trade_is_a_problem(board: Board, client: httpx.AsyncClient, params):
    response = await client.get(DEPTH, params=params)
    assert (response.status_code, response.json()["code"]) == (422, "invalid_request")


async def test_market_depth_tells_how_the_book_is_proven_and_what_it_went_through(
    board: Board, client: httpx.AsyncClient
):
    counts = BookCounts(syncs=2, checksums_checked=400, checksums_failed=1)
    fold(board, instrument(proof=BookProof.CHECKSUM), book_frame([snapshot(counts=counts)]))
    depth = (await client.get(DEPTH)).json()
    assert depth["proof"] == "checksum"
    assert (depth["counts"]["syncs"], depth["counts"]["checksums_failed"]) == (2, 1)
    unlisted = (await client.get("/api/analytics/market-depth/ETHUSDT")).json()
    assert (unlisted["proof"], unlisted["counts"], unlisted["spread"], unlisted["bands"]) == (None, None, None, [])


def quote(seq: int, at_ms: int, ask: float, **fields: Any) -> TickFrame:
    columns = QuoteColumns(bid=[100.0], bid_qty=[1.0], ask=[ask], ask_qty=[1.0])
    return tick_frame("Q", seq=seq, start_ns=T0_NS + at_ms * NS_PER_MS, quotes=columns, **fields)


async def test_market_depth_tells_the_spread_weighted_by_how_long_it_stood(board: Board, client: httpx.AsyncClient):
    fold(board, book_frame(seq=1), quote(2, 0, 100.02), quote(3, 300, 100.04), quote(4, 400, 100.01))
    spread = (await client.get(DEPTH)).json()["spread"]
    assert (spread["spread_ticks"], spread["lowest_ticks"], spread["highest_ticks"]) == (1, 1, 4)
    assert spread["mean_ticks"] == pytest.approx((2 * 300 + 4 * 100) / 400)
    assert (spread["known_s"], spread["window_s"]) == (pytest.approx(0.4), 60)


async def test_spread_is_told_in_ticks_of_the_market_and_not_of_the_book_s_grid(
    board: Board, client: httpx.AsyncClient
):
    fold(board, instrument(tick_size=0.05), book_frame(seq=1, tick_size=0.01), quote(2, 0, 100.1))
    depth = (await client.get(DEPTH)).json()
    assert (depth["tick_size"], depth["spread"]["spread_ticks"]) == (0.05, 2)


async def test_spread_of_an_instrument_that_is_not_listed_has_no_ticks(board: Board, client: httpx.AsyncClient):
    unlisted = {"symbol": "ETHUSDT"}
    fold(board, book_frame(seq=1, **unlisted), quote(2, 0, 100.02, **unlisted))
    depth = (await client.get("/api/analytics/market-depth/ETHUSDT")).json()
    assert (depth["tick_size"], depth["spread"]) == (None, None)
    assert depth["spread_bps"] is not None


async def test_spread_is_not_known_while_the_book_is_not_sound_or_events_are_lost(
    board: Board, client: httpx.AsyncClient
):
    fold(board, book_frame(seq=1), quote(2, 0, 100.02), quote(3, 100, 100.02, trust=Trust.RESYNC))
    assert (await client.get(DEPTH)).json()["spread"] is None
    fold(board, quote(4, 200, 100.02))
    assert (await client.get(DEPTH)).json()["spread"]["known_s"] == pytest.approx(0.1)
    lost = tick_frame("C", seq=9, start_ns=T0_NS + 900 * NS_PER_MS)
    fold(board, lost)
    assert (await client.get(DEPTH)).json()["spread"] is None
    fold(board, quote(10, 1000, 100.02))
    assert (await client.get(DEPTH)).json()["spread"]["known_s"] == pytest.approx(0.1)


async def test_market_depth_before_a_snapshot_is_resync(client: httpx.AsyncClient):
    depth = (await client.get("/api/analytics/market-depth/BTCUSDT")).json()
    assert (depth["trust"], depth["bids"], depth["mid"], depth["stale"]) == (Trust.RESYNC, [], None, True)
    assert depth["reason"]


async def test_dead_feed_makes_the_depth_stale_and_fresh_ticks_do_not(
    board: Board, clock: ManualClock, client: httpx.AsyncClient
):
    fold(board, book_frame(seq=1))
    clock.advance(5_000 * NS_PER_MS)
    assert (await client.get("/api/analytics/market-depth/BTCUSDT")).json()["stale"] is True
    board.fold(tick_frame("C", seq=2), clock.now_ns())
    assert (await client.get("/api/analytics/market-depth/BTCUSDT")).json()["stale"] is False


async def test_consolidated_quote_tells_its_age_and_its_venues(
    board: Board, clock: ManualClock, client: httpx.AsyncClient
):
    fold(board, consolidated_quote())
    clock.advance(1_200 * NS_PER_MS)
    answer = (await client.get("/api/analytics/consolidated/BTCUSDT")).json()
    assert (answer["base"], answer["quote"], answer["age_ms"], answer["stale"]) == ("BTC", "USDT", 1_200, False)
    assert (answer["consolidated"]["bid_venue"], answer["consolidated"]["bid"]) == ("b", 99.99)
    assert [each["venue"] for each in answer["consolidated"]["venues"]] == ["a", "b"]
    clock.advance(2_000 * NS_PER_MS)
    assert (await client.get("/api/analytics/consolidated/BTCUSDT")).json()["stale"] is True


async def test_pair_that_only_one_venue_quotes_says_so(client: httpx.AsyncClient):
    answer = (await client.get("/api/analytics/consolidated/BTCUSDT")).json()
    assert (answer["consolidated"], answer["stale"], answer["age_ms"]) == (None, True, None)
    assert answer["reason"]


@pytest.mark.parametrize(
    ("symbol", "code"), [("NOPEUSDT", "unknown_symbol"), ("ETHUSDT", "not_available")], ids=["unknown", "not listed"]
)
async def test_consolidated_quote_of_no_listed_instrument_is_not_found(client: httpx.AsyncClient, symbol, code):
    response = await client.get(f"/api/analytics/consolidated/{symbol}")
    assert (response.status_code, response.json()["code"]) == (404, code)


async def test_status_tells_which_service_is_silent(board: Board, clock: ManualClock, client: httpx.AsyncClient):
    fold(board, book_frame(seq=1), feature_vector())
    clock.advance(2_000 * NS_PER_MS)
    board.fold(prediction(), clock.now_ns())
    clock.advance(2_000 * NS_PER_MS)
    status = (await client.get("/api/system/status")).json()
    assert {service["name"]: service["fresh"] for service in status["services"]} == {
        "ingest": False, "features": False, "predictor": True,
    }  # fmt: skip
    assert status["model"]["model_id"] == "ensemble-1"
    assert (status["run_id"], status["origin"], status["schema_id"]) == ("test", "sim", SCHEMA_ID)
    assert status["instruments"][0]["stale"] is True


async def test_latency_is_told_by_stage_as_of_now(board: Board, clock: ManualClock, client: httpx.AsyncClient):
    board.fold(prediction(ts_ingest_ns=T0_NS - 4 * NS_PER_MS, ts_sent_ns=T0_NS - NS_PER_MS), T0_NS)
    clock.advance(500 * NS_PER_MS)
    latency = (await client.get("/api/system/latency")).json()
    assert (latency["window_s"], latency["count"], latency["age_us"]) == (60, 1, 500_000)
    assert latency["p50_us"] == pytest.approx(4_000, rel=0.012)
    stages = {stage["stage"]: stage for stage in latency["stages"]}
    assert stages["to_gateway"]["p50_us"] == pytest.approx(1_000, rel=0.012)
    assert (stages["predictor"]["p50_us"], stages["predictor"]["unstamped"]) == (None, 1)


async def test_integrity_tells_trust_proof_counts_and_changes_with_since_when(
    board: Board, clock: ManualClock, client: httpx.AsyncClient
):
    fold(board, instrument(proof=BookProof.CHAIN_AND_CHECKSUM), book_frame(seq=1))
    broken = BookEvent(
        kind=BookEventKind.STATE, ts_recv_ns=T0_NS, ts_event_ns=None, trust=Trust.RESYNC, reason="chain broke",
        counts=BookCounts(syncs=1, chain_breaks=1),
    )  # fmt: skip
    fold(board, book_frame([broken], seq=2))
    clock.advance(400 * NS_PER_MS)
    answer = (await client.get("/api/analytics/integrity/sim:BTCUSDT")).json()
    assert (answer["trust"], answer["reason"], answer["proof"]) == ("RESYNC", "chain broke", "chain+checksum")
    assert (answer["counts"]["chain_breaks"], answer["age_ms"], answer["stale"]) == (1, 400, False)
    assert (answer["since_us"], answer["origin"]) == (T0_NS // 1000, "sim")
    (event,) = answer["events"]
    assert (event["trust_from"], event["trust_to"], event["found_by"], event["seq"]) == ("LIVE", "RESYNC", "feed", 2)


async def test_integrity_of_a_book_never_heard_of_has_no_beginning(client: httpx.AsyncClient):
    answer = (await client.get("/api/analytics/integrity/ETHUSDT")).json()
    assert (answer["trust"], answer["since_us"], answer["events"], answer["stale"]) == ("RESYNC", None, [], True)


async def test_depth_names_the_update_that_it_is_as_of(board: Board, client: httpx.AsyncClient):
    fold(board, book_frame([snapshot(last_id=4711)]))
    assert (await client.get("/api/analytics/market-depth/BTCUSDT")).json()["last_id"] == 4711
    assert board.view(("sim", "BTCUSDT")).book.snapshot().last_id == 4711


async def test_venues_are_told_with_their_age_as_of_now(board: Board, clock: ManualClock, client: httpx.AsyncClient):
    board.fold(venue_status(), T0_NS)
    clock.advance(700 * NS_PER_MS)
    (venue,) = (await client.get("/api/system/venues")).json()["venues"]
    assert (venue["venue"], venue["state"], venue["age_ms"], venue["stale"]) == ("sim", "connected", 700, False)


async def test_features_are_the_registry(client: httpx.AsyncClient):
    features = (await client.get("/api/system/features")).json()["features"]
    assert [feature["name"] for feature in features] == list(FEATURE_NAMES)
    assert set(features[0]) == {"name", "label", "unit", "group", "formula"}


@pytest.mark.parametrize("path", ["/api/analytics/predictions/NOPE", "/api/analytics/market-depth/BTC%2FEUR"])
async def test_unknown_symbol_is_a_problem_that_names_the_known_ones(client: httpx.AsyncClient, path: str):
    response = await client.get(path)
    problem = response.json()
    assert (response.status_code, response.headers["content-type"]) == (404, "application/problem+json")
    assert (problem["code"], problem["status"], problem["title"]) == ("unknown_symbol", 404, "Not Found")
    assert "BTCUSDT" in problem["hint"]


@pytest.mark.parametrize(
    "path",
    [
        "/api/analytics/market-depth/BTCUSDT?levels=0",
        "/api/analytics/market-depth/BTCUSDT?levels=x",
        "/api/analytics/predictions/BTCUSDT?history=601",
        "/api/analytics/predictions/" + "A" * 65,
    ],
)
async def test_invalid_parameter_is_a_problem(client: httpx.AsyncClient, path: str):
    response = await client.get(path)
    assert (response.status_code, response.json()["code"]) == (422, "invalid_request")


async def test_unknown_path_of_the_interface_is_a_problem_not_a_page(client: httpx.AsyncClient):
    response = await client.get("/api/nothing")
    assert (response.status_code, response.headers["content-type"]) == (404, "application/problem+json")


async def test_wrong_method_is_a_problem(client: httpx.AsyncClient):
    response = await client.post("/api/system/status")
    assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")


async def test_fault_is_a_problem_without_details(board: Board, client: httpx.AsyncClient):
    board.identification = None  # type: ignore[assignment]  # break it
    response = await client.get("/api/system/status")
    assert (response.status_code, response.json()["code"]) == (500, "internal")
    assert "identification" not in response.text


async def test_foreign_host_is_turned_away(client: httpx.AsyncClient):
    response = await client.get("/api/system/status", headers={"host": "evil.example"})
    assert (response.status_code, response.json()["code"]) == (403, "forbidden")


async def test_cors_is_off_by_default_and_on_for_named_origins(board: Board, clock: ManualClock):
    origin = "https://desk.example"
    async with client_of(application(board, clock)) as client:
        answer = await client.get("/api/system/status", headers={"origin": origin})
        assert "access-control-allow-origin" not in answer.headers
    async with client_of(application(board, clock, ALLOWED_ORIGINS=origin)) as client:
        answer = await client.get("/api/system/status", headers={"origin": origin})
        assert answer.headers["access-control-allow-origin"] == origin


async def test_models_tell_who_serves_and_why_until_it_is_decided_otherwise(
    board: Board, clock: ManualClock, client: httpx.AsyncClient
):
    old, new = (
        model_published(model_id="ensemble-1"),
        model_published(model_id="ensemble-2", parent_id="ensemble-1", importance={"spread_bps": 0.02}),
    )
    first = follow(None, Verdict(DecisionKind.PROMOTED, DecisionReason.NO_CHAMPION, "", "watch", old), 1_000)
    second = follow(first, Verdict(DecisionKind.PROMOTED, DecisionReason.BETTER, "won", "watch", new), 2_000)
    fold(board, second, first, model_life())
    answer = (await client.get("/api/models")).json()
    assert (answer["champion_id"], answer["predecessor_id"], answer["parent_id"]) == (
        "ensemble-2", "ensemble-1", "ensemble-1",
    )  # fmt: skip
    assert (answer["decision"]["reason"], answer["decision"]["detail"], answer["decision"]["ts_us"]) == (
        "better", "won", 2,
    )  # fmt: skip
    assert (answer["stale"], answer["faults"]) == (False, ["no drift reference"])
    assert (await client.get("/api/system/status")).json()["model"]["model_id"] == "ensemble-2"
    assert [one["model_id"] for one in answer["trail"]] == ["ensemble-2", "ensemble-1"]
    assert (answer["entry"], answer["importance"]) == (answer["decision"], {"spread_bps": 0.02})
    clock.advance(31_000 * NS_PER_MS)
    answer = (await client.get("/api/models")).json()
    assert (answer["stale"], answer["champion_id"]) == (True, "ensemble-2")


async def test_models_before_anything_was_decided_say_so(client: httpx.AsyncClient):
    answer = (await client.get("/api/models")).json()
    assert (answer["champion_id"], answer["decision"], answer["stale"]) == (None, None, True)
    assert "predictor.watch" in answer["reason"]


async def test_openapi_document_is_complete_and_its_schemas_match_the_answers(board: Board, client: httpx.AsyncClient):
    document = (await client.get("/openapi.json")).json()
    assert document["openapi"].startswith("3.")
    assert set(document["paths"]) == {
        "/api/analytics/predictions/{symbol}",
        "/api/analytics/explanations/{symbol}",
        "/api/analytics/market-depth/{symbol}",
        "/api/analytics/consolidated/{symbol}",
        "/api/analytics/integrity/{symbol}",
        "/api/analytics/bars/{symbol}",
        "/api/analytics/correlations",
        "/api/analytics/feature-parity",
        "/api/models/calibration/{symbol}",
        "/api/models",
        "/api/models/track-record/{symbol}",
        "/api/models/contests",
        "/api/system/status",
        "/api/system/latency",
        "/api/system/venues",
        "/api/system/features",
        "/api/system/feature-health",
    }
    fold(board, book_frame(seq=1), prediction(), outcome(), feature_vector())
    for path, operations in document["paths"].items():
        operation = operations["get"]
        assert operation["tags"]
        assert operation["summary"]
        schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
        assert "$ref" not in str(schema)
        answer = (await client.get(path.replace("{symbol}", "BTCUSDT"))).json()
        assert set(answer) == set(schema["properties"])
        assert set(schema["required"]) <= set(answer)


async def test_swagger_is_served(client: httpx.AsyncClient):
    response = await client.get("/docs")
    assert response.status_code == 200
    assert "swagger" in response.text.lower()


# ---- the web app ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/depth", "/overview/BTCUSDT", "/index.html"])
async def test_page_of_the_app_gets_the_index_and_is_asked_for_anew(client: httpx.AsyncClient, path: str):
    response = await client.get(path)
    assert (response.status_code, response.headers["cache-control"]) == (200, "no-cache")
    assert "Foretick web" in response.text


async def test_hashed_asset_is_immutable(client: httpx.AsyncClient):
    response = await client.get("/assets/index-abc123.js")
    assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert "javascript" in response.headers["content-type"]


async def test_other_file_is_asked_for_anew(client: httpx.AsyncClient):
    assert (await client.get("/favicon.svg")).headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("path", ["/assets/gone-1.js", "/gone.png", "/../secret.txt", "/%2e%2e/%2e%2e/etc/passwd.txt"])
async def test_missing_or_outside_file_is_not_found(client: httpx.AsyncClient, path: str):
    assert (await client.get(path)).status_code == 404


async def test_app_that_is_not_built_says_how_to_build_it(board: Board, clock: ManualClock, tmp_path: Path):
    async with client_of(application(board, clock, WEB_DIR=str(tmp_path / "none"))) as client:
        response = await client.get("/")
        assert response.status_code == 503
        assert "make web" in response.text
        (tmp_path / "none").mkdir()
        (tmp_path / "none" / "index.html").write_text("built meanwhile")
        assert (await client.get("/")).text == "built meanwhile"


# ---- bars ----------------------------------------------------------------------------------------------------------


class FakeRecord:
    """The record: minutes 1 to 3, or away."""

    def __init__(self, *, is_away: bool = False) -> None:
        self.is_away = is_away
        self.asked: list[tuple[Any, ...]] = []

    async def read(self, identity: tuple[str, str], timeframe: str, limit: int) -> list[BarData]:
        if self.is_away:
            raise Transient("the record does not answer")
        self.asked.append((identity, timeframe, limit))
        return [bar_data(minute(number)) for number in (1, 2, 3)]


def minute(number: int, **fields: Any) -> Any:
    return bar(start_ns=T0_NS + number * 60 * 10**9, asof_seq=number, **fields)


def client_with(board: Board, clock: ManualClock, record: FakeRecord | None) -> httpx.AsyncClient:
    feed = FeedHandler(board, clock, SessionLimits(), lambda: None)
    return client_of(make_application(feed, clock, GatewaySettings(), record))  # pyright: ignore[reportCallIssue]


async def test_bars_go_on_from_the_record_in_the_live_ones(board: Board, clock: ManualClock):
    fold(board, minute(3, is_whole=False), minute(4), minute(5, is_closed=False))
    record = FakeRecord()
    client = client_with(board, clock, record)
    clock.advance(250 * NS_PER_MS)
    answer = (await client.get("/api/analytics/bars/BTCUSDT?limit=4")).json()
    assert record.asked == [(("sim", "BTCUSDT"), "1m", 4)]
    assert (answer["venue"], answer["symbol"], answer["timeframe"], answer["reason"]) == ("sim", "BTCUSDT", "1m", "")
    assert (answer["age_ms"], answer["stale"]) == (250, False)
    assert [(each["asof_seq"], each["is_closed"], each["is_whole"]) for each in answer["bars"]] == [
        (2, True, True), (3, True, True), (4, True, True), (5, False, True),
    ]  # fmt: skip


async def test_bars_without_the_record_are_the_live_ones_and_say_why(board: Board, clock: ManualClock):
    fold(board, minute(4))
    for record, reason in (
        (None, "there is no record to ask"),
        (FakeRecord(is_away=True), "the record does not answer"),
    ):
        answer = (await client_with(board, clock, record).get("/api/analytics/bars/sim:BTCUSDT?timeframe=1m")).json()
        assert (len(answer["bars"]), answer["reason"]) == (1, reason)


async def test_bars_that_nobody_told_yet_are_none_and_stale(board: Board, clock: ManualClock):
    answer = (await client_with(board, clock, None).get("/api/analytics/bars/BTCUSDT?timeframe=15m")).json()
    assert (answer["bars"], answer["stale"], answer["age_ms"]) == ([], True, None)


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("NOSUCH", 404, "unknown_symbol"), ("BTCUSDT?timeframe=2m", 422, "invalid_request"),
        ("BTCUSDT?limit=0", 422, "invalid_request"), ("BTCUSDT?limit=5001", 422, "invalid_request"),
    ],
)  # fmt: skip
async def test_bars_that_cannot_be_are_refused(board: Board, clock: ManualClock, path: str, status: int, code: str):
    reply = await client_with(board, clock, None).get(f"/api/analytics/bars/{path}")
    assert (reply.status_code, reply.json()["code"]) == (status, code)
