"""The system with two feed processes on one port: both serve, and a client of one that ends goes on at the other."""

import asyncio
import json
import random
import re
import shutil
import signal
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest

from foretick.common.runtime.embedded import free_port
from foretick.common.testing.feed_client import FeedClient
from foretick.common.testing.waiting import eventually
from foretick.launcher.testing import System
from foretick.launcher.testing.system import run_apart, wait_until

NAMES = ("gateway.feed", "gateway.feed-1")
SYMBOLS = ("BTCUSDT", "ETHUSDT")
CHANNELS = ("ticks", "predictions", "metrics")
TOPICS = {f"{channel}:sim:{symbol}" for channel in CHANNELS[:2] for symbol in SYMBOLS} | {"metrics:*:*"}
CLIENTS = 40
PAUSE_S = 1.0
BACK_S = 60.0


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory, trained_store: Path) -> Iterator[System]:
    folder = tmp_path_factory.mktemp("feeds")
    shutil.copytree(trained_store, folder / "nats")
    with System(folder, FEED_PROCESSES="2", WEBSOCKET_PORT=str(free_port())) as system:
        system.wait_for_prediction()
        yield system


def get(system: System, name: str, path: str) -> str:
    """GET ``path`` where the launcher says that process ``name`` serves its health and metrics."""
    with urllib.request.urlopen(f"http://127.0.0.1:{system.card(name)['http_port']}{path}", timeout=5) as reply:
        return reply.read().decode()


def is_ready(system: System, name: str) -> bool:
    try:
        return bool(json.loads(get(system, name, "/health/ready"))["ready"])
    except (OSError, KeyError):
        return False


def connections(system: System, name: str) -> int:
    found = re.search(r"^foretick_gateway_connections (\S+)$", get(system, name, "/metrics"), re.MULTILINE)
    assert found, f"{name} does not count its connections"
    return int(float(found[1]))


@asynccontextmanager
async def audience(system: System) -> AsyncIterator[list[FeedClient]]:
    """Clients that follow, and come back after a random pause whenever they are cut off."""
    url = f"ws://127.0.0.1:{system.env['WEBSOCKET_PORT']}/ws/realtime"
    chance = random.Random(7)
    clients = [FeedClient(url, SYMBOLS, CHANNELS) for _ in range(CLIENTS)]
    await asyncio.gather(*(client.connect() for client in clients))
    staying = [asyncio.create_task(client.stay(lambda: chance.uniform(0, PAUSE_S))) for client in clients]
    try:
        yield clients
    finally:
        for task in staying:
            task.cancel()
        await asyncio.gather(*staying, *(client.close() for client in clients), return_exceptions=True)


async def shares(system: System) -> list[int]:
    return [await asyncio.to_thread(connections, system, name) for name in NAMES]


async def all_are_counted(system: System) -> bool:
    return sum(await shares(system)) == CLIENTS


async def end_one_and_follow(system: System, victim: str, how: signal.Signals) -> set[int]:
    """End ``victim`` under its clients, see them go on, and return the codes that their connections ended with."""
    async with audience(system) as clients:
        await eventually(lambda: all(client.held.keys() == TOPICS for client in clients), BACK_S)
        await eventually(lambda: all_are_counted(system), BACK_S)
        before = await shares(system)
        assert min(before) > 0, "the kernel deals them out: all on one side is a chance of 2**-39"
        pid = system.card(victim)["pid"]
        psutil.Process(pid).send_signal(how)
        cut = before[NAMES.index(victim)]
        await eventually(lambda: sum(client.returns for client in clients) == cut, BACK_S)
        lost = [client for client in clients if client.close_codes]
        assert [client.returns for client in lost] == [1] * cut
        await eventually(lambda: all(client.resumed | client.whole == TOPICS for client in lost))
        assert all("metrics:*:*" in client.whole for client in lost), "each process counts its own beats"
        assert any(client.resumed for client in lost), "who is back within 8 updates goes on without a snapshot"
        places = [dict(client.held) for client in clients]
        await eventually(lambda: all(client.held != held for client, held in zip(clients, places, strict=True)), BACK_S)
        await eventually(lambda: system.card(victim).get("pid") not in (None, pid), BACK_S)
        await eventually(lambda: asyncio.to_thread(is_ready, system, victim), BACK_S)
        assert [client.faults for client in clients] == [[]] * CLIENTS
        assert sum(len(client.close_codes) for client in clients) == cut, "nobody else was cut off"
        return {code for client in lost for code in client.close_codes}


@pytest.mark.parametrize(
    ("victim", "how", "code"),
    [("gateway.feed", signal.SIGKILL, 1006), ("gateway.feed-1", signal.SIGTERM, 1012)],
    ids=["killed", "asked-to-end"],
)
def test_clients_of_a_process_that_ends_go_on_at_the_other(
    system: System, victim: str, how: signal.Signals, code: int
) -> None:
    wait_until(lambda: all(is_ready(system, name) for name in NAMES), BACK_S, "both feed processes ready")
    wait_until(lambda: not any(connections(system, name) for name in NAMES), BACK_S, "an earlier audience is forgotten")
    assert run_apart(end_one_and_follow(system, victim, how)) == {code}


def test_status_tells_both_and_where_their_metrics_are(system: System) -> None:
    wait_until(lambda: all(is_ready(system, name) for name in NAMES), BACK_S, "both feed processes ready")
    wait_until(lambda: system.command("status").returncode == 0, BACK_S, "everything ready")
    lines = {line.split()[0]: line.split() for line in system.command("status").stdout.splitlines() if line}
    for name in NAMES:
        card = system.card(name)
        assert lines[name][1:5] == ["ready", str(card["pid"]), "port", str(card["http_port"])]
        wait_until(lambda name=name: connections(system, name) == 0, BACK_S, f"{name} forgot who left")
