"""The store, the stream tails and the wired service on a real nats-server."""

import asyncio
from hashlib import sha256

import msgspec
import numpy as np
import pytest

from foretick.common.contracts import DecisionKind, DecisionReason, ModelPublished, Outcome, Prediction, Withheld
from foretick.common.errors import Refused
from foretick.common.model_life import Verdict, follow
from foretick.common.runtime.bootstrap import Runtime
from foretick.common.runtime.calls import ask
from foretick.common.runtime.logs import configure_logging
from foretick.common.runtime.model_trail import ModelTrail
from foretick.common.subjects import (
    EXPLANATIONS,
    FEATURE_VECTORS,
    INSTRUMENT_LISTINGS,
    OUTCOME_MESSAGES,
    PREDICTION_MESSAGES,
)
from foretick.common.testing.builders import feature_vector, instrument, prediction
from foretick.common.testing.waiting import eventually
from foretick.predictor.adapters.history.client import StreamTail
from foretick.predictor.adapters.learners.client import LibraryLearner, Sizes
from foretick.predictor.adapters.model_store.client import KEPT_MODELS, ObjectModelStore
from foretick.predictor.adapters.onnx.client import OnnxModelLoader
from foretick.predictor.app import build_serve
from foretick.predictor.domain.admission import ServingTerms
from foretick.predictor.settings import PredictorSettings
from foretick.quant.explainer import add_reference
from foretick.quant.registry import FEATURE_COUNT, FEATURE_NAMES, SCHEMA_HASH, SCHEMA_ID

TERMS = ServingTerms(SCHEMA_HASH, FEATURE_NAMES, 100_000_000, 5)
STEP = 17_500_000_000


@pytest.fixture(scope="module")
def graph():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(600, FEATURE_COUNT)).astype(np.float32)
    sizes = Sizes(forest_trees=4, boosting_rounds=3, min_leaf_rows=5, network_epochs=1)
    fitted = LibraryLearner(1, sizes).fit(features, rng.integers(0, 3, 600), 0)
    return add_reference(fitted.export(np.array([-1.0, 0.0, 1.0]), 0, 0.9), features)


def announce(graph, ts=1, **changes):
    fields = {
        "model_id": f"ensemble-{ts}", "name": "ensemble", "object_name": f"ensemble-{ts}.onnx",
        "sha256": sha256(graph).hexdigest(), "size_bytes": len(graph), "trained_on": "sim", "schema_id": SCHEMA_ID,
        "schema_hash": SCHEMA_HASH, "feature_names": list(FEATURE_NAMES), "horizon_steps": 5,
        "interval_ns": 100_000_000, "flat_bps": {"*": 0.5}, "prior": {"down": 0.25, "flat": 0.5, "up": 0.25},
        "member_names": ["a", "b", "c", "d", "e"], "member_weights": [0.2] * 5, "metrics": {}, "rows": 600, "seed": 0,
        "ts_trained_ns": ts,
    }  # fmt: skip
    return msgspec.convert(fields | changes, ModelPublished)


def runtime(url):
    settings = PredictorSettings(NATS_URL=url, RUN_ID="test")
    return Runtime("predictor", "serve", settings, configure_logging("predictor.serve", "WARNING")), settings


@pytest.fixture
async def bus(nats_url):
    rt, _ = runtime(nats_url)
    await rt.bus.connect()
    await rt.bus.ensure_streams()
    yield rt.bus
    await rt.drain()


async def test_object_comes_back_as_it_was_put(bus, graph):
    store = ObjectModelStore(bus.js)
    await store.put("ensemble-1.onnx", graph)
    assert await store.fetch("ensemble-1.onnx") == graph


async def test_store_keeps_the_newest_objects(bus):
    store = ObjectModelStore(bus.js)
    for number in range(KEPT_MODELS + 2):
        await store.put(f"ensemble-{1_000 + number}.onnx", b"graph")
    with pytest.raises(Refused):
        await store.fetch("ensemble-1001.onnx")
    assert await store.fetch("ensemble-1002.onnx") == b"graph"


async def test_object_that_is_not_there_is_refused(bus):
    with pytest.raises(Refused, match=r"none\.onnx is not in bucket models"):
        await ObjectModelStore(bus.js).fetch("none.onnx")


@pytest.mark.parametrize(
    ("payload", "changes", "code"),
    [
        (b"other", {}, "wrong_object"),
        (b"other", {"sha256": sha256(b"other").hexdigest(), "size_bytes": 5}, "model_refused"),
        (None, {"member_weights": [0.5, 0.5], "member_names": ["a", "b"]}, "model_refused"),
        (None, {"schema_hash": "other"}, "unfit_model"),
    ],
)
async def test_bad_object_is_refused_with_the_reason(bus, graph, payload, changes, code):
    store = ObjectModelStore(bus.js)
    await store.put("ensemble-1.onnx", payload or graph)
    with pytest.raises(Refused) as refusal:
        await OnnxModelLoader(store.fetch, TERMS).load(announce(graph, **changes))
    assert refusal.value.code == code


async def test_tail_gives_the_newest_in_order(bus):
    for step in range(STEP, STEP + 20):
        message = prediction(step=step, symbol="ETHUSDT" if step % 2 else "BTCUSDT")
        await bus.js.publish(PREDICTION_MESSAGES.of("sim", message.symbol), msgspec.json.encode(message))
    await bus.js.publish(PREDICTION_MESSAGES.of("sim", "BTCUSDT"), b"junk")
    tail = await StreamTail(bus).read(PREDICTION_MESSAGES, 6)
    assert [one.step for one in tail] == list(range(STEP + 15, STEP + 20))
    assert await StreamTail(bus).read(OUTCOME_MESSAGES, 6) == []


class Wired:
    """The service as the bootstrap runs it, and a client of it."""

    def __init__(self, url):
        self.rt, self.settings = runtime(url)
        self.rt.run_id, self.rt.epoch = "test", 1

    async def __aenter__(self):
        await self.rt.bus.connect()
        await self.rt.bus.ensure_streams()
        await self.rt.bus.js.publish(INSTRUMENT_LISTINGS.of("sim", "BTCUSDT"), msgspec.json.encode(instrument()))
        await build_serve(self.rt, self.settings)
        await self.rt.control.start()
        return self

    async def __aexit__(self, *error):
        self.rt.stopping.set()
        await self.rt.drain()

    async def send(self, *steps):
        for step in steps:
            vector = feature_vector(
                [0.1] * FEATURE_COUNT, step=step, schema_hash=SCHEMA_HASH, schema_id=SCHEMA_ID, mid=100.0 + step - STEP
            )
            await self.rt.bus.nc.publish(FEATURE_VECTORS.of("sim", "BTCUSDT"), msgspec.json.encode(vector))
            await self.rt.bus.nc.flush()
            await self.received(PREDICTION_MESSAGES, step)

    async def received(self, subject, step):
        async def is_there():
            last = await self.rt.bus.last(subject, "sim", "BTCUSDT")
            return last is not None and last.step >= step

        await eventually(is_there)

    async def stream(self, subject):
        return await StreamTail(self.rt.bus).read(subject, 1_000)


async def publish_model(rt, graph, **changes):
    model = announce(graph, **changes)
    await ObjectModelStore(rt.bus.js).put(model.object_name, graph)
    await decide(rt, model)


async def decide(rt, model):
    """Promote ``model``, as ``predictor.watch`` or an operator does."""
    trail = ModelTrail(rt.bus)
    _, decisions, place = await trail.read()
    verdict = Verdict(DecisionKind.PROMOTED, DecisionReason.OPERATOR, "", "test", model)
    assert await trail.record(follow(decisions[-1] if decisions else None, verdict, 1), place)


async def test_promoted_model_is_swapped_in_and_a_successor_goes_on(nats_url, graph):
    async with Wired(nats_url) as service:
        await service.send(STEP)
        await publish_model(service.rt, graph)

        async def predicts():
            service.next = getattr(service, "next", STEP) + 1
            await service.send(service.next)
            return (await service.stream(PREDICTION_MESSAGES))[-1].withheld is None

        await eventually(predicts)
        await service.send(*range(service.next + 1, service.next + 7))
        last = service.next + 6
        await service.received(OUTCOME_MESSAGES, last - 5)
    async with Wired(nats_url) as successor:
        vector = feature_vector([0.1] * FEATURE_COUNT, step=last, schema_hash=SCHEMA_HASH, mid=100.0)
        await successor.rt.bus.nc.publish(FEATURE_VECTORS.of("sim", "BTCUSDT"), msgspec.json.encode(vector))
        await successor.send(*range(last + 1, last + 6))
        await successor.received(OUTCOME_MESSAGES, last)
        predictions: list[Prediction] = await successor.stream(PREDICTION_MESSAGES)
        outcomes: list[Outcome] = await successor.stream(OUTCOME_MESSAGES)
    assert predictions[0].withheld is Withheld.NO_MODEL
    assert [one.step for one in predictions] == list(range(STEP, last + 6))
    given = [one.step for one in predictions if one.withheld is None]
    assert [one.step for one in outcomes] == [step for step in given if step <= last]
    assert {one.model_id for one in outcomes} == {"ensemble-1"}


def test_serving_does_not_import_the_learning_libraries():
    import subprocess
    import sys

    code = (
        "import sys, foretick.predictor.app; "
        "heavy = {'lightgbm', 'xgboost', 'sklearn', 'onnx', 'optuna', 'polars'} & sys.modules.keys(); "
        "sys.exit(','.join(heavy))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert done.stderr.strip() == ""


async def test_owner_explains_its_latest_prediction_and_nobody_another(nats_url, graph):
    async with Wired(nats_url) as service:
        await eventually(lambda: service.rt.bus.nc.is_connected)
        await service.send(STEP)
        reply = await ask(service.rt.bus, EXPLANATIONS, "sim", "BTCUSDT", patience_s=10)
        assert reply.refusal.code == "withheld"
        await publish_model(service.rt, graph)

        async def is_explained():
            service.next = getattr(service, "next", STEP) + 1
            await service.send(service.next)
            return (await ask(service.rt.bus, EXPLANATIONS, "sim", "BTCUSDT", patience_s=10)).explanation is not None

        await eventually(is_explained)
        await service.send(service.next + 1)  # predicted by the model that explains, too
        told = (await ask(service.rt.bus, EXPLANATIONS, "sim", "BTCUSDT", patience_s=10)).explanation
        published = (await service.stream(PREDICTION_MESSAGES))[-1]
        with pytest.raises(Refused) as refusal:
            await ask(service.rt.bus, EXPLANATIONS, "sim", "ETHUSDT", patience_s=10)
    assert refusal.value.code == "not_owned"
    assert (told.asof_seq, told.model_id, told.probabilities) == (
        published.asof_seq, published.model_id, published.probabilities,
    )  # fmt: skip
    assert told.answer == pytest.approx(told.probabilities.up - told.probabilities.down, abs=1e-6)
    assert told.baseline + sum(one.contribution for one in told.contributions) == pytest.approx(told.answer, abs=1e-9)
    assert len(told.contributions) == FEATURE_COUNT
    sizes = [abs(one.contribution) for one in told.contributions]
    assert sizes == sorted(sizes, reverse=True)


async def test_refused_champion_leaves_the_service_predicting(nats_url, graph):
    async with Wired(nats_url) as service:
        await publish_model(service.rt, graph, ts=1)
        await asyncio.sleep(0)
        bad = announce(graph, ts=2, sha256="0" * 64, object_name="ensemble-1.onnx")
        await decide(service.rt, bad)
        registry = service.rt.metrics.registry
        await eventually(
            lambda: registry.get_sample_value("foretick_predictor_models_total", {"result": "refused"}) == 1
        )
        await service.send(STEP)
        (one,) = await service.stream(PREDICTION_MESSAGES)
    assert (one.model_id, one.withheld) == ("ensemble-1", None)
