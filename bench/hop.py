"""Figures ``hop`` and ``hop-cpu``: a hop of the data plane against nats-py without one.

``hop``: the bench publishes a frame through the data plane, a relay process decodes, validates and publishes it again,
and the bench's handler gets it: two hops, each from ``publish`` to the handler. Half of that over half of the round
trip of a two-process nats-py echo of the same bytes, p50 each. A trip counts only if the frame came back equal.

``hop-cpu``: CPU per frame of that relay (receive, decode, validate, handle, encode, publish) at 20,000 frames/s over
CPU per message of a process whose raw nats-py callback only counts, same bytes, same rate. The note has the data plane
without publishing, which is what the rival does. All must have taken all.
"""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable

import msgspec
import nats
import nats.errors
import uvloop
from nats.aio.msg import Msg

from bench.consumer import RAW_SUBJECT, RELAYED, runtime
from bench.firehose import Firehose, consumers, echo, server, usage_of
from bench.harness import NULL_PAIR_HIGH, NULL_PAIR_LOW, Figure, MachineTooNoisy
from foretick.common.contracts import TickFrame
from foretick.common.subjects import TICKS
from foretick.common.testing import tick_frame

_TRIPS = 300
_ROUNDS = 11
_PAUSE_S = 0.001
_RATE_PER_S = 20_000
_WINDOW_S = 2.0
_CPU_ROUNDS = 5

Trip = Callable[[], Awaitable[float]]


def measure() -> list[Figure]:
    """Measure both figures.

    Raises:
        MachineTooNoisy: a null pair left its band
    """
    with server() as nats_server, consumers(nats_server.url, "relay", "fold", "raw"):
        with echo(nats_server.url):
            hop = uvloop.run(_measure_hop(nats_server.url))
        return [hop, _measure_cpu(nats_server.url)]


async def _measure_hop(url: str) -> Figure:
    frame = tick_frame("T", venue="bench", symbol="relay")
    sides = {"ours": await _relay_trip(url, frame), "rival": await _echo_trip(url, msgspec.json.encode(frame))}
    sides["null"] = sides["rival"]
    trips: dict[str, list[float]] = {side: [] for side in sides}
    for number in range(_ROUNDS + 1):
        for side in ("ours", "rival", "null") if number % 2 else ("null", "rival", "ours"):
            taken = await _run(sides[side])
            trips[side] += taken if number else []  # the first round warms up
    ours_s, rival_s, null_s = (statistics.median(trips[side]) for side in ("ours", "rival", "null"))
    _check_null("echo", null_s / rival_s)
    note = f"a hop {ours_s / 2 * 1e6:.0f} us, half of the echo's round trip {rival_s / 2 * 1e6:.0f} us"
    return Figure("hop", ours_s / rival_s, "ratio", floor=1.25, aim=1.0, note=note)


async def _run(trip: Trip) -> list[float]:
    seconds = []
    for _ in range(_TRIPS):
        seconds.append(await trip())
        await asyncio.sleep(_PAUSE_S)
    return seconds


async def _relay_trip(url: str, frame: TickFrame) -> Trip:
    rt = runtime(url, "driver")
    await rt.bus.connect()
    back: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    def arrive(frames: list[TickFrame]) -> None:
        arrived_s = time.perf_counter()
        if frames != [frame]:
            raise AssertionError(f"{frames} came back for {frame}")
        back.set_result(arrived_s)

    await rt.data.subscribe((RELAYED,), arrive)  # type: ignore[arg-type]
    await rt.data.flush()

    async def trip() -> float:
        nonlocal back
        back = asyncio.get_running_loop().create_future()
        start_s = time.perf_counter()
        rt.data.publish(TICKS, frame)
        return await asyncio.wait_for(back, 5) - start_s

    return trip


async def _echo_trip(url: str, payload: bytes) -> Trip:
    nc = await nats.connect(url)
    back: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    async def arrive(message: Msg) -> None:
        arrived_s = time.perf_counter()
        if message.data != payload:
            raise AssertionError("the echo is not what was sent")
        if not back.done():
            back.set_result(arrived_s)

    await nc.subscribe("bench.echoed", cb=arrive)
    await nc.flush()

    async def trip() -> float:
        nonlocal back
        back = asyncio.get_running_loop().create_future()
        start_s = time.perf_counter()
        await nc.publish("bench.echo", payload, reply="bench.echoed")
        return await asyncio.wait_for(back, 5) - start_s

    deadline = asyncio.get_running_loop().time() + 30
    while True:  # until the echo process is there
        try:
            await nc.request("bench.echo", payload, timeout=0.5)
        except (nats.errors.NoRespondersError, nats.errors.TimeoutError):
            if asyncio.get_running_loop().time() > deadline:
                raise
        else:
            return trip


def _measure_cpu(url: str) -> Figure:
    kinds = {"relay": "relay", "fold": "fold", "raw": "raw", "null": "raw"}
    count = int(_RATE_PER_S * _WINDOW_S)
    costs: dict[str, list[float]] = {side: [] for side in kinds}
    rates: list[float] = []
    hose = Firehose(url)
    payloads = {kind: msgspec.json.encode(tick_frame("T", venue="bench", symbol=kind)) for kind in ("relay", "fold")}
    payloads["raw"] = payloads["relay"]
    for number in range(_CPU_ROUNDS + 1):
        for side in kinds if number % 2 else reversed(kinds):
            kind = kinds[side]
            before = usage_of(url, kind)
            subject = RAW_SUBJECT if kind == "raw" else TICKS.of("bench", kind)
            rate = hose.pour_at(subject, [payloads[kind]] * count, _RATE_PER_S)
            after = usage_of(url, kind, before.messages + count)
            each = len(payloads[kind]) if kind == "raw" else 1  # the sum of lengths; of sequence numbers, all 1
            if after.checksum - before.checksum != each * count:
                raise AssertionError(f"{kind} did not take what was sent")
            if number:  # the first round warms up
                costs[side].append((after.cpu_s - before.cpu_s) / count)
                rates.append(rate)
    hose.close()
    relay_s, fold_s, raw_s, null_s = (statistics.median(costs[side]) for side in kinds)
    _check_null("raw callback", null_s / raw_s)
    if min(rates) < 0.9 * _RATE_PER_S:
        raise MachineTooNoisy(f"only {min(rates):.0f} frames/s were sent")
    note = (
        f"{relay_s * 1e6:.1f} us a frame, {fold_s * 1e6:.1f} us without publishing "
        f"({fold_s / raw_s:.2f} of the rival); raw callback {raw_s * 1e6:.1f} us"
    )
    return Figure("hop-cpu", relay_s / raw_s, "ratio", floor=1.8, aim=1.3, note=note)


def _check_null(what: str, ratio: float) -> None:
    if not NULL_PAIR_LOW <= ratio <= NULL_PAIR_HIGH:
        raise MachineTooNoisy(f"{what} against itself {ratio:.3f}")


if __name__ == "__main__":
    for figure in measure():
        figure.report()
