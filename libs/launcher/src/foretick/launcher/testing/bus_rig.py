"""A system whose nats-server is the test's own, behind a proxy: for partitions, restarts and full disks."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from foretick.common.runtime.embedded import NatsServer
from foretick.launcher.testing.follower import Follower
from foretick.launcher.testing.processes import SERVICES, Victim
from foretick.launcher.testing.proxy import Proxy
from foretick.launcher.testing.system import System

WATCHED: tuple[Victim, ...] = (*SERVICES, Victim("postgres"))
"""What must be well in such a system; its nats-server is not the launcher's."""


@dataclass(frozen=True, slots=True)
class BusRig:
    """The parts of a running one."""

    server: NatsServer
    proxy: Proxy
    system: System
    follower: Follower


@contextmanager
def bus_rig(folder: Path, server: NatsServer | None = None, **settings: str) -> Iterator[BusRig]:
    """Run Foretick on ``server`` (default: one on ``folder/nats``) through a proxy, predictions flowing at a client."""
    with (
        server or NatsServer(folder / "nats") as running,
        Proxy(running.port) as proxy,
        System(folder, NATS_URL=f"nats://127.0.0.1:{proxy.port}", **settings) as system,
    ):
        system.wait_for_prediction()
        with Follower(system) as follower:
            yield BusRig(running, proxy, system, follower)
