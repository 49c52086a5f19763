"""The life of the models on a real nats-server with its users: ``serve`` and ``watch`` wired as they run."""

from collections import deque
from hashlib import sha256
from itertools import pairwise
from math import exp

import msgspec
import numpy as np
import pytest

from foretick.common.contracts import DecisionKind, DecisionReason, ModelPublished, Prediction
from foretick.common.model_life import FAMILY, Verdict, follow
from foretick.common.permissions import users
from foretick.common.runtime.bootstrap import Runtime
from foretick.common.runtime.embedded import NatsServer
from foretick.common.runtime.logs import configure_logging
from foretick.common.runtime.model_trail import ModelTrail
from foretick.common.subjects import (
    FEATURE_VECTORS,
    INSTRUMENT_LISTINGS,
    MODEL_ANNOUNCEMENTS,
    MODEL_LIVES,
    OPERATOR,
    PREDICTION_MESSAGES,
)
from foretick.common.testing.builders import feature_vector, instrument, model_published
from foretick.common.testing.servers import clear_jetstream, scratch_directory
from foretick.common.testing.waiting import eventually
from foretick.predictor.adapters.history.client import StreamTail
from foretick.predictor.adapters.learners.client import LibraryLearner, Sizes
from foretick.predictor.adapters.model_store.client import ObjectModelStore
from foretick.predictor.app import build_serve, build_watch
from foretick.predictor.settings import PredictorSettings
from foretick.quant.registry import FEATURE_COUNT, FEATURE_NAMES, SCHEMA_HASH, SCHEMA_ID

FIRST_STEP = 1_166_666_666 * 15
MOVE = 0.001
"""Of the mid over a horizon: up where the first feature is positive, down where it is not."""


def make_graph(sign):
    """A graph that expects the market to go with the first feature, or against it."""
    rng = np.random.default_rng(0)
    features = np.zeros((600, 3), np.float32)
    features[:, 0] = rng.choice([-1.0, 1.0], 600)
    features[:, 1:] = rng.normal(size=(600, 2))
    classes = np.where(sign * features[:, 0] > 0, 2, 0)
    classes[::10] = 1
    sizes = Sizes(forest_trees=4, boosting_rounds=8, min_leaf_rows=5, network_epochs=2)
    return LibraryLearner(1, sizes).fit(features, classes, 0).export(np.array([-1.0, 0.0, 1.0]), 1)


@pytest.fixture(scope="module")
def graphs():
    return {"right": make_graph(1), "wrong": make_graph(-1)}


@pytest.fixture(scope="module")
def guarded():
    with scratch_directory("models") as directory, NatsServer(directory, users=users()) as server:
        yield server


def announce(graph, number, **changes):
    fields = {
        "model_id": f"ensemble-{number}", "object_name": f"ensemble-{number}.onnx", "sha256": sha256(graph).hexdigest(),
        "size_bytes": len(graph), "schema_id": SCHEMA_ID, "schema_hash": SCHEMA_HASH,
        "feature_names": list(FEATURE_NAMES[:3]), "member_names": ["a", "b", "c", "d", "e"],
        "member_weights": [0.2] * 5, "ts_trained_ns": number,
    }  # fmt: skip
    return model_published(**fields | changes)


class System:
    """Both roles on one bus, each as its own user, and an operator who plays the market and the training."""

    def __init__(self, server):
        self.server = server
        self.roles = {}
        self.step = FIRST_STEP
        self.mids = deque([100.0] * 5)
        self.predictions: list[Prediction] = []

    async def start(self, role, build, name=None):
        settings = PredictorSettings(
            NATS_URL=self.server.url_of(f"predictor.{role}"), RUN_ID="test", MODEL_RETRAIN_INTERVAL=0
        )
        rt = Runtime("predictor", role, settings, configure_logging(f"predictor.{role}", "ERROR"))
        rt.run_id = "test"
        await rt.bus.connect()
        rt.epoch = await rt.bus.next_epoch()
        await build(rt, settings)
        await rt.control.start()
        self.roles[name or role] = rt

    async def __aenter__(self):
        url = self.server.url_of(OPERATOR)
        await clear_jetstream(url)
        settings = PredictorSettings(NATS_URL=url, RUN_ID="test")
        self.operator = Runtime("operator", "tests", settings, configure_logging("tests", "ERROR"))
        await self.operator.bus.connect()
        await self.operator.bus.ensure_streams()
        self.trail = ModelTrail(self.operator.bus)
        await self.publish(INSTRUMENT_LISTINGS.of("sim", "BTCUSDT"), instrument())
        await self.start("watch", build_watch)
        await self.start("serve", build_serve)
        await self.operator.bus.nc.subscribe(PREDICTION_MESSAGES.wildcard, cb=self.take)
        await self.operator.bus.nc.flush()
        return self

    async def __aexit__(self, *error):
        for rt in (*self.roles.values(), self.operator):
            rt.stopping.set()
            await rt.drain()

    async def take(self, message):
        self.predictions.append(msgspec.json.decode(message.data, type=Prediction))

    async def publish(self, subject, message):
        await self.operator.bus.js.publish(subject, msgspec.json.encode(message))

    async def tick(self):
        """Send the vector of the next step and wait for its prediction."""
        await self.send()
        await eventually(lambda: bool(self.predictions) and self.predictions[-1].step == self.step - 1)

    async def send(self):
        """Send the vector of the next step. Five chains of prices take turns."""
        rng = np.random.default_rng(self.step)
        sign = 1.0 if rng.random() < 0.5 else -1.0
        mid = self.mids.popleft()
        self.mids.append(mid * exp(MOVE * sign))
        values = [sign, *rng.normal(size=2).tolist(), *[0.1] * (FEATURE_COUNT - 3)]
        vector = feature_vector(values, step=self.step, schema_hash=SCHEMA_HASH, schema_id=SCHEMA_ID, mid=mid)
        await self.operator.bus.nc.publish(FEATURE_VECTORS.of("sim", "BTCUSDT"), msgspec.json.encode(vector))
        self.step += 1

    async def ticks_until(self, condition, most=1_500):
        for _ in range(most):
            if await condition():
                return
            await self.tick()
        raise AssertionError(f"it did not come in {most} steps; decisions: {await self.decisions()}")

    async def bring(self, graph, number, *, stored=True, **changes):
        model = announce(graph, number, **changes)
        if stored:
            await ObjectModelStore(self.operator.bus.js).put(model.object_name, graph)
        await self.publish(MODEL_ANNOUNCEMENTS.of(FAMILY), model)
        return model

    async def decisions(self):
        _, decisions, _ = await self.trail.read()
        told = [(one.kind.value, one.reason.value, one.model_id) for one in decisions]
        return [one for one in told if one[0] != "training_asked"]

    async def decide(self, kind, model=None):
        _, decisions, place = await self.trail.read()
        verdict = Verdict(kind, DecisionReason.OPERATOR, "", "operator", model)
        assert await self.trail.record(follow(decisions[-1], verdict, 1), place)

    def serves(self, number):
        async def is_so():
            return bool(self.predictions) and self.predictions[-1].model_id == f"ensemble-{number}"

        return is_so

    def assert_each_step_once(self):
        assert [one.step for one in self.predictions] == list(range(FIRST_STEP, self.step))

    async def life(self):
        return await self.operator.bus.last(MODEL_LIVES, FAMILY)


@pytest.fixture
async def system(guarded):
    async with System(guarded) as running:
        yield running
        for rt in running.roles.values():
            assert rt.bus.violations._value.get() == 0, rt.name


async def test_first_model_serves_at_once(system, graphs):
    await system.tick()
    await system.bring(graphs["right"], 1)
    await system.ticks_until(system.serves(1))
    assert await system.decisions() == [("promoted", "no_champion", "ensemble-1")]
    system.assert_each_step_once()


async def test_better_challenger_is_promoted_and_no_step_is_dropped_or_doubled(system, graphs):
    await system.bring(graphs["wrong"], 1)
    await system.ticks_until(system.serves(1))
    await system.bring(graphs["right"], 2)
    await system.ticks_until(system.serves(2))
    kind, reason, model_id = (await system.decisions())[-1]
    assert (kind, reason, model_id) == ("promoted", "better", "ensemble-2")
    for _ in range(10):
        await system.tick()
    system.assert_each_step_once()
    given = [one.model_id for one in system.predictions if one.withheld is None]
    assert given == sorted(given)
    _, decisions, _ = await system.trail.read()
    assert decisions[-1].statistics["e_value"] >= decisions[-1].statistics["e_value_needed"] == 20.0


async def test_stream_that_does_not_wait_loses_and_doubles_nothing_over_six_swaps(system, graphs):
    """Whatever has no prediction was conflated, and is counted: a newer vector was in its batch."""
    models = [await system.bring(graphs["right"], 1)]
    await system.ticks_until(system.serves(1))
    models.append(await system.bring(graphs["right"], 2))
    for swap in range(6):
        await system.decide(DecisionKind.PROMOTED, models[(swap + 1) % 2])
        wanted, first = models[(swap + 1) % 2].model_id, system.step
        while system.predictions[-1].model_id != wanted:
            assert system.step < first + 5_000, await system.decisions()
            await system.send()
            await system.operator.bus.nc.flush()
    await system.tick()
    steps = [one.step for one in system.predictions]
    registry = system.roles["serve"].metrics.registry
    conflated = registry.get_sample_value("foretick_predictor_conflated_total")
    assert steps == sorted(set(steps))
    assert len(steps) + conflated == system.step - FIRST_STEP
    assert registry.get_sample_value("foretick_predictor_models_total", {"result": "served"}) == 7
    swaps = sum(one.model_id != other.model_id for one, other in pairwise(system.predictions))
    assert swaps >= 6
    served = [one.model_id is not None and one.withheld is None for one in system.predictions]
    assert all(served[served.index(True) :])


async def test_worse_model_that_a_person_promoted_is_rolled_back(system, graphs):
    await system.bring(graphs["right"], 1)
    await system.ticks_until(system.serves(1))
    worse = await system.bring(graphs["wrong"], 2)
    await system.decide(DecisionKind.PROMOTED, worse)
    await system.ticks_until(system.serves(2))
    await system.ticks_until(system.serves(1))
    assert (await system.decisions())[-1] == ("rolled_back", "worse", "ensemble-2")
    system.assert_each_step_once()


async def test_what_cannot_serve_is_refused_with_the_reason_and_the_champion_stays(system, graphs):
    await system.bring(graphs["right"], 1)
    await system.ticks_until(system.serves(1))
    await system.bring(b"not a graph", 2)
    await system.bring(graphs["wrong"], 3, schema_hash="other")
    await system.bring(graphs["wrong"], 4, stored=False)
    await system.bring(graphs["wrong"], 5, sha256="0" * 64)

    async def are_refused():
        return [one[0] for one in await system.decisions()] == ["promoted", *["refused"] * 4]

    await eventually(are_refused)
    _, decisions, _ = await system.trail.read()
    refused = [one for one in decisions if one.kind is DecisionKind.REFUSED]
    reasons = {one.model_id: one.detail for one in refused}
    assert {one.reason for one in refused} == {DecisionReason.UNFIT}
    assert "model_refused" in reasons["ensemble-2"]
    assert "features other" in reasons["ensemble-3"]
    assert "no_object" in reasons["ensemble-4"]
    assert "wrong_object" in reasons["ensemble-5"]
    await system.tick()
    assert await system.serves(1)()


async def test_model_without_a_reference_says_that_drift_is_not_watched(system, graphs):
    await system.bring(graphs["right"], 1)
    await system.ticks_until(system.serves(1))

    async def says_so():
        life = await system.life()
        return life is not None and any("without a drift reference" in fault for fault in life.faults)

    await eventually(says_so)
    assert (await system.life()).champion_id == "ensemble-1"


async def test_second_watch_does_not_decide_twice(system, graphs):
    await system.start("watch", build_watch, name="second watch")
    await system.bring(graphs["right"], 1)
    await system.ticks_until(system.serves(1))
    assert await system.decisions() == [("promoted", "no_champion", "ensemble-1")]


async def test_decision_on_an_outdated_trail_is_not_recorded(system):
    async def has_begun():
        return bool((await system.trail.read())[1])

    await eventually(has_begun)
    _, decisions, place = await system.trail.read()
    one, other = (
        follow(decisions[-1], Verdict(DecisionKind.TRAINING_ASKED, DecisionReason.OPERATOR, "", by), 1) for by in "ab"
    )
    assert await system.trail.record(one, place)
    assert not await system.trail.record(other, place)


async def test_nothing_in_the_store_asks_for_a_training(system):
    async def is_asked():
        _, decisions, _ = await system.trail.read()
        return [(one.kind.value, one.reason.value) for one in decisions] == [("training_asked", "no_champion")]

    await eventually(is_asked)


async def test_announcements_are_what_the_tail_gives(system, graphs):
    model = await system.bring(graphs["right"], 1)
    found: list[ModelPublished] = await StreamTail(system.operator.bus).read(MODEL_ANNOUNCEMENTS, 16)
    assert found == [model]
