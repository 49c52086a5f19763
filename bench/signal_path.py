"""signal, signal-p99: bytes leave the venue -> the prediction is with a WebSocket client, whole system, recording on.

``signal``: one symbol at 125 ticks/s, p50 over the round trip of a nats-py echo of the same bytes. ``signal-p99``:
1,000 ticks/s over 8 symbols while a training runs, in ms.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import uvloop

from bench.harness import NULL_PAIR_HIGH, NULL_PAIR_LOW, Figure, MachineTooNoisy, quantile
from bench.rig import collect_latencies, join_latencies_ms, loaded_system, round_trip_ms
from foretick.launcher.testing import System

SYMBOLS = [f"{base}USDT" for base in ("BTC", "ETH", "ADA", "SOL", "XRP", "DOT", "LTC", "BNB")]
_SECONDS = 30.0
TRAINING_NICENESS = 10
_MIN_SAMPLES = 100


def measure() -> list[Figure]:
    """Run both scenarios."""
    return [_measure_p50(), _measure_p99()]


def _measure_p50() -> Figure:
    with loaded_system(SYMBOLS[:1], 125) as (system, venue):
        nats_url = system.setting("NATS_URL")
        payload = b"x" * 1100  # a Prediction with four members
        before = uvloop.run(round_trip_ms(nats_url, payload))
        arrivals = uvloop.run(collect_latencies(system, SYMBOLS[:1], _SECONDS))
        after = uvloop.run(round_trip_ms(nats_url, payload))
        latencies = _enough(join_latencies_ms(arrivals, venue.stop()))
    if not NULL_PAIR_LOW <= after / before <= NULL_PAIR_HIGH:
        raise MachineTooNoisy(f"round trip {before:.3f} ms before, {after:.3f} ms after")
    p50, rtt = quantile(latencies, 0.5), (before + after) / 2
    note = f"p50 {p50:.2f} ms, p99 {quantile(latencies, 0.99):.2f} ms over {len(latencies)}; round trip {rtt:.3f} ms"
    return Figure("signal", p50 / rtt, "round trips", floor=8, aim=4, note=note)


def _measure_p99() -> Figure:
    with loaded_system(SYMBOLS, 1000) as (system, venue):
        with training_over_and_over(system):
            arrivals = uvloop.run(collect_latencies(system, SYMBOLS, _SECONDS))
        latencies = _enough(join_latencies_ms(arrivals, venue.stop()))
    note = f"p50 {quantile(latencies, 0.5):.2f} ms over {len(latencies)}; training ran throughout"
    return Figure("signal-p99", quantile(latencies, 0.99), "ms", floor=100, aim=25, note=note)


@contextmanager
def training_over_and_over(system: System) -> Iterator[None]:
    """Run trainings one after the other, as the launcher runs them beside a live system: at low priority."""
    predictor = system.role("predictor", "serve")
    if predictor is None:
        raise RuntimeError("no predictor runs")
    train = f"while :; do nice -n {TRAINING_NICENESS} {sys.executable} -m foretick.predictor train; done"
    loop = subprocess.Popen(
        ["sh", "-c", train], env=predictor.environ() | {"HTTP_PORT": "0"}, stdout=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    try:
        yield
    finally:
        os.killpg(loop.pid, signal.SIGKILL)
        loop.wait()


def _enough(latencies: list[float]) -> list[float]:
    if len(latencies) < _MIN_SAMPLES:
        raise RuntimeError(f"only {len(latencies)} predictions could be traced to their tick")
    return latencies
