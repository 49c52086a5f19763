"""The market depth of an instrument in a real browser: the ladder is the bus's book, and a fault shows and passes."""

import time
from collections.abc import Iterator
from typing import Any

import httpx
import msgspec
import nats
import pytest
from nats.js.api import ConsumerConfig, DeliverPolicy
from playwright.sync_api import Browser, Page, expect

from foretick.common.contracts import BookEventKind, BookFrame
from foretick.common.subjects import BOOKS
from foretick.launcher.testing import System, run_apart, wait_until

DEPTH = "[data-testid='depth']"
SOUND = f"{DEPTH}[data-trust='LIVE'][data-stale='false']"
LEVELS = 20

READ_LADDER = """panel => ({
    seq: Number(panel.dataset.seq),
    rows: [...panel.querySelectorAll('tbody tr')].map(
        row => [...row.cells].map(cell => cell.textContent.replaceAll(',', ''))),
})"""

Book = dict[float, float]
"""Quantity by price."""


@pytest.fixture
def page(simulated: System, browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1440, "height": 1000})
    page.goto(f"{simulated.url}/#depth/sim:BTCUSDT")
    page.wait_for_selector(f"{SOUND} [data-testid='depth-ladder'] tbody tr:nth-child({LEVELS})", timeout=30_000)
    yield page
    page.close()


def test_ladder_is_the_book_of_the_messages_on_the_bus(page: Page, simulated: System) -> None:
    shown: dict[int, list[list[str]]] = {}
    deadline_s = time.monotonic() + 20
    while len(shown) < 5 and time.monotonic() < deadline_s:
        ladder = page.eval_on_selector("[data-testid='depth-ladder']", READ_LADDER)
        shown[ladder["seq"]] = ladder["rows"]
    assert len(shown) == 5, "the ladder moves"
    told = run_apart(rebuild_books(simulated.setting("NATS_URL"), set(shown)))
    for seq, rows in shown.items():
        bids, asks = told[seq]
        assert [float(row[2]) for row in rows] == [price for price, _ in bids]
        assert [float(row[3]) for row in rows] == [price for price, _ in asks]
        assert_about([row[1] for row in rows], [qty for _, qty in bids])
        assert_about([row[4] for row in rows], [qty for _, qty in asks])
        assert_about([row[0] for row in rows], [sum(qty for _, qty in bids[: level + 1]) for level in range(LEVELS)])
        assert_about([row[5] for row in rows], [sum(qty for _, qty in asks[: level + 1]) for level in range(LEVELS)])


def assert_about(texts: list[str], quantities: list[float]) -> None:
    """Compare to the three digits that are shown."""
    scales = {"k": 1e3, "M": 1e6}
    values = [float(text.rstrip("kM")) * scales.get(text[-1], 1.0) for text in texts]
    assert values == [pytest.approx(qty, rel=0.006, abs=6e-5) for qty in quantities]


async def rebuild_books(url: str, seqs: set[int]) -> dict[int, tuple[list[tuple[float, float]], ...]]:
    """Return the best levels of BTCUSDT, bids and asks, as of each of ``seqs``, folded from the stream alone."""
    nc = await nats.connect(url)
    js = nc.jetstream()
    consumer = await js.subscribe(
        BOOKS.of("sim", "BTCUSDT"), ordered_consumer=True, config=ConsumerConfig(deliver_policy=DeliverPolicy.ALL)
    )
    sides: tuple[Book, Book] = ({}, {})
    found: dict[int, tuple[list[tuple[float, float]], ...]] = {}
    try:
        while len(found) < len(seqs):
            frame = msgspec.json.decode((await consumer.next_msg(timeout=10)).data, type=BookFrame)
            for seq, event in enumerate(frame.events, frame.seq):
                for side, levels in zip(sides, (event.bids, event.asks), strict=True):
                    if event.kind is BookEventKind.SNAPSHOT:
                        side.clear()
                    side.update(levels)
                if seq in seqs:
                    found[seq] = best(sides)
        return found
    finally:
        await nc.close()


def best(sides: tuple[Book, Book]) -> tuple[list[tuple[float, float]], ...]:
    bids, asks = ([level for level in side.items() if level[1] > 0] for side in sides)
    return sorted(bids, reverse=True)[:LEVELS], sorted(asks)[:LEVELS]


def test_spread_and_cost_are_those_of_rest(page: Page, simulated: System) -> None:
    expect(page.get_by_test_id("spread-mean")).to_contain_text("ticks", timeout=15_000)
    told = simulated.get("/api/analytics/market-depth/sim:BTCUSDT?quote=10000")
    assert told["spread"]["known_s"] > 0
    shown = page.get_by_test_id("spread-mean").inner_text().split()
    mean_ticks = float(shown[shown.index("ticks") - 1].replace(",", ""))
    assert mean_ticks == pytest.approx(told["spread"]["mean_ticks"], rel=0.25), "a minute's mean moves slowly"
    cost = page.get_by_test_id("cost").locator("tbody tr").nth(1).locator("td").first.inner_text()
    assert float(cost.replace(",", "")) == pytest.approx(told["cost"]["buy"]["average_price"], rel=0.002)
    expect(page.get_by_test_id("bands").locator("tbody tr")).to_have_count(len(told["bands"]))
    expect(page.get_by_test_id("consolidated")).to_contain_text("Only sim quotes this pair here")
    expect(page.get_by_test_id("trust-age")).to_contain_text("for")


def test_lost_update_marks_the_book_and_its_event_is_told_until_it_is_sound_again(
    page: Page, simulated: System
) -> None:
    for kind in ("slow_snapshot", "gap"):
        inject(simulated, kind)
    page.wait_for_selector(f"{DEPTH}:not([data-trust='LIVE'])", timeout=15_000)
    expect(page.get_by_test_id("trust-line")).to_contain_text("Not to be acted upon")
    expect(page.get_by_test_id("depth-ladder")).to_have_attribute("data-sound", "false")
    fallen = page.locator("[data-testid='integrity-event'][data-from='LIVE']").first
    expect(fallen).to_be_visible()
    page.wait_for_selector(SOUND, timeout=30_000)
    expect(page.get_by_test_id("depth-ladder")).to_have_attribute("data-sound", "true")
    latest = page.get_by_test_id("integrity-event").first
    expect(latest).to_have_attribute("data-to", "LIVE")
    told = wait_until(lambda: simulated.get("/api/analytics/integrity/sim:BTCUSDT"), 10, "the changes")
    pairs = [(event["trust_from"], event["trust_to"]) for event in reversed(told["events"])]
    rows = page.get_by_test_id("integrity-event").evaluate_all(
        "rows => rows.map(row => [row.dataset.from, row.dataset.to])"
    )
    assert [tuple(row) for row in rows] == pairs[: len(rows)]


def inject(system: System, kind: str) -> Any:
    simulator = system.role("ingest", "simulate")
    assert simulator is not None
    url = f"http://127.0.0.1:{simulator.environ()['SIM_PORT']}/sim/faults"
    return httpx.post(url, json={"kind": kind, "symbol": "BTCUSDT"}).raise_for_status()


def test_depth_is_reached_and_left_by_keyboard_alone(simulated: System, browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto(simulated.url)
    row = page.get_by_test_id("row-sim:ETHUSDT")
    expect(row).to_be_visible(timeout=30_000)
    page.get_by_test_id("row-sim:BTCUSDT").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # on the link of the row
    expect(page.locator(DEPTH)).to_have_attribute("data-instrument", "sim:ETHUSDT")
    expect(page.locator(f"{DEPTH} h2")).to_be_focused()
    page.keyboard.press("Escape")
    expect(row).to_be_focused()
    page.keyboard.press("m")
    expect(page.locator(DEPTH)).to_be_visible()
    page.go_back()
    expect(row).to_be_focused()
    page.get_by_test_id("detail").get_by_role("link", name="Market depth of ETHUSDT").click()
    page.get_by_test_id("back").click()
    expect(row).to_be_focused()
    page.close()


def test_venue_is_told_as_connected_with_its_clock(simulated: System, browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto(simulated.url)
    expect(page.get_by_test_id("venues")).to_contain_text("1 of 1", timeout=30_000)
    page.keyboard.press("v")
    venue = page.get_by_test_id("venue-sim")
    expect(venue).to_have_attribute("data-state", "connected")
    expect(venue).to_have_attribute("data-stale", "false")
    expect(venue.locator("[data-label='Clock offset']")).to_contain_text("ms", timeout=15_000)
    page.close()
