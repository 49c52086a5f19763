"""A real recording through the whole system: predictions at a client and rows in the database, marked REPLAY."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Browser, expect

from foretick.launcher.testing import System, run_apart, updates, wait_until

RECORDED_FROM_NS, RECORDED_TO_NS = 1_723_161_253_000_000_000, 1_723_161_600_000_000_000


@pytest.fixture(scope="module")
def system(
    tmp_path_factory: pytest.TempPathFactory, trained_store: Path, shared_data: Callable[[str], Path]
) -> Iterator[System]:
    recording = shared_data("recordings/binance_spot_btcusdt_20240808.gz")
    folder = tmp_path_factory.mktemp("replay")
    shutil.copytree(trained_store, folder / f"replay-{recording.stem}" / "nats")
    with System(folder, REPLAY=str(recording), REPLAY_SPEED="2") as system:
        system.wait_for_prediction("BTCUSDT", deadline_s=180)
        yield system


def test_recorded_frames_become_predictions_at_a_client_and_rows(system: System) -> None:
    data = run_apart(first_prediction(system))
    assert data["origin"] == "replay"
    assert data["out_of_origin"] is True
    assert data["model_origin"] == "sim"
    assert RECORDED_FROM_NS <= data["ts_recv_us"] * 1000 <= RECORDED_TO_NS, "the recorded clock"
    query = "SELECT model_id, origin, mid FROM predictions WHERE run_id = %s AND symbol = 'BTCUSDT' AND asof_seq = %s"
    with psycopg.connect(system.setting("DATABASE_URL"), autocommit=True) as rows:
        key = (system.setting("RUN_ID"), data["asof_seq"])
        found = wait_until(lambda: rows.execute(query, key).fetchall(), 30, "the row")
    assert found == [(data["model_id"], "replay", data["mid"])]
    assert 60_000 < data["mid"] < 63_000, "BTCUSDT on that evening"


async def first_prediction(system: System) -> dict[str, Any]:
    connection = await system.feed("BTCUSDT")
    async for update in updates(connection, "predictions", 30):
        if update["data"].get("probabilities"):
            await connection.close()
            return update["data"]
    raise TimeoutError("no prediction on the feed")


def test_page_says_replay(system: System, browser: Browser) -> None:
    page = browser.new_page()
    page.goto(system.url)
    expect(page.get_by_test_id("origin")).to_contain_text("REPLAY", timeout=30_000)
    expect(page.get_by_test_id("row-binance:BTCUSDT")).to_be_visible()
    page.close()
