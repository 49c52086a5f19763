"""The control plane on a real nats-server: delivery, redelivery with delay, burial, no double store."""

from collections.abc import Awaitable, Callable

import pytest
import structlog

from foretick.common.contracts import ModelPublished, Origin, Probabilities
from foretick.common.runtime import control_plane
from foretick.common.runtime.bootstrap import Runtime
from foretick.common.runtime.embedded import NatsServer
from foretick.common.runtime.settings import ServiceSettings
from foretick.common.subjects import MODEL_ANNOUNCEMENTS
from foretick.common.testing import eventually


def model(name: str) -> ModelPublished:
    return ModelPublished(
        model_id=name, name="probe", object_name=name, sha256="0" * 64, size_bytes=1, trained_on=Origin.SIM,
        schema_id="s", schema_hash="h", feature_names=["a"], horizon_steps=5, interval_ns=1, flat_bps={"*": 1.0},
        prior=Probabilities(down=0.25, flat=0.5, up=0.25), member_names=["rf"], member_weights=[1.0], metrics={},
        rows=1, seed=1, ts_trained_ns=1,
    )  # fmt: skip


async def started(url: str, name: str, handler: Callable[[ModelPublished], Awaitable[None]]) -> Runtime:
    rt = Runtime("probe", name, ServiceSettings(nats_url=url), structlog.stdlib.get_logger())
    await rt.bus.connect()
    await rt.bus.ensure_streams()
    await rt.bus.js.purge_stream("MODELS")
    rt.control.subscriber(MODEL_ANNOUNCEMENTS)(handler)
    await rt.control.start()
    return rt


async def test_failed_message_comes_again_until_it_succeeds(
    nats_server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control_plane, "RETRY_DELAY_S", 0.01)
    seen: list[str] = []

    async def fail_twice(message: ModelPublished) -> None:
        seen.append(message.model_id)
        if len(seen) < 3:
            raise RuntimeError("not yet")

    rt = await started(nats_server.url, "retry", fail_twice)
    await rt.control.publish(MODEL_ANNOUNCEMENTS, ("probe",), model("m1"))
    await eventually(lambda: seen == ["m1", "m1", "m1"])
    await rt.drain()


async def test_message_that_keeps_failing_and_junk_are_buried(
    nats_server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control_plane, "RETRY_DELAY_S", 0.01)
    seen: list[str] = []

    async def fail_on_bad(message: ModelPublished) -> None:
        seen.append(message.model_id)
        if message.model_id == "bad":
            raise RuntimeError("never")

    rt = await started(nats_server.url, "bury", fail_on_bad)
    await rt.control.publish(MODEL_ANNOUNCEMENTS, ("probe",), model("bad"))
    await rt.bus.nc.publish("models.probe", b"junk")
    await rt.control.publish(MODEL_ANNOUNCEMENTS, ("probe",), model("good"))
    await eventually(lambda: "good" in seen)

    async def buried() -> bool:
        info = await rt.bus.js.stream_info("DLQ", subjects_filter="dlq.probe.bury")
        return (info.state.subjects or {}).get("dlq.probe.bury") == 2

    await eventually(buried)
    assert seen.count("bad") == control_plane.MAX_DELIVERIES
    await rt.drain()


async def test_same_content_published_twice_is_stored_once(nats_server: NatsServer) -> None:
    async def ignore(_message: ModelPublished) -> None: ...

    rt = await started(nats_server.url, "dedup", ignore)
    for _ in range(2):
        await rt.control.publish(MODEL_ANNOUNCEMENTS, ("probe",), model("once"))
    info = await rt.bus.js.stream_info("MODELS")
    assert info.state.messages == 1
    await rt.drain()
