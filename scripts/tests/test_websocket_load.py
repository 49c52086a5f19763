"""The load test passes on a sound feed, and fails on one that breaks the chain, refuses or is not there."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import nats
import pytest
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_create_server

from foretick.common.runtime.embedded import free_port
from foretick.common.subjects import PREDICTION_MESSAGES
from foretick.common.testing.builders import prediction
from foretick.common.testing.waiting import eventually

SCRIPT = Path(__file__).resolve().parent.parent / "websocket_load_test.py"


async def load(url: str, *options: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(SCRIPT), "--url", url, "--symbols", "BTCUSDT", "--channels", "predictions", *options,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output = (await asyncio.wait_for(process.communicate(), 60))[0].decode()
    return process.returncode or 0, output


async def is_listening(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


@pytest.fixture
async def feed(nats_url: str) -> AsyncIterator[str]:
    """A small gateway that tells a prediction every 20 ms."""
    port = free_port()
    told = {"NATS_URL": nats_url, "WEBSOCKET_PORT": str(port), "RUN_ID": "test", "LOG_LEVEL": "ERROR"}
    gateway = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "foretick.gateway", "feed", env={**os.environ, **told}
    )
    producer = await nats.connect(nats_url)

    async def predict() -> None:
        seq = 0
        while True:
            seq += 1
            message = prediction(asof_seq=seq)
            await producer.publish(PREDICTION_MESSAGES.of(message.venue, message.symbol), msgspec.json.encode(message))
            await asyncio.sleep(0.02)

    try:
        await eventually(lambda: is_listening(port), 30)
        predicting = asyncio.create_task(predict())
        yield f"ws://127.0.0.1:{port}/ws/realtime"
        predicting.cancel()
    finally:
        await producer.close()
        gateway.terminate()
        await gateway.wait()


async def test_sound_feed_passes_with_frozen_and_churning_clients(feed: str, tmp_path: Path):
    path = tmp_path / "report.json"
    code, output = await load(
        feed,
        "--connections",
        "8",
        "--seconds",
        "2",
        "--frozen-frac",
        "0.25",
        "--churn-per-s",
        "4",
        "--report",
        str(path),
    )
    assert code == 0, output
    report = json.loads(path.read_text())
    counts = report["counts"]
    assert report["passed"]
    assert (counts["frozen"], counts["broken_links"], counts["dropped"], counts["failed"]) == (2, 0, 0, 0)
    assert counts["connected"] == 8 + counts["churned"] + 2  # one of each process comes back
    assert counts["churned"] >= 4
    assert counts["deltas"] > 6 * 50  # 50 a second and client
    assert counts["resumed"] + counts["resumed_whole"] == 2
    assert report["latency_ms"]["of_gateway"]["p50"] > 0


async def test_report_as_a_page_holds_the_chart_and_the_numbers(feed: str, tmp_path: Path):
    path = tmp_path / "report.html"
    code, output = await load(feed, "--connections", "2", "--seconds", "1", "--processes", "1", "--report", str(path))
    assert code == 0, output
    page = path.read_text()
    assert "<svg" in page
    assert page.count("<polyline") == 2
    assert "http" not in page.replace("ws://", "").partition("<body")[0].partition("<script")[0]  # loads nothing
    embedded = page.partition('id="report">')[2].partition("</script>")[0]
    assert json.loads(embedded)["passed"]


async def test_nobody_there_fails():
    code, output = await load(f"ws://127.0.0.1:{free_port()}/ws/realtime", "--connections", "2", "--seconds", "0.2")
    assert code == 1
    assert "2 connections failed" in output


def update(kind: str, seq: int, prev: int | None, **more: bool) -> bytes:
    head = {"type": kind, "channel": "predictions", "venue": "sim", "symbol": "BTCUSDT", "epoch": 1, "seq": seq}
    return msgspec.json.encode(head | ({} if prev is None else {"prev": prev}) | {"data": {}} | more)


@pytest.mark.parametrize(
    ("told", "fault"),
    [
        ([("snapshot", 1, None), ("delta", 2, 1), ("delta", 4, 3)], "2 broken links"),
        ([("snapshot", 5, None), ("delta", 5, 5)], "2 broken links"),
        ([("delta", 2, 1)], "2 broken links"),
        ([("snapshot", 1, None)], "no update arrived"),
    ],
)
async def test_feed_that_breaks_the_chain_fails(told: list[tuple[str, int, int | None]], fault: str):
    class Liar(WSListener):
        def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
            if frame.msg_type == WSMsgType.TEXT:
                returns = b"since" in frame.get_payload_as_bytes()
                for kind, seq, prev in [("snapshot", 9, None)] if returns else told:
                    transport.send(WSMsgType.TEXT, update(kind, seq, prev))

    server = await ws_create_server(lambda _request: Liar(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    code, output = await load(f"ws://127.0.0.1:{port}/ws/realtime", "--connections", "2", "--seconds", "0.3")
    server.close()
    assert code == 1
    assert fault in output


@pytest.mark.parametrize(("more", "code"), [({"resumed": False}, 0), ({}, 1)])
async def test_returning_client_may_only_be_told_less_by_a_process_that_says_it_cannot_resume(
    more: dict[str, bool], code: int
):
    class Behind(WSListener):
        """Another process, a moment behind the one that the client left."""

        def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
            if frame.msg_type != WSMsgType.TEXT:
                return
            if b"since" in frame.get_payload_as_bytes():
                transport.send(WSMsgType.TEXT, update("snapshot", 4, None, **more))
            else:
                transport.send(WSMsgType.TEXT, update("snapshot", 4, None))
                transport.send(WSMsgType.TEXT, update("delta", 5, 4))

    server = await ws_create_server(lambda _request: Behind(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    found, output = await load(f"ws://127.0.0.1:{port}/ws/realtime", "--connections", "1", "--seconds", "0.3")
    server.close()
    assert found == code, output
