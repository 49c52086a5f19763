"""The default system in a real browser: what the page shows, and that page, message and row are the same prediction."""

import time

import httpx
import msgspec
import nats
import psycopg
import pytest
from playwright.sync_api import Browser, Page, expect

from foretick.common.contracts import Prediction
from foretick.common.subjects import PREDICTION_MESSAGES, PREDICTIONS
from foretick.common.testing.freezing import frozen
from foretick.launcher.testing import System, run_apart, wait_until

ROW = "[data-testid='row-sim:BTCUSDT']"
TTL_S = (PREDICTION_MESSAGES.ttl_ms or 0) / 1000
CLOCK_S = 1.0
"""Between two looks of the page at its clock."""

BUSY_S = 2.0
"""That browser and system may keep each other waiting: they share two cores."""
SYMBOLS = ("BTCUSDT", "ETHUSDT", "ADAUSDT", "SOLUSDT", "AAPL", "GOOGL", "TSLA", "MSFT")


@pytest.fixture
def page(simulated: System, browser: Browser) -> Page:
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto(simulated.url)
    page.wait_for_selector(f"{ROW}:not([data-model-id=''])[data-withheld='']", timeout=30_000)
    return page


def test_page_shows_every_instrument_as_simulated_and_live(page: Page) -> None:
    expect(page.get_by_test_id("origin")).to_contain_text("SIMULATED")
    expect(page.get_by_test_id("connection")).to_contain_text("Live", ignore_case=True)
    for symbol in SYMBOLS:
        row = page.get_by_test_id(f"row-sim:{symbol}")
        expect(row).to_be_visible()
        expect(row).to_have_attribute("data-stale", "false", timeout=15_000)
    first = page.locator(ROW).get_attribute("data-asof-seq")
    page.wait_for_function(f"document.querySelector(\"{ROW}\").dataset.asofSeq !== '{first}'", timeout=10_000)


def test_page_has_no_script_error_and_no_failed_request(simulated: System, browser: Browser) -> None:
    page = browser.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("requestfailed", lambda request: problems.append(request.url))
    page.goto(simulated.url)
    page.wait_for_selector(f"{ROW}:not([data-model-id=''])[data-withheld='']", timeout=30_000)
    assert problems == []
    page.close()


@pytest.mark.parametrize("width", [1440, 1000, 390])
def test_tiles_hold_their_titles_and_figures(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    over = page.eval_on_selector_all(
        ".strip .tile",
        """tiles => tiles.filter(tile => [...tile.children].some(part => part.scrollWidth > part.clientWidth + 1))
            .map(tile => tile.dataset.testid)""",
    )
    assert over == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_published_features_are_found_equal_to_their_recording(page: Page, simulated: System) -> None:
    expect(page.locator("[data-testid='certificate'] [data-verdict='equal']")).to_be_visible(timeout=60_000)
    told = httpx.get(f"{simulated.url}/api/analytics/feature-parity").json()["certificate"]
    assert (told["verdict"], told["different"], told["difference"]) == ("equal", 0, None)
    assert told["equal"] > 0
    expect(page.get_by_test_id("feature-health")).to_contain_text("0missing", timeout=90_000)


def test_latest_prediction_is_explained_by_contributions_that_add_up(page: Page, simulated: System) -> None:
    told = httpx.get(f"{simulated.url}/api/analytics/explanations/BTCUSDT").json()
    assert told["model_id"] == page.locator(ROW).get_attribute("data-model-id")
    sum_of = told["baseline"] + sum(one["contribution"] for one in told["contributions"])
    assert sum_of == pytest.approx(told["answer"], abs=1e-9)
    assert told["answer"] == pytest.approx(told["probabilities"]["up"] - told["probabilities"]["down"], abs=1e-6)


def test_page_message_and_row_are_the_same_prediction(page: Page, simulated: System, rows: psycopg.Connection) -> None:
    model_id, asof_seq = page.eval_on_selector(ROW, "row => [row.dataset.modelId, Number(row.dataset.asofSeq)]")
    message = run_apart(find_message(simulated.setting("NATS_URL"), asof_seq))
    query = (
        "SELECT model_id, p_up, mid FROM predictions WHERE run_id = %s AND venue = 'sim' AND symbol = 'BTCUSDT'"
        " AND asof_seq = %s"
    )
    found = wait_until(lambda: rows.execute(query, (message.run_id, asof_seq)).fetchall(), 15, "the row")
    assert message.model_id == model_id
    assert message.probabilities is not None
    assert found == [(model_id, message.probabilities.up, message.mid)]


async def find_message(url: str, asof_seq: int) -> Prediction:
    """Return the prediction of BTCUSDT as of ``asof_seq`` from the stream."""
    nc = await nats.connect(url)
    js = nc.jetstream()
    subject = PREDICTION_MESSAGES.of("sim", "BTCUSDT")
    consumer = await js.subscribe(subject, stream=PREDICTIONS.name, ordered_consumer=True)
    try:
        while True:
            message = msgspec.json.decode((await consumer.next_msg(timeout=5)).data, type=Prediction)
            if message.asof_seq == asof_seq:
                return message
    finally:
        await nc.close()


READ_WATERFALL = """panel => ({
    stages: Object.fromEntries([...panel.querySelectorAll('tbody tr')].map(
        row => [row.dataset.testid.replace('stage-', ''), Number(row.dataset.p50Us)])),
    gateway: Number(panel.querySelector("[data-testid='total-gateway']").dataset.p50Us),
    page: Number(panel.querySelector("[data-testid='total-page']").dataset.p50Us),
    told: panel.querySelector("[data-testid='total-gateway'] td").textContent,
    strip: document.querySelector("[data-testid='latency'] b").textContent,
})"""


def test_latency_panel_tells_one_message_whose_stages_make_up_the_whole(page: Page, simulated: System) -> None:
    page.keyboard.press("l")
    page.wait_for_selector("[data-testid='waterfall'][data-stale='false'] [data-testid='total-page']", timeout=30_000)
    shown = page.eval_on_selector("[data-testid='waterfall']", READ_WATERFALL)
    upstream = ["ingest", "to_features", "features", "to_predictor", "predictor", "to_gateway"]
    assert list(shown["stages"]) == [*upstream, "page"]
    assert shown["strip"] == shown["told"], "the strip and the panel show the same message"
    # the stages of each prediction add up exactly; their medians do so about, less where the slow ones coincide
    whole_us = shown["gateway"]
    assert 0.3 * whole_us <= sum(shown["stages"][name] for name in upstream) <= 1.5 * whole_us
    assert shown["page"] >= shown["stages"]["page"]
    latency = page.request.get(f"{simulated.url}/api/system/latency").json()
    assert latency["count"] > 0
    assert [one["skewed"] + one["unstamped"] for one in latency["stages"]] == [0] * 7, (
        "one host, one clock, all stamped"
    )


def test_frozen_predictor_is_marked_stale_within_its_ttl_and_recovers(page: Page, simulated: System) -> None:
    predictor = simulated.role("predictor", "serve")
    assert predictor is not None
    with frozen([predictor.pid]):
        frozen_at = time.monotonic()
        page.wait_for_selector(f"{ROW}[data-stale='true']", timeout=20_000)
        took_s = time.monotonic() - frozen_at
        assert page.locator(ROW).get_attribute("data-price-stale") == "false", "prices go on"
    assert took_s <= TTL_S + CLOCK_S + BUSY_S
    page.wait_for_selector(f"{ROW}[data-stale='false']", timeout=20_000)
