"""``python -m bench.consumer <nats url> <kind>``: one consumer as its own process, which says what it has used.

Kinds: ``relay`` (data plane: decodes a frame, publishes it again on ``relayed``), ``fold`` (data plane: decodes, adds
up), ``raw`` (a nats-py callback, no decoding), ``control`` (FastStream, control plane), ``model`` (the same messages on
the data plane). A request on ``bench.usage.<kind>`` is answered with a ``Usage``.
"""

import asyncio
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec
import nats
import uvloop
from nats.aio.msg import Msg

from foretick.common.contracts import ModelPublished, TickFrame
from foretick.common.runtime.bootstrap import Runtime
from foretick.common.runtime.logs import configure_logging
from foretick.common.runtime.settings import ServiceSettings
from foretick.common.subjects import MODEL_ANNOUNCEMENTS, TICKS

RELAYED = replace(TICKS, root="relayed")
MODELS_ON_DATA_PLANE = replace(MODEL_ANNOUNCEMENTS, root="hot-models")
RAW_SUBJECT = "bench.raw"


class Usage(msgspec.Struct):
    """Messages and ticks taken so far, a sum over them that the sender knows too, and the CPU of the process, s."""

    messages: int = 0
    ticks: int = 0
    checksum: int = 0
    cpu_s: float = 0.0


class Consumer:
    """The handlers."""

    def __init__(self) -> None:
        self.usage = Usage()
        self.rt: Runtime | None = None

    def relay(self, frames: Sequence[TickFrame]) -> None:
        """Publish each frame again."""
        self.fold(frames)
        for frame in frames:
            self.rt.data.publish(RELAYED, frame)  # type: ignore[union-attr]

    def fold(self, frames: Sequence[TickFrame]) -> None:
        """Add up sequence numbers."""
        usage = self.usage
        for frame in frames:
            usage.messages += 1
            usage.ticks += len(frame.recv_ns)
            usage.checksum += frame.seq

    async def take_raw(self, message: Msg) -> None:
        """Count."""
        self.usage.messages += 1
        self.usage.ticks += 1
        self.usage.checksum += len(message.data)

    async def take_model(self, model: ModelPublished) -> None:
        """Count, as a control-plane handler."""
        self.take_models((model,))

    def take_models(self, models: Sequence[ModelPublished]) -> None:
        """Count, as a data-plane handler."""
        self.usage.messages += len(models)
        self.usage.checksum += sum(model.seed for model in models)


def runtime(url: str, kind: str) -> Runtime:
    """Return a service's runtime as the bootstrap makes it."""
    return Runtime("bench", kind, ServiceSettings(nats_url=url), configure_logging(f"bench.{kind}", "WARNING"))


async def main(url: str, kind: str) -> None:
    """Consume until killed."""
    consumer = Consumer()
    if kind == "raw":
        nc = await nats.connect(url)
        await nc.subscribe(RAW_SUBJECT, cb=consumer.take_raw)
    else:
        rt = consumer.rt = runtime(url, kind)
        await rt.bus.connect()
        await _subscribe(rt, kind, consumer)
        nc = await nats.connect(url)

    async def answer(request: Msg) -> None:
        consumer.usage.cpu_s = time.process_time()
        await request.respond(msgspec.json.encode(consumer.usage))

    await nc.subscribe(f"bench.usage.{kind}", cb=answer)
    await asyncio.Event().wait()


async def _subscribe(rt: Runtime, kind: str, consumer: Consumer) -> Any:
    if kind == "control":
        rt.control.subscriber(MODEL_ANNOUNCEMENTS)(consumer.take_model)
        return await rt.control.start()
    if kind == "model":
        return await rt.data.subscribe((MODELS_ON_DATA_PLANE,), consumer.take_models)
    handler = consumer.relay if kind == "relay" else consumer.fold
    return await rt.data.subscribe((TICKS,), handler, symbols=(f"bench.{kind}",))


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
