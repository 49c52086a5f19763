"""Training until a model passes: what is published, what is refused, which seeds are used."""

from dataclasses import replace
from hashlib import sha256

import msgspec
import numpy as np
import pytest

from foretick.common.errors import Refused
from foretick.predictor.adapters.model_store.references import StoredReferences
from foretick.predictor.app import ATTEMPTS, seeds_to_try
from foretick.predictor.domain.evaluation import Gain
from foretick.predictor.domain.importance import Importance
from foretick.predictor.domain.life.window import Reference
from foretick.predictor.domain.publication import ModelIdentity
from foretick.predictor.domain.record import TrainingRecord, record_run
from foretick.predictor.domain.targets import targets_of
from foretick.predictor.domain.training import TrainingPlan
from foretick.predictor.handlers.training import TrainingHandler

from ..models import evaluation_of, trained_model

PLAN = TrainingPlan(1, 100_000_000, targets_of(5, (), ()), 0, ("x",))
IDENTITY = ModelIdentity("features-test", "0" * 16, ("x",), 100_000_000, 5, 1)
REFERENCE = Reference(
    feature_names=["x"], edges=[[0.0]], shares=[[0.5, 0.5]], rows=[[-1.0], [1.0]], effective_rows=[2.0], seed=1
)
FOUND, NOTHING = Gain(0.1, 0.05, 0.15), Gain(0.0, -0.01, 0.01)


def trained(gain):
    importance = Importance(np.ones(1), np.ones(1))
    return trained_model(evaluation=evaluation_of(gain), importance=importance, reference=REFERENCE)


class Training:
    """A training whose seeds find something or nothing; it remembers what was tried, stored and announced."""

    def __init__(self, rt, seeds, sound):
        self.tried, self.stored, self.announced, self.kept = [], [], [], []
        self._sound = sound
        self.handler = TrainingHandler(
            self.train, self.record, seeds, IDENTITY, self, self, self.announce, rt.clock, rt.log
        )

    def train(self, seed, progress):
        progress("simulating", 0)
        self.tried.append(seed)
        return trained(FOUND if seed in self._sound else NOTHING)

    def record(self, model, seed, attempts):
        return record_run(model, replace(PLAN, seed=seed), IDENTITY, ("c0de", {}), attempts)

    def keep(self, name, payload):
        self.kept.append((name, msgspec.json.decode(payload, type=TrainingRecord)))
        return name

    async def put(self, object_name, payload):
        self.stored.append((object_name, payload))

    async def announce(self, announcement):
        assert self.stored, "announced before it was stored"
        self.announced.append(announcement)


async def test_sound_model_is_stored_and_announced_with_its_seed(fake_runtime):
    training = Training(fake_runtime, (7, 9, 11), sound={7})
    published = await training.handler.run()
    assert training.tried == [7]
    assert training.announced == [published]
    stored = [name for name, _ in training.stored]
    assert stored[0] == published.record_name
    assert stored[-1] == published.object_name
    assert dict(training.stored)[published.object_name] == b"graph"
    assert published.seed == 7


async def test_record_is_stored_beside_its_model_and_announced_with_its_hash(fake_runtime):
    training = Training(fake_runtime, (7,), sound={7})
    published = await training.handler.run()
    payload = dict(training.stored)[published.record_name]
    record = msgspec.json.decode(payload, type=TrainingRecord)
    assert published.record_sha256 == sha256(payload).hexdigest()
    assert (record.graph.sha256, record.plan["seed"]) == (published.sha256, 7)
    assert record.examination.findings == []


async def test_refused_runs_are_kept_and_told_in_the_record_of_the_one_that_passes(fake_runtime):
    training = Training(fake_runtime, (7, 9), sound={9})
    await training.handler.run()
    refused, passed = (record for _, record in training.kept)
    assert any("does not beat the prior" in fault for fault in refused.examination.findings)
    assert [attempt.seed for attempt in passed.attempts] == [7]
    assert passed.attempts[0].faults == refused.examination.findings


async def test_reference_and_card_lie_beside_the_graph(fake_runtime):
    training = Training(fake_runtime, (7,), sound={7})
    published = await training.handler.run()
    stored = dict(training.stored)
    assert await StoredReferences(stored_in(stored)).fetch(published) == REFERENCE
    card = stored[f"{published.model_id}.card.md"].decode()
    assert published.sha256 in card
    assert "| seed | 7 |" in card
    assert "| `x` | 0 | 0 | 0 | 2 |" in card


@pytest.mark.parametrize(
    ("changes", "payload", "code"),
    [
        ({"reference_name": ""}, None, "no_reference"),
        ({}, b"{}", "wrong_object"),
        ({"reference_sha256": sha256(b"{}").hexdigest()}, b"{}", "unreadable_reference"),
        ({"feature_names": ["x", "y"]}, None, "unfit_reference"),
    ],
)
async def test_reference_that_is_not_the_announced_one_is_refused(fake_runtime, changes, payload, code):
    training = Training(fake_runtime, (7,), sound={7})
    published = await training.handler.run()
    stored = dict(training.stored)
    if payload is not None:
        stored[published.reference_name] = payload
    with pytest.raises(Refused) as refusal:
        await StoredReferences(stored_in(stored)).fetch(msgspec.structs.replace(published, **changes))
    assert refusal.value.code == code


def stored_in(objects):
    async def fetch(name):
        return objects[name]

    return fetch


async def test_seed_that_fails_its_exam_is_followed_by_the_next(fake_runtime):
    training = Training(fake_runtime, (7, 9, 11), sound={11})
    assert (await training.handler.run()).seed == 11
    assert training.tried == [7, 9, 11]


async def test_no_sound_model_is_refused_with_what_to_do(fake_runtime):
    training = Training(fake_runtime, (7, 9), sound=set())
    with pytest.raises(Refused, match="seeds 7, 9: log loss does not beat the prior") as refusal:
        await training.handler.run()
    assert "TRAIN_SEED" in refusal.value.hint
    assert (training.stored, training.announced) == ([], [])


def test_seeds_never_meet_those_of_an_earlier_model_or_its_test_market():
    seeds = seeds_to_try(None, [1, 5])
    assert len(seeds) == ATTEMPTS
    assert not {seed + test for seed in seeds for test in (0, 1)} & {1, 2, 5, 6}
    assert len({seed + test for seed in seeds for test in (0, 1)}) == 2 * ATTEMPTS


def test_seeds_of_failed_trainings_are_not_tried_again():
    tried = [seed for failed in range(3) for seed in seeds_to_try(None, [1, 5], failed)]
    assert len(set(tried)) == 3 * ATTEMPTS


def test_given_seed_is_the_only_one_tried():
    assert seeds_to_try(8, [1, 5]) == (8,)
