"""``client-memory``, ``client-memory-frozen``: what a client costs a feed process, in KiB of its own memory (PSS).

Healthy: 1,000 clients follow 8 symbols at 10 Hz and take all they are sent. Frozen: 200 clients do the same with
updates of 4 kB and read nothing, so that all are full (each holds the rest of its last write, and waits for snapshots)
and go on being published to. The figure is the PSS of the process then, less its PSS with the same state and no client,
by the number of clients; each round has a process of its own, and the median of the rounds counts. What the kernel
holds for the frozen, outside of PSS, is told beside it (send queues, /proc/net/tcp), as is what waits for them.

The floor of a healthy client is such that one process holds 10,000 in 320 MiB; a frozen one may hold one write
(64 KiB) more, for the 30 s until it is cut off. The aims are half of that.
"""

import statistics
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from bench.crowd import SYMBOLS, Crowd, Group
from bench.fanout_rig import Gateway, Publisher, folder, gateway_publisher
from bench.harness import Figure

HEALTHY, FROZEN = 1000, 200
CHECKERS = 10
HZ = 10
ROUNDS = 3
_BIG_VALUES = 300
_ROUNDS_OF_UPDATES = 2 * HZ
_FILL_ROUNDS = 20 * HZ
_KIB = 1024


@dataclass(frozen=True)
class Cost:
    """Of one client: KiB of the process's memory, KiB in the kernel's send queue, messages that wait for it."""

    memory_kib: float
    kernel_kib: float
    waiting: float


def measure() -> list[Figure]:
    """Return both figures."""
    healthy, frozen = [], []
    for _ in range(ROUNDS):
        healthy.append(sample(Group("gateway", 0, HEALTHY, CHECKERS, SYMBOLS), 12, take_all))
        frozen.append(sample(Group("gateway", 0, FROZEN, 0, SYMBOLS, frozen=True), _BIG_VALUES, fill))
    return [
        figure("client-memory", healthy, 32, f"{HEALTHY} clients that read"),
        figure("client-memory-frozen", frozen, 96, f"{FROZEN} clients that read nothing, all full"),
    ]


def figure(name: str, costs: list[Cost], floor: float, who: str) -> Figure:
    """Return the figure over the rounds."""
    memory, kernel, waiting = (
        statistics.median(getattr(cost, field) for cost in costs) for field in ("memory_kib", "kernel_kib", "waiting")
    )
    spread = f"{min(cost.memory_kib for cost in costs):.1f}-{max(cost.memory_kib for cost in costs):.1f}"
    note = f"{who}, {len(SYMBOLS)} symbols: {spread} KiB over {ROUNDS} rounds; besides {kernel:.1f} KiB in the kernel"
    return Figure(name, memory, "KiB", floor, floor / 2, note=f"{note}, {waiting:.1f} messages wait")


Load = Callable[[Crowd, Publisher, Gateway, int], None]


def sample(group: Group, values: int, load: Load) -> Cost:
    """Return what a client of ``group`` costs a new process once ``load`` has run."""
    with folder() as place, closing(Gateway(place, SYMBOLS)) as gateway:
        publisher = gateway_publisher(gateway, SYMBOLS, values)
        publisher.publish(_ROUNDS_OF_UPDATES, HZ)
        before = pss_bytes(gateway)
        with closing(Crowd({"crowd": group.at(gateway.port)}, processes=1)) as crowd:
            load(crowd, publisher, gateway, group.count)
            held, kernel = pss_bytes(gateway) - before, unsent_bytes(gateway.port)
            waiting = gateway.metric("waiting_messages")
    return Cost(held / group.count / _KIB, kernel / group.count / _KIB, waiting / group.count)


def take_all(crowd: Crowd, publisher: Publisher, gateway: Gateway, count: int) -> None:
    """Let everybody get updates for a while."""
    publisher.publish(_ROUNDS_OF_UPDATES, HZ)
    wait_for(lambda: gateway.metric("connections") == count, "every client counted")
    if min(crowd.count()["crowd"].updates) < _ROUNDS_OF_UPDATES:
        raise RuntimeError("a healthy client did not get the updates")


def fill(_crowd: Crowd, publisher: Publisher, gateway: Gateway, count: int) -> None:
    """Publish until everybody is full, and then as much again."""
    for _ in range(_FILL_ROUNDS // HZ):
        publisher.publish(HZ, HZ)
        if gateway.metric("blocked_connections") == count:
            publisher.publish(_ROUNDS_OF_UPDATES, HZ)
            return
    raise RuntimeError(f"only {gateway.metric('blocked_connections'):g} of {count} clients were full")


def wait_for(condition: Callable[[], bool], what: str) -> None:
    """Return once ``condition`` holds."""
    end_s = time.monotonic() + 10
    while not condition():
        if time.monotonic() > end_s:
            raise RuntimeError(f"not in time: {what}")
        time.sleep(0.1)


def pss_bytes(gateway: Gateway) -> int:
    """The process's share of memory."""
    return gateway.process.memory_full_info().pss


def unsent_bytes(port: int) -> int:
    """What the kernel holds of what was sent from ``port`` and not received (tx_queue, proc(5))."""
    total = 0
    for row in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        columns = row.split()
        if int(columns[1].rpartition(":")[2], 16) == port:
            total += int(columns[4].partition(":")[0], 16)
    return total
