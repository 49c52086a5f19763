"""Training until a model passes: what is published, what is refused, which seeds are used."""

import numpy as np
import pytest

from foretick.common.errors import Refused
from foretick.predictor.app import ATTEMPTS, seeds_to_try
from foretick.predictor.domain.evaluation import Evaluation, Gain
from foretick.predictor.domain.gate import Parity
from foretick.predictor.domain.importance import Importance
from foretick.predictor.domain.publication import ModelIdentity, TrainedModel
from foretick.predictor.domain.reliability import Calibration, Reliability
from foretick.predictor.handlers.training import TrainingHandler

IDENTITY = ModelIdentity("features-test", "0" * 16, ("x",), 100_000_000, 5, 1)
FOUND, NOTHING = Gain(0.1, 0.05, 0.15), Gain(0.0, -0.01, 0.01)


def trained(gain):
    judged, control = (Evaluation(10_000, 40, 0.9, 1.0, 0.6, 0.5, one, one) for one in (gain, NOTHING))
    parity = Parity(100_000, 0.0, 0)
    return TrainedModel(
        b"graph",
        ("a",),
        np.ones(1),
        np.array([0.25, 0.5, 0.25]),
        {"*": 0.5},
        9,
        parity,
        parity,
        20.0,
        judged,
        control,
        {},
        Calibration(1.5, Reliability(0.1, 0.6, 1.0), Reliability(0.02, 0.5, 0.9)),
        Importance(np.ones(1), np.ones(1)),
    )


class Training:
    """A training whose seeds find something or nothing; it remembers what was tried, stored and announced."""

    def __init__(self, rt, seeds, sound):
        self.tried, self.stored, self.announced = [], [], []
        self._sound = sound
        self.handler = TrainingHandler(self.train, seeds, IDENTITY, self, self.announce, rt.clock, rt.log)

    def train(self, seed, progress):
        progress("simulating", 0)
        self.tried.append(seed)
        return trained(FOUND if seed in self._sound else NOTHING)

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
    assert training.stored == [(published.object_name, b"graph")]
    assert published.seed == 7


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


def test_given_seed_is_the_only_one_tried():
    assert seeds_to_try(8, [1, 5]) == (8,)
