"""The models as a gateway tells them that was started after all of it happened: from the streams of a real NATS."""

import json
from typing import Any

import msgspec
import structlog

from foretick.common.contracts import DecisionKind, DecisionReason
from foretick.common.model_life import FAMILY, Verdict, follow
from foretick.common.runtime.bootstrap import Runtime
from foretick.common.runtime.settings import ServiceSettings
from foretick.common.subjects import MODEL_DECISIONS, MODEL_LIVES, OUTCOME_MESSAGES
from foretick.common.testing.builders import model_life, model_published, outcome
from foretick.common.units import NS_PER_S
from foretick.gateway.adapters.past.client import StreamPast


async def test_late_gateway_knows_the_trail_and_since_when_its_champion_serves(start_feed: Any):
    early = await start_feed()
    promoted = follow(
        None, Verdict(DecisionKind.PROMOTED, DecisionReason.NO_CHAMPION, "first", "watch", model_published()), 1_000
    )
    asked = follow(promoted, Verdict(DecisionKind.TRAINING_ASKED, DecisionReason.AGE, "old", "watch"), 2_000)
    js = early.producer.jetstream()
    for decision in (promoted, asked):
        await js.publish(MODEL_DECISIONS.of(FAMILY), msgspec.json.encode(decision))
    await js.publish(MODEL_LIVES.of(FAMILY), msgspec.json.encode(model_life()))
    late = await start_feed()
    async with late.open() as client:
        await client.send(json.dumps({"action": "subscribe", "channels": ["models"]}))
        while (message := json.loads(await client.recv()))["type"] != "snapshot":
            pass
    told = message["data"]
    assert (told["champion_id"], told["decision"]["reason"]) == ("ensemble-1", "age")
    assert (told["entry"]["detail"], told["entry"]["ts_us"], told["faults"]) == ("first", 1, ["no drift reference"])


async def test_past_is_read_from_the_streams_of_outcomes_and_of_the_models_life(nats_url: str):
    rt = Runtime("gateway", "api", ServiceSettings(nats_url=nats_url), structlog.get_logger())
    await rt.bus.connect()
    await rt.bus.ensure_streams()
    for step in (1, 2):
        await rt.bus.js.publish(OUTCOME_MESSAGES.of("sim", "BTCUSDT"), msgspec.json.encode(outcome(step=step)))
        await rt.bus.js.publish(MODEL_LIVES.of(FAMILY), msgspec.json.encode(model_life(ts_ns=step)))
    info = await rt.bus.js.get_msg("OUTCOMES", 2)
    assert info.time is not None
    second_ns = round(info.time.timestamp() * 1e9) - 1_000
    past = StreamPast(rt.bus)
    hour = [second_ns - 3_600 * NS_PER_S, second_ns]
    assert [one.step for one in await past.outcomes(("sim", "BTCUSDT"), hour)] == [1, 2]
    assert await past.outcomes(("sim", "ETHUSDT"), hour) == []
    assert [one.ts_ns for one in await past.lives(hour[:1])] == [1], "the stream keeps more than the last word"
    assert [one.ts_ns for one in await past.lives(hour)] == [1, 2]
    await rt.drain()
