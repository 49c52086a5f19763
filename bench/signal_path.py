"""signal, signal-p99: bytes leave the venue -> the prediction is with a WebSocket client, whole system, recording on.

``signal``: one symbol at 125 ticks/s, p50 over the round trip of a nats-py echo of the same bytes. ``signal-p99``:
1,000 ticks/s over 8 symbols while a training runs, in ms.
"""

import subprocess
import sys

import uvloop

from bench.harness import NULL_PAIR_HIGH, NULL_PAIR_LOW, Figure, MachineTooNoisy, quantile
from bench.rig import collect_latencies, join_latencies_ms, loaded_system, round_trip_ms

SYMBOLS = [f"{base}USDT" for base in ("BTC", "ETH", "ADA", "SOL", "XRP", "DOT", "LTC", "BNB")]
_SECONDS = 30.0
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
        predictor = system.role("predictor", "serve")
        if predictor is None:
            raise RuntimeError("no predictor runs")
        training = subprocess.Popen(
            [sys.executable, "-m", "foretick.predictor", "train"], env=predictor.environ() | {"HTTP_PORT": "0"},
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            arrivals = uvloop.run(collect_latencies(system, SYMBOLS, _SECONDS))
            trained_on = training.poll() is None
        finally:
            training.kill()
            training.wait()
        latencies = _enough(join_latencies_ms(arrivals, venue.stop()))
    during = "training ran throughout" if trained_on else "training ended before the measurement did"
    note = f"p50 {quantile(latencies, 0.5):.2f} ms over {len(latencies)}; {during}"
    return Figure("signal-p99", quantile(latencies, 0.99), "ms", floor=100, aim=25, note=note)


def _enough(latencies: list[float]) -> list[float]:
    if len(latencies) < _MIN_SAMPLES:
        raise RuntimeError(f"only {len(latencies)} predictions could be traced to their tick")
    return latencies
