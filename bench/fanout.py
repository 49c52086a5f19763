"""``fanout`` and ``coalesce``: what a delivery costs the gateway, against nats-server and against a plain loop.

fanout: 1,000 clients follow one symbol at 100 Hz, one frame an update. Ours: the gateway's role feed (bus in, view,
encode, WebSocket out); rival: nats-server's own WebSocket listener that forwards the same bytes (its frames carry a
``MSG`` line besides). Deliveries per processor second of the whole process.

coalesce: 250 clients follow 8 symbols at 100 Hz (with 1,000 the clients take what the two cores have, and the gateway
conflates). Ours: the same process; rival: a FastAPI process that awaits
``send_text`` for each symbol and client. Symbol updates per processor second.

Some of the clients (40, and 10 of 250) compare every update with what it must be, to the byte; the others count bytes,
which must agree.
"""

import statistics
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass

import psutil

from bench.crowd import SYMBOLS, Count, Crowd, Group, update_text
from bench.fanout_rig import HZ, Gateway, Listener, Publisher, cpu_s, folder, gateway_publisher, wait_for_port
from bench.harness import NULL_PAIR_HIGH, NULL_PAIR_LOW, Figure, MachineTooNoisy
from foretick.common.runtime.embedded import free_port

CLIENTS = 1000
COALESCE_CLIENTS = 250
CHECKERS = 40
ROUNDS = 5
WINDOW_ROUNDS = 3 * HZ
_BYTES_TOLERANCE_FRAC = 0.01
_DRAIN_S = 10.0


@dataclass(frozen=True)
class Window:
    """What one window brought: updates that reached clients, per processor second of the server."""

    updates: int
    cpu_s: float

    @property
    def per_cpu_s(self) -> float:
        return self.updates / self.cpu_s


def measure() -> list[Figure]:
    """Return both figures."""
    return [measure_fanout(), measure_coalesce()]


def measure_fanout() -> Figure:
    """Against nats-server's listener."""
    symbols = SYMBOLS[:1]
    with folder() as place:
        gateway, listener = Gateway(place, symbols), Listener(place)
        ours = gateway_publisher(gateway, symbols)
        rival = Publisher(listener.nats_url, symbols, lambda symbol: f"bench.{symbol}", update_text)
        ours.publish(1)  # the state that clients begin with
        crowd = Crowd(
            {
                "ours": Group("gateway", gateway.port, CLIENTS, CHECKERS, symbols),
                "rival": Group("nats", listener.port, CLIENTS, CHECKERS, symbols),
            }
        )
        try:
            sides = {
                "ours": lambda: window(crowd, "ours", gateway.process, ours, WINDOW_ROUNDS),
                "rival": lambda: window(crowd, "rival", listener.process, rival, WINDOW_ROUNDS),
            }
            for side in sides.values():
                side()
            before = gateway.metric("deliveries_total"), gateway.metric("writes_total")
            samples = interleave(sides)
            time.sleep(1.5)  # the counters are copied once a second
            frames, writes = (
                gateway.metric(name) - was
                for name, was in zip(("deliveries_total", "writes_total"), before, strict=True)
            )
        finally:
            crowd.close()
            gateway.close()
            listener.close()
    ours_us, rival_us = (1e6 / statistics.median(samples[side]) for side in ("ours", "rival"))
    note = (
        f"{CLIENTS} clients, {HZ} Hz, {len(update_text('S0', 1_000_000))} bytes: {ours_us:.2f} us a delivery against "
        f"{rival_us:.2f} (nats-server); {frames / writes:.2f} frames a write"
    )
    return Figure("fanout", rival_us / ours_us, "ratio", 1.0, 1.4, smaller_is_better=False, note=note)


def measure_coalesce() -> Figure:
    """Against FastAPI's plain loop."""
    with folder() as place:
        gateway = Gateway(place, SYMBOLS)
        plain = Plain()
        ours = gateway_publisher(gateway, SYMBOLS)
        ours.publish(1)
        crowd = Crowd(
            {
                "ours": Group("gateway", gateway.port, COALESCE_CLIENTS, CHECKERS // 4, SYMBOLS),
                "rival": Group("plain", plain.port, COALESCE_CLIENTS, CHECKERS // 4, SYMBOLS),
            }
        )
        try:
            sides = {
                "ours": lambda: window(crowd, "ours", gateway.process, ours, WINDOW_ROUNDS),
                "rival": lambda: plain.window(crowd),
            }
            for side in sides.values():
                side()
            samples = interleave(sides)
        finally:
            crowd.close()
            gateway.close()
            plain.close()
    ours_us, rival_us = (1e6 / statistics.median(samples[side]) for side in ("ours", "rival"))
    note = (
        f"{COALESCE_CLIENTS} clients, {len(SYMBOLS)} symbols, {HZ} Hz: {ours_us:.2f} us a symbol update against "
        f"{rival_us:.2f} (FastAPI send_text)"
    )
    return Figure("coalesce", rival_us / ours_us, "ratio", 8, 18, smaller_is_better=False, note=note)


class Plain:
    """``bench.plain_feed`` as a process."""

    def __init__(self) -> None:
        import sys

        self.port = free_port()
        self.process = psutil.Popen([sys.executable, "-m", "bench.plain_feed", str(self.port)])
        wait_for_port(self.port)

    def window(self, crowd: Crowd) -> Window:
        """Let it stream for as long as a window of ours takes."""
        crowd.count()
        start_s = cpu_s(self.process)
        self._ask("go")
        time.sleep(WINDOW_ROUNDS / HZ)
        self._ask("rest")
        count = settle(crowd, "rival")
        used_s = cpu_s(self.process) - start_s
        return Window(checked_updates(count), used_s)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()

    def _ask(self, what: str) -> None:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/{what}", timeout=60) as reply:
            reply.read()


def window(crowd: Crowd, name: str, server: psutil.Process, publisher: Publisher, rounds: int) -> Window:
    """Publish ``rounds``, wait until all have arrived, and return what it cost ``server``."""
    crowd.count()
    start_s = cpu_s(server)
    publisher.publish(rounds)
    count = settle(crowd, name)
    used_s = cpu_s(server) - start_s
    symbols = {updates / rounds for updates in count.updates}
    if len(symbols) != 1 or symbols.pop() not in (1, len(SYMBOLS)):
        raise MachineTooNoisy(
            f"{name}: not every update arrived on its own: {sorted(set(count.updates))} of {rounds} rounds"
        )
    return Window(checked_updates(count), used_s)


def settle(crowd: Crowd, name: str) -> Count:
    """Count until nothing more arrives but what comes anyway."""
    total = crowd.count()[name]
    end_s = time.monotonic() + _DRAIN_S
    while time.monotonic() < end_s:
        time.sleep(0.2)
        more = crowd.count()[name]
        merged = Count()
        merged.counted_bytes = [a + b for a, b in zip(total.counted_bytes, more.counted_bytes, strict=True)]
        merged.checked_bytes = [a + b for a, b in zip(total.checked_bytes, more.checked_bytes, strict=True)]
        merged.updates = [a + b for a, b in zip(total.updates, more.updates, strict=True)]
        merged.wrong = total.wrong + more.wrong
        total = merged
        if not any(more.updates):
            return total
    raise MachineTooNoisy(f"{name}: updates still arrive {_DRAIN_S:g} s after the last was published")


def checked_updates(count: Count) -> int:
    """Return the updates that all clients got together, once the checkers and the bytes agree."""
    if count.wrong:
        raise RuntimeError(f"{count.wrong} updates were not what they must be")
    expected = statistics.median(count.checked_bytes)
    off = [size for size in count.counted_bytes if abs(size - expected) > _BYTES_TOLERANCE_FRAC * expected]
    if off:
        raise RuntimeError(f"{len(off)} clients got {off[0]} bytes where the checkers got {expected}")
    return round(statistics.median(count.updates) * (len(count.updates) + len(count.counted_bytes)))


def interleave(sides: dict[str, Callable[[], Window]]) -> dict[str, list[float]]:
    """Measure both sides in turn, the rival twice a round.

    Raises:
        MachineTooNoisy: when the rival against itself is not within 0.9-1.1.
    """
    samples: dict[str, list[float]] = {"ours": [], "rival": [], "null": []}
    for number in range(ROUNDS):
        order = ("ours", "rival", "null") if number % 2 else ("null", "rival", "ours")
        for name in order:
            samples[name].append(sides["ours" if name == "ours" else "rival"]().per_cpu_s)
    null = statistics.median(samples["null"]) / statistics.median(samples["rival"])
    if not NULL_PAIR_LOW <= null <= NULL_PAIR_HIGH:
        raise MachineTooNoisy(f"null pair {null:.3f}")
    return samples
