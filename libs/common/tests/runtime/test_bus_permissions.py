"""A role that the server refuses something says so, is not ready, and tells no password."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import msgspec
import pytest
import structlog

from foretick.common.permissions import users
from foretick.common.runtime.bootstrap import Runtime
from foretick.common.runtime.bus import without_password
from foretick.common.runtime.embedded import NatsServer
from foretick.common.runtime.settings import ServiceSettings
from foretick.common.subjects import DEAD_LETTERS, PREDICTION_MESSAGES
from foretick.common.testing import eventually
from foretick.common.testing.builders import tick_frame
from foretick.common.testing.servers import scratch_directory


@pytest.fixture(scope="module")
def guarded() -> Iterator[NatsServer]:
    with scratch_directory("guarded") as directory, NatsServer(directory, users=users()) as server:
        yield server


@pytest.fixture
def logged() -> Iterator[list[Any]]:
    with structlog.testing.capture_logs() as entries:
        yield entries


@pytest.fixture
async def gateway(guarded: NatsServer, logged: list[Any]) -> AsyncIterator[Runtime]:
    rt = Runtime("gateway", "api", ServiceSettings(nats_url=guarded.url_of("gateway.api")), structlog.get_logger())
    await rt.bus.connect()
    await rt.bus.ensure_streams()
    yield rt
    await rt.drain()


def violations(rt: Runtime) -> float | None:
    return rt.bus.violations and rt.bus.violations._value.get()


async def test_refused_publish_is_logged_counted_and_makes_the_process_not_ready(
    gateway: Runtime, guarded: NatsServer, logged: list[Any]
) -> None:
    gateway.health.set("started", ok=True)
    await gateway.bus.next_epoch()
    gateway.data.reject("ticks.sim.BTCUSDT", "was not liked", b"{}")

    async def kept() -> bool:
        info = await gateway.bus.js.stream_info(DEAD_LETTERS.stream.name)
        return info.state.messages == 1

    await eventually(kept)
    assert gateway.health.ready
    assert violations(gateway) == 0
    gateway.data.publish_raw(PREDICTION_MESSAGES.of("sim", "BTCUSDT"), msgspec.json.encode(tick_frame()))
    await eventually(lambda: not gateway.health.ready)
    assert violations(gateway) == 1
    (entry,) = [entry for entry in logged if entry["event"] == "refused by NATS"]
    assert (entry["log_level"], "predictions.sim.btcusdt" in entry["error"]) == ("error", True)
    password = guarded.url_of("gateway.api").partition("api:")[2].partition("@")[0]
    assert password not in repr(logged) + repr(gateway.health.report())
    guarded.kill()
    await eventually(lambda: not gateway.bus.is_connected)
    guarded.start()
    await eventually(lambda: gateway.health.ready, 30)
    assert password not in repr(logged) + repr(gateway.health.report())


async def test_refused_subscription_is_told_too(gateway: Runtime) -> None:
    gateway.health.set("started", ok=True)
    await gateway.bus.nc.subscribe("_INBOX.ingest.feed.>")
    await eventually(lambda: not gateway.health.ready)
    assert violations(gateway) == 1


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("nats://127.0.0.1:4222", "nats://127.0.0.1:4222"),
        ("nats://ingest.feed:p@ss:w@host:1", "nats://ingest.feed:***@host:1"),
        ("tls://token@host:1", "tls://***@host:1"),
    ],
)
def test_address_in_logs_has_no_secret(url: str, shown: str) -> None:
    assert without_password(url) == shown
