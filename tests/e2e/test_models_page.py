"""The model view in a real browser: it shows what the bus says, a rival on trial, and a swap while it is open."""

from collections.abc import Iterator

import msgspec
import nats
import pytest
from playwright.sync_api import Browser, Page, expect

from foretick.common.contracts import ModelDecision, ModelPublished
from foretick.common.model_life import FAMILY
from foretick.common.subjects import MODEL_ANNOUNCEMENTS, MODEL_DECISIONS
from foretick.launcher.testing import System, run_apart, wait_until
from foretick.quant.registry import FEATURES

VIEW = "[data-testid='models']"
TWIN = "ensemble-twin"
ENOUGH = 100
"""Outcomes that share no price, from which on the page draws a mean."""

LABELS = {feature.name: feature.label for feature in FEATURES}


@pytest.fixture
def page(simulated: System, browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1440, "height": 1000})
    page.goto(f"{simulated.url}/#models")
    page.wait_for_selector(f"{VIEW}:not([data-model-id=''])", timeout=30_000)
    yield page
    page.close()


async def read_trail(url: str) -> ModelDecision:
    """Return the last decision, from the stream alone."""
    nc = await nats.connect(url)
    try:
        raw = await nc.jetstream().get_last_msg(MODEL_DECISIONS.stream.name, MODEL_DECISIONS.of(FAMILY))
        return msgspec.json.decode(raw.data or b"", type=ModelDecision)
    finally:
        await nc.close()


async def announce(url: str, model: ModelPublished) -> None:
    nc = await nats.connect(url)
    await nc.jetstream().publish(MODEL_ANNOUNCEMENTS.of(FAMILY), msgspec.json.encode(model))
    await nc.close()


def test_view_shows_the_model_that_the_trail_says_and_what_it_leans_on(page: Page, simulated: System) -> None:
    last = run_apart(read_trail(simulated.setting("NATS_URL")))
    assert last.champion is not None
    champion = last.champion
    expect(page.get_by_test_id("champion")).to_have_attribute("data-model-id", champion.model_id)
    expect(page.get_by_test_id("serves-why")).to_contain_text("nobody who fits was in service")
    expect(page.get_by_test_id("trained")).to_contain_text("SIM")
    expect(page.get_by_test_id("origin")).to_contain_text("SIMULATED")
    bars = page.get_by_test_id("importance").locator("li")
    expect(bars.first).to_be_visible(timeout=15_000)
    largest = sorted(champion.importance, key=champion.importance.__getitem__, reverse=True)[:12]
    shown = [text.split(LABELS[name])[0] for text, name in zip(bars.all_inner_texts(), largest, strict=True)]
    assert shown == [""] * len(largest), "each bar begins with the registry's label of its feature"
    stability = champion.metrics["importance_rank_correlation"]
    expect(page.get_by_test_id("stability")).to_contain_text(f"Stability {stability:.2f}")
    expect(page.get_by_test_id("decision-row").last).to_contain_text("training asked for")
    expect(page.get_by_test_id("training-due")).to_contain_text("in ", timeout=15_000)
    expect(page.get_by_test_id("error-drift")).to_contain_text("nats", timeout=60_000)


def test_page_that_is_opened_now_shows_what_came_before(simulated: System, browser: Browser) -> None:
    path = "/api/models/track-record/sim:BTCUSDT"

    def is_told() -> bool:
        told = simulated.get(path) or {"points": []}
        told_of = [point["count"] >= ENOUGH * told["horizon_steps"] for point in told["points"]]
        return len(told_of) >= 4 and sum(told_of) >= 3

    wait_until(is_told, 300, "over a minute of outcomes, and enough of them for a line")
    page = browser.new_page(viewport={"width": 1440, "height": 1000})
    page.goto(f"{simulated.url}/#models/sim:BTCUSDT")
    panel = page.get_by_test_id("coverage-panel")
    expect(panel.get_by_test_id("line").first).to_be_attached(timeout=15_000)
    points = int(panel.get_attribute("data-points") or 0)
    assert points >= 3, "half a minute apart, the first and last less: it cannot have seen a minute itself"
    told = simulated.get(path)
    label = panel.get_by_role("img").get_attribute("aria-label") or ""
    assert f"{told['target_frac']:.0%}".rstrip("%") in label
    expect(page.get_by_test_id("loss-panel").get_by_test_id("line")).not_to_have_count(0, timeout=60_000)
    expect(page.get_by_test_id("reliability").get_by_test_id("ece")).to_contain_text("%", timeout=30_000)
    calibration = simulated.get("/api/models/calibration/sim:BTCUSDT")["calibration"]
    choice = page.get_by_role("combobox", name="Kind of market")
    expect(choice.locator("option")).to_have_count(1 + len(calibration["regimes"]), timeout=30_000)
    choice.select_option(index=1)
    expect(page.get_by_test_id("reliability")).not_to_have_attribute("data-regime", "all")
    page.close()


def test_rival_comes_on_trial_and_takes_over_while_the_page_is_open(page: Page, simulated: System) -> None:
    url = simulated.setting("NATS_URL")
    last = run_apart(read_trail(url))
    assert last.champion is not None
    champion = last.champion
    twin = msgspec.structs.replace(champion, model_id=TWIN, parent_id=champion.model_id, trigger="age",
                                   ts_trained_ns=champion.ts_trained_ns + 1)  # fmt: skip
    run_apart(announce(url, twin))
    rival = page.get_by_test_id(f"rival-{TWIN}")
    expect(rival).to_be_visible(timeout=60_000)
    expect(rival.get_by_test_id("evidence")).to_contain_text("of 20.0")
    wait_until(lambda: simulated.get("/api/models")["contests"][0]["blocks"] > 0, 60, "blocks that were compared")
    expect(rival.get_by_test_id("line").first).to_be_attached(timeout=30_000)

    promoted = simulated.command("models", "promote", TWIN, "--reason", "the twin's turn")
    assert promoted.returncode == 0, promoted.stderr
    expect(page.get_by_test_id("champion")).to_have_attribute("data-model-id", TWIN, timeout=15_000)
    expect(page.get_by_test_id("serves-why")).to_contain_text("a person said so")
    expect(page.get_by_test_id("predecessor")).to_contain_text(champion.model_id)
    expect(page.get_by_test_id("importance")).to_have_attribute("data-model-id", TWIN, timeout=15_000)
    expect(page.get_by_test_id("decision-row").first).to_contain_text("the twin's turn")
    former = page.get_by_test_id(f"rival-{champion.model_id}")
    expect(former).to_have_attribute("data-predecessor", "true", timeout=60_000)
    expect(page.get_by_test_id("refused")).to_have_text("0")


@pytest.mark.parametrize("width", [390, 1000, 1440])
def test_view_fits_the_screen_and_is_reached_and_left_by_key(simulated: System, browser: Browser, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.goto(simulated.url)
    row = page.get_by_test_id("row-sim:BTCUSDT")
    expect(row).to_be_visible(timeout=30_000)
    page.keyboard.press("e")
    expect(page.locator(f"{VIEW} h2").first).to_be_focused()
    expect(page.get_by_test_id("importance").locator("li").first).to_be_visible(timeout=15_000)
    expect(page.get_by_test_id("live-sim:MSFT")).to_contain_text("%", timeout=60_000)
    beyond = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert beyond == 0
    page.keyboard.press("Escape")
    expect(row).to_be_focused()
    page.get_by_role("link", name="Model", exact=True).click()
    expect(page.locator(VIEW)).to_be_visible()
    page.close()
