"""``frozen``: healthy clients' p99 with a tenth of the clients frozen, over without.

200 clients of the gateway's role feed follow one symbol at 100 Hz; updates are 4 kB, so that the kernel's buffers of a
client that reads nothing fill within seconds. Latency runs from the publisher's clock in the update (``ts_recv_us``) to
the client's. A frozen tenth comes beside the healthy ones, and goes again, in turn with windows without it; windows
without it are also compared with each other. A window counts once the frozen ones are conflated, that is, are full.
"""

import statistics
import time
from contextlib import closing
from pathlib import Path

from bench.crowd import Crowd, Group
from bench.fanout_rig import HZ, Gateway, Publisher, folder, gateway_publisher
from bench.harness import NULL_PAIR_HIGH, NULL_PAIR_LOW, Figure, MachineTooNoisy, quantile

HEALTHY = 180
FROZEN = 20
VALUES = 300
ROUNDS = 5
WINDOW_ROUNDS = 3 * HZ
_FILL_ROUNDS = 30 * HZ


def measure() -> list[Figure]:
    """Return the figure."""
    with folder() as place:
        samples, encoded_frac = _measure(place)
    null = statistics.median(samples["null"]) / statistics.median(samples["without"])
    if not NULL_PAIR_LOW <= null <= NULL_PAIR_HIGH:
        raise MachineTooNoisy(f"null pair {null:.3f}")
    with_ms, without_ms = (statistics.median(samples[side]) for side in ("with", "without"))
    note = (
        f"{HEALTHY} healthy clients, {FROZEN} frozen, {HZ} Hz: p99 {with_ms:.2f} ms against {without_ms:.2f}; "
        f"{encoded_frac:.3f} encodings an update"
    )
    return [Figure("frozen", with_ms / without_ms, "ratio", 1.2, 1.0, note=note)]


def _measure(place: Path) -> tuple[dict[str, list[float]], float]:
    symbols = ("S0",)
    samples: dict[str, list[float]] = {"with": [], "without": [], "null": []}
    with closing(Gateway(place, symbols)) as gateway:
        publisher = gateway_publisher(gateway, symbols, VALUES, stamped=True)
        publisher.publish(1)
        group = Group("gateway", gateway.port, HEALTHY, HEALTHY, symbols, timed=True)
        with closing(Crowd({"healthy": group}, processes=1)) as healthy:
            _p99_ms(healthy, publisher)
            for number in range(ROUNDS):
                for side in ("without", "with", "null") if number % 2 else ("null", "with", "without"):
                    if side == "with":
                        samples[side].append(_p99_beside_frozen(healthy, publisher, gateway))
                    else:
                        samples[side].append(_p99_ms(healthy, publisher))
            time.sleep(1.5)  # the counters are copied once a second
            encoded_frac = gateway.metric("updates_encoded_total") / gateway.metric("updates_total")
    return samples, encoded_frac


def _p99_beside_frozen(healthy: Crowd, publisher: Publisher, gateway: Gateway) -> float:
    """The same with the frozen there, and full."""
    group = Group("gateway", gateway.port, FROZEN, 0, ("S0",), frozen=True)
    with closing(Crowd({"frozen": group}, processes=1)):
        before = gateway.metric("conflated_total")
        for _ in range(_FILL_ROUNDS // HZ):
            publisher.publish(HZ)
            if gateway.metric("conflated_total") - before > FROZEN * HZ:
                break
        else:
            raise MachineTooNoisy("the frozen clients never filled up")
        return _p99_ms(healthy, publisher)


def _p99_ms(healthy: Crowd, publisher: Publisher) -> float:
    """One window: every healthy client must have got every update."""
    healthy.count()
    publisher.publish(WINDOW_ROUNDS)
    time.sleep(0.3)
    count = healthy.count()["healthy"]
    if min(count.updates) < 0.98 * WINDOW_ROUNDS:
        raise MachineTooNoisy(f"a healthy client got {min(count.updates)} of {WINDOW_ROUNDS} updates")
    return quantile([age_us / 1e3 for age_us in count.ages_us], 0.99)
