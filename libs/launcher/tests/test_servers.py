"""The launcher's watch over its servers: what has died is started again, and so is what runs but cannot store."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from io import StringIO
from pathlib import Path

import nats
import pytest
from nats.js import JetStreamContext
from nats.js.api import StreamConfig

from foretick.common.runtime.embedded import NatsServer, free_port
from foretick.common.testing import eventually
from foretick.common.testing.disks import fill, small_disk
from foretick.launcher.journal import Journal
from foretick.launcher.machine.terminal import Terminal
from foretick.launcher.servers import Servers


class Stage:
    """The watch, its server, and what was said on the terminal."""

    def __init__(self, folder: Path) -> None:
        self.screen = StringIO()
        self.server = NatsServer(folder / "nats", monitoring_port=free_port())
        self.servers = Servers(Journal(Terminal(self.screen), folder / "logs"))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "nats" / "jetstream", size_mib=16) as store:
        yield store


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    stage = Stage(tmp_path)
    await stage.servers.start(stage.server)
    watch = asyncio.create_task(stage.servers.watch())
    yield stage
    watch.cancel()
    await asyncio.gather(watch, return_exceptions=True)
    await stage.servers.stop()


async def test_killed_server_is_started_again(stage: Stage) -> None:
    pid = stage.server.pid
    await asyncio.to_thread(stage.server.kill)
    await eventually(lambda: stage.server.running and stage.server.pid != pid, deadline_s=20)
    assert "starts again" in stage.screen.getvalue()


async def test_server_whose_disk_was_full_is_told_of_and_restarted_once_there_is_room(
    store: Path, stage: Stage
) -> None:
    pid = stage.server.pid
    nc = await nats.connect(stage.server.url)
    js = nc.jetstream(timeout=1)
    await js.add_stream(StreamConfig(name="S", subjects=["s"]))
    await js.publish("s", b"kept")
    ballast = fill(store)
    with pytest.raises(TimeoutError):
        await publish_for_ever(js)
    await eventually(lambda: "cannot store" in stage.screen.getvalue(), deadline_s=20)
    assert "no space left on device" in stage.screen.getvalue()
    assert stage.server.pid == pid, "not restarted while there is no room"
    ballast.unlink()
    await eventually(lambda: stage.server.running and stage.server.pid != pid, deadline_s=20)

    async def is_stored() -> bool:
        try:
            await js.publish("s", b"after")
        except (nats.errors.Error, TimeoutError):
            return False
        return True

    await eventually(is_stored, deadline_s=20)
    assert (await js.get_msg("S", 1)).data == b"kept"
    assert stage.server.fault() == ""
    await nc.close()


async def publish_for_ever(js: JetStreamContext) -> None:
    while True:
        await js.publish("s", bytes(100_000))
