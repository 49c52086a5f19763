"""What the watch decides, with a trail in memory and a clock that is set by hand."""

import asyncio

import pytest

from foretick.common.contracts import DecisionKind, DecisionReason, Withheld
from foretick.common.errors import Refused, Transient
from foretick.common.model_life import Verdict, follow
from foretick.common.testing.builders import INTERVAL_NS, T0_NS, model_published, prediction
from foretick.common.testing.fakes import FakeRuntime
from foretick.common.units import NS_PER_S
from foretick.predictor.adapters.adwin.client import Adwin
from foretick.predictor.adapters.metrics.life import PrometheusLifeMeters
from foretick.predictor.domain.admission import ServingTerms
from foretick.predictor.domain.life.duel import DuelTerms
from foretick.predictor.domain.life.error_drift import ErrorDrift
from foretick.predictor.domain.life.retraining import Schedule
from foretick.predictor.domain.regimes import Places
from foretick.predictor.domain.track_record import Terms
from foretick.predictor.handlers.shadowing import ShadowHandler
from foretick.predictor.handlers.watching import Watch, WatchTerms

SERVING = ServingTerms("0" * 16, ("x", "y", "z"), INTERVAL_NS, 5)
DUEL = DuelTerms(0.05, 1_000)


def model(number, **fields):
    trained_ns = T0_NS - 1_000 * NS_PER_S + number
    return model_published(**{"model_id": f"m{number}", "ts_trained_ns": trained_ns} | fields)


class Loaded:
    def __init__(self, announcement):
        self.announcement, self.columns = announcement, (0, 1, 2)


class World:
    """Trail, store and references in one: what was announced, decided, and cannot be loaded."""

    def __init__(self, *models, interval_s=0.0):
        self.rt = FakeRuntime()
        self.models, self.decisions, self.trouble = list(models), [], {}
        self.told = []
        self.shadow = ShadowHandler("test", Places.of(SERVING.feature_names))
        terms = WatchTerms(
            SERVING, DUEL, DUEL, Terms(100), Schedule(interval_s), 900.0, frozenset(),
            lambda: ErrorDrift(Adwin(), 100), "watch",
        )  # fmt: skip
        self.watch = Watch(
            terms, self, self, self, self.shadow, self.tell, PrometheusLifeMeters(self.rt.metrics), self.rt.clock,
            self.rt.log,
        )  # fmt: skip

    async def read(self):
        return list(self.models), list(self.decisions), len(self.decisions)

    async def record(self, decision, after):
        if after != len(self.decisions):
            return False
        self.decisions.append(decision)
        return True

    async def load(self, announcement):
        await asyncio.sleep(0)
        if announcement.model_id in self.trouble:
            raise self.trouble[announcement.model_id]
        return Loaded(announcement)

    async def fetch(self, announcement):
        raise Refused("no_reference", "none")

    async def tell(self, life):
        self.told.append(life)

    async def look(self):
        await self.watch.look()
        return [(one.kind.value, one.reason.value, one.model_id) for one in self.decisions]

    def promote(self, promoted):
        verdict = Verdict(DecisionKind.PROMOTED, DecisionReason.OPERATOR, "", "operator", promoted)
        self.decisions.append(follow(self.decisions[-1], verdict, self.rt.clock.now_ns()))

    def hear(self, **fields):
        self.shadow.handle([prediction(**{"run_id": "test"} | fields)])


async def test_newest_model_that_loads_is_the_first_champion():
    world = World(model(1), model(2))
    world.trouble["m2"] = Refused("model_refused", "no graph")
    assert await world.look() == [("refused", "unfit", "m2"), ("promoted", "no_champion", "m1")]
    assert await world.look() == [("refused", "unfit", "m2"), ("promoted", "no_champion", "m1")]


async def test_model_of_sequences_is_refused_by_name_and_never_fills_the_place():
    world = World(model(1, sequence_length=16))
    assert [one for one in await world.look() if one[0] == "promoted"] == []
    world.models.append(model(2))
    assert ("promoted", "no_champion", "m2") in await world.look()
    world.models.append(model(3, sequence_length=16))
    assert (await world.look())[-1] == ("refused", "unfit", "m3")
    assert "a sequence of 16 vectors" in world.decisions[-1].detail


async def test_store_that_is_away_refuses_nobody_and_is_asked_again():
    world = World(model(1))
    await world.look()
    world.models.append(model(2))
    world.trouble["m2"] = Transient("the store is away")
    assert await world.look() == [("promoted", "no_champion", "m1")]
    assert any("store is away" in fault for fault in world.told[-1].faults)
    assert (world.told[-1].champion_id, world.told[-1].contests) == ("m1", [])
    world.trouble.clear()
    await world.look()
    assert [one.model_id for one in world.told[-1].contests] == ["m2"]


async def test_champion_of_other_features_is_replaced_without_a_trial():
    world = World(model(1))
    await world.look()
    world.models.append(model(2, schema_hash="other"))
    world.decisions.append(
        follow(
            world.decisions[-1], Verdict(DecisionKind.PROMOTED, DecisionReason.OPERATOR, "", "x", world.models[-1]), 1
        )
    )
    assert (await world.look())[-1] == ("promoted", "no_champion", "m1")


@pytest.mark.parametrize(
    ("heard", "is_rolled_back"),
    [
        ({"model_id": "m1"}, True),
        ({"model_id": None, "withheld": Withheld.NO_MODEL}, True),
        ({"model_id": "m2"}, False),
        ({"model_id": "m2", "withheld": Withheld.UNTRUSTED}, False),
        (None, False),
    ],
)
async def test_model_that_nobody_serves_is_rolled_back_a_minute_later(heard, is_rolled_back):
    world = World(model(1), model(2))
    world.trouble["m2"] = Transient("later")
    await world.look()
    world.decisions = [follow(None, Verdict(DecisionKind.PROMOTED, DecisionReason.NO_CHAMPION, "", "x", model(1)), 1)]
    world.promote(model(2))
    await world.look()
    if heard is not None:
        world.hear(**heard)
    world.rt.clock.advance(59 * NS_PER_S)
    assert (await world.look())[-1][0] == "promoted"
    world.rt.clock.advance(2 * NS_PER_S)
    last = (await world.look())[-1]
    assert (last == ("rolled_back", "not_served", "m2")) is is_rolled_back


async def test_three_challengers_are_on_trial_and_older_ones_give_way():
    world = World(model(1))
    await world.look()
    world.models += [model(number) for number in range(2, 6)]
    assert (await world.look())[1:] == [("refused", "outnumbered", "m2")]
    assert {one.model_id for one in world.told[-1].contests} == {"m3", "m4", "m5"}


async def test_trainings_are_asked_for_by_age_and_less_often_when_none_brings_a_model():
    world = World(model(1), interval_s=1_000.0)
    assert [one[0] for one in await world.look()] == ["promoted"]
    asked_s = []
    for second in range(0, 9_000, 100):
        before = len(world.decisions)
        if len(await world.look()) > before:
            asked_s.append(second)
        world.rt.clock.advance(100 * NS_PER_S)
    assert asked_s == [100, 1_900, 5_500]
    assert world.told[-1].failed_trainings == 3
    assert world.told[0].training_due_ns == T0_NS + 1
    assert world.told[-1].training_due_ns == T0_NS + (5_500 + 900 * 2**3) * NS_PER_S
    assert (world.told[-1].drift_looked_ns, world.told[-1].drift_compared, world.told[-1].loss_stretches) == (
        None, 0, 0,
    )  # fmt: skip
    assert {one.reason for one in world.decisions[1:]} == {DecisionReason.AGE}
