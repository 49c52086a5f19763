"""Windows of a crowd's reception: what arrived, whole and right, and what it cost the server; two servers in turn."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import psutil

from bench.crowd import Count, Crowd
from bench.fanout_rig import Publisher, cpu_s
from bench.harness import NULL_PAIR_HIGH, NULL_PAIR_LOW, MachineTooNoisy

_BYTES_TOLERANCE_FRAC = 0.01
_DRAIN_S = 10.0
_POLL_S = 0.2


@dataclass(frozen=True)
class Window:
    """What one window brought to all clients together.

    updates: messages of the application that arrived, each whole
    frames: WebSocket frames that carried them; writes: the server's writes to its sockets, told by the clients' TCP
    cpu_s: processor seconds of the server's whole process
    """

    updates: int
    frames: float
    writes: int
    cpu_s: float

    @property
    def us_an_update(self) -> float:
        """The server's processor time for each."""
        return 1e6 * self.cpu_s / self.updates


Side = Callable[[], Window]


def window(crowd: Crowd, name: str, server: psutil.Process, publisher: Publisher, rounds: int, hz: float) -> Window:
    """Publish ``rounds`` at ``hz``, wait until all have arrived, and return what it cost ``server``.

    Raises:
        MachineTooNoisy: an update was conflated, or came too late.
    """
    crowd.count()
    start_s = cpu_s(server)
    publisher.publish(rounds, hz)
    count = settle(crowd, name)
    used_s = cpu_s(server) - start_s
    if set(count.updates) != {rounds * len(publisher.symbols)}:
        raise MachineTooNoisy(
            f"{name}: not every update arrived on its own: {sorted(set(count.updates))} of {rounds} rounds"
        )
    return window_of(count, used_s)


def settle(crowd: Crowd, name: str) -> Count:
    """Count until nothing more arrives but what comes anyway.

    Raises:
        MachineTooNoisy: it goes on for too long.
    """
    total = crowd.count()[name]
    end_s = time.monotonic() + _DRAIN_S
    while time.monotonic() < end_s:
        time.sleep(_POLL_S)
        more = crowd.count()[name]
        total.go_on(more)
        if not any(more.updates):
            return total
    raise MachineTooNoisy(f"{name}: updates still arrive {_DRAIN_S:g} s after the last was published")


def window_of(count: Count, used_s: float) -> Window:
    """Return what all clients got together, once the checkers and the bytes agree.

    Raises:
        RuntimeError: an update was not what it must be, or a client got more or less than the others.
    """
    if count.wrong:
        raise RuntimeError(f"{count.wrong} updates were not what they must be")
    expected = statistics.median(count.checked_bytes)
    off = [size for size in count.counted_bytes if abs(size - expected) > _BYTES_TOLERANCE_FRAC * expected]
    if off:
        raise RuntimeError(f"{len(off)} clients got {off[0]} bytes where the checkers got {expected}")
    clients = len(count.updates) + len(count.counted_bytes)
    updates = round(statistics.median(count.updates) * clients)
    return Window(updates, statistics.mean(count.frames) * clients, count.writes, used_s)


def interleave(sides: dict[str, Side], rounds: int) -> dict[str, list[Window]]:
    """Measure ``ours`` and ``rival`` in turn, the rival twice a round, and first each once for nothing.

    Raises:
        MachineTooNoisy: when the rival against itself is not within 0.9-1.1.
    """
    samples: dict[str, list[Window]] = {"ours": [], "rival": [], "null": []}
    for side in sides.values():
        side()
    for number in range(rounds):
        for name in ("ours", "rival", "null") if number % 2 else ("null", "rival", "ours"):
            samples[name].append(sides["ours" if name == "ours" else "rival"]())
    null = us_an_update(samples["null"]) / us_an_update(samples["rival"])
    if not NULL_PAIR_LOW <= null <= NULL_PAIR_HIGH:
        raise MachineTooNoisy(f"null pair {null:.3f}")
    return samples


def us_an_update(windows: list[Window]) -> float:
    """Return the median over ``windows``."""
    return statistics.median(one.us_an_update for one in windows)


def describe(windows: list[Window]) -> str:
    """Return cost and packing of a side in a few words."""
    updates, frames, writes = (sum(getattr(one, name) for one in windows) for name in ("updates", "frames", "writes"))
    return (
        f"{us_an_update(windows):.2f} us an update, {updates / frames:.2f} updates a frame, "
        f"{frames / writes:.2f} frames a write"
    )
