"""The feed sees that a stream passes its frames on and stores them no more: a real server on a real full disk."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from foretick.common.contracts import Origin
from foretick.common.runtime.bootstrap import Runtime
from foretick.common.runtime.embedded import NatsServer
from foretick.common.subjects import TICKS
from foretick.common.testing import tick_frame
from foretick.common.testing.disks import fill, small_disk
from foretick.common.testing.waiting import eventually
from foretick.ingest.adapters.binance.connector import SPOT_RULES
from foretick.ingest.adapters.bus.client import BusOutlet
from foretick.ingest.adapters.bus.metrics import FeedMetrics
from foretick.ingest.adapters.bus.storage import StorageWatch
from foretick.ingest.domain.engine import FeedEngine
from foretick.ingest.domain.runs import Identity
from foretick.ingest.settings import IngestSettings

CONDITION = "stored.sim"


@pytest.fixture
def full_server(tmp_path: Path) -> Iterator[tuple[NatsServer, Path]]:
    store = tmp_path / "nats" / "jetstream"
    with small_disk(store, size_mib=16), NatsServer(tmp_path / "nats") as server:
        yield server, store


async def test_full_disk_is_told_and_after_room_and_a_restart_all_is_well(full_server) -> None:
    server, store = full_server
    settings = IngestSettings.model_validate({"RUN_ID": "test", "NATS_URL": server.url})
    rt = Runtime("ingest", "feed", settings, structlog.stdlib.get_logger())
    await rt.bus.connect()
    await rt.bus.ensure_streams()
    outlet = BusOutlet(rt)
    engine = FeedEngine(Identity("sim", Origin.SIM, "test", "test", 1), [], SPOT_RULES)
    watch = StorageWatch(rt, outlet, engine, FeedMetrics(rt.metrics))

    async def send(seq: int) -> None:
        rt.data.publish(TICKS, tick_frame("C", seq=seq, run_id="test"))
        await rt.data.flush()

    async def is_stored(seq: int) -> bool:
        await watch.check("BTCUSDT", {"BTCUSDT": seq})
        return condition(rt)[0]

    try:
        await send(1)
        await eventually(lambda: is_stored(1), deadline_s=5)
        ballast = fill(store)
        for seq in range(2, 2_000):
            await send(seq)
        assert not await is_stored(1_999)
        assert "are not in the stream" in condition(rt)[1]
        ballast.unlink()
        await send(2_000)
        assert not await is_stored(2_000), "room alone does not help: if it does now, the restart may go"
        server.stop()
        server.start()
        await eventually(lambda: rt.bus.nc.stats["reconnects"] == 1 and rt.bus.is_connected, deadline_s=10)
        await send(2_001)
        await eventually(lambda: is_stored(2_001), deadline_s=10)
    finally:
        await rt.drain()


def condition(rt: Runtime) -> tuple[bool, str]:
    state = rt.health.report()["conditions"].get(CONDITION, {"ok": False, "detail": ""})
    return state["ok"], state["detail"]
