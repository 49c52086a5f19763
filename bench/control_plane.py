"""Figure ``control-plane-cost``: CPU of one FastStream message over CPU of the same message on the data plane.

The same announcements go one by one, each at its own time, to two processes: through JetStream, FastStream and an ack
to a control-plane handler, and through the data plane to a handler there. No floor: it is what acks, redelivery and
dead-lettering cost, and why only rare messages take that way.
"""

import asyncio
import statistics

import msgspec
import uvloop

from bench.consumer import MODELS_ON_DATA_PLANE, runtime
from bench.firehose import consumers, server, usage_of
from bench.harness import NULL_PAIR_HIGH, NULL_PAIR_LOW, Figure, MachineTooNoisy
from foretick.common.contracts import ModelPublished, Origin, Probabilities
from foretick.common.runtime.bootstrap import Runtime
from foretick.common.subjects import MODEL_ANNOUNCEMENTS

_MESSAGES = 300
_PAUSE_S = 0.001
_ROUNDS = 5


def measure() -> list[Figure]:
    """Measure the figure.

    Raises:
        MachineTooNoisy: the null pair left its band
    """
    kinds = {"control": "control", "data": "model", "null": "model"}
    costs: dict[str, list[float]] = {side: [] for side in kinds}
    with server() as nats_server:
        url = nats_server.url
        uvloop.run(_set_up(url))
        with consumers(url, "control", "model"):
            for number in range(_ROUNDS + 1):
                for side in kinds if number % 2 else reversed(kinds):
                    before = usage_of(url, kinds[side])
                    uvloop.run(_send(url, kinds[side], before.messages))
                    after = usage_of(url, kinds[side], before.messages + _MESSAGES)
                    if after.checksum - before.checksum != sum(range(before.messages, after.messages)):
                        raise AssertionError(f"{side} did not take what was sent")
                    if number:  # the first round warms up
                        costs[side].append((after.cpu_s - before.cpu_s) / _MESSAGES)
    control_s, data_s, null_s = (statistics.median(costs[side]) for side in kinds)
    if not NULL_PAIR_LOW <= null_s / data_s <= NULL_PAIR_HIGH:
        raise MachineTooNoisy(f"the data plane against itself {null_s / data_s:.3f}")
    note = f"{control_s * 1e6:.0f} us of CPU a control-plane message, {data_s * 1e6:.0f} us one of the data plane"
    return [Figure("control-plane-cost", control_s / data_s, "x", floor=None, aim=None, note=note)]


async def _set_up(url: str) -> None:
    rt = runtime(url, "driver")
    await rt.bus.connect()
    await rt.bus.ensure_streams()
    await rt.drain()


async def _send(url: str, kind: str, first: int) -> None:
    rt = runtime(url, "driver")
    await rt.bus.connect()
    if kind == "control":
        await rt.control.start()
    for seed in range(first, first + _MESSAGES):
        await _send_one(rt, kind, announcement(seed))
        await asyncio.sleep(_PAUSE_S)
    await rt.data.flush()
    await rt.drain()


async def _send_one(rt: Runtime, kind: str, model: ModelPublished) -> None:
    if kind == "control":
        await rt.control.publish(MODEL_ANNOUNCEMENTS, (model.name,), model)
    else:
        rt.data.publish_raw(MODELS_ON_DATA_PLANE.of(model.name), msgspec.json.encode(model))


def announcement(seed: int) -> ModelPublished:
    """Return an announcement as long as a real one, on a subject of its own: the stream keeps the last few of each."""
    return ModelPublished(
        model_id=f"direction-{seed}", name=f"direction-{seed}", object_name=f"direction-{seed}.onnx", sha256="0" * 64,
        size_bytes=1_000_000, trained_on=Origin.SIM, schema_id="features-1", schema_hash="0" * 16,
        feature_names=[f"feature_{number}" for number in range(64)], horizon_steps=5, interval_ns=100_000_000,
        flat_bps={"*": 0.5}, prior=Probabilities(down=0.25, flat=0.5, up=0.25),
        member_names=["forest", "lightgbm", "xgboost", "network"], member_weights=[0.25] * 4, metrics={}, rows=1000,
        seed=seed, ts_trained_ns=1,
    )  # fmt: skip


if __name__ == "__main__":
    for figure in measure():
        figure.report()
