import asyncio

import msgspec
import numpy as np
import pytest

from foretick.common.contracts import (
    DecisionKind,
    DecisionReason,
    ModelDecision,
    NoInterval,
    Origin,
    Probabilities,
    Regime,
    Trust,
    Withheld,
)
from foretick.common.errors import Refused, Transient
from foretick.common.sequence import SequenceCounts
from foretick.common.subjects import CALIBRATION_MESSAGES, OUTCOME_MESSAGES, PREDICTION_MESSAGES
from foretick.common.testing.builders import feature_vector, outcome, prediction
from foretick.common.testing.fakes import FakeRuntime
from foretick.predictor.adapters.bus.client import DataPlaneOutlet
from foretick.predictor.adapters.metrics.client import PrometheusMeters
from foretick.predictor.domain.importance import Importance
from foretick.predictor.domain.ledger import Ledger
from foretick.predictor.domain.predicting import Numbers, Sender
from foretick.predictor.domain.publication import ModelIdentity, announce
from foretick.predictor.domain.regimes import Places
from foretick.predictor.domain.track_record import Terms
from foretick.predictor.handlers.custody import Custodian, load_champion
from foretick.predictor.handlers.serving import ModelHandler, VectorHandler

from ..models import trained_model

IDENTITY = ModelIdentity("features-test", "0" * 16, ("x", "y", "z"), 100_000_000, 5, 1)
SOUND = [0.1, -0.2, 0.3]
KEY = ("sim", "BTCUSDT")
PLACES = Places(volatility=1, volatility_log_ratio=2, efficiency_ratio=None)


def announcement(model_id="ensemble-1", ts=1):
    weights, importance = np.array([0.5, 0.5]), Importance(np.ones(3), np.ones(3))
    model = trained_model(flat_bps={"X": 0.5, "*": 0.7}, weights=weights, importance=importance)
    return msgspec.structs.replace(announce(model, IDENTITY, ts, b"{}"), model_id=model_id)


def decided(champion, ts_ns=None, predecessor=None):
    return ModelDecision(
        name="ensemble", kind=DecisionKind.PROMOTED, reason=DecisionReason.BETTER, detail="",
        model_id=champion.model_id, champion=champion, predecessor=predecessor, training_asked_ns=None, by="test",
        statistics={}, ts_ns=champion.ts_trained_ns if ts_ns is None else ts_ns,
    )  # fmt: skip


class Model:
    """A model that says its own expected return; it counts its calls."""

    def __init__(self, announcement, says_bps=1.0):
        self.announcement = announcement
        self.columns = range(len(announcement.feature_names))
        self.calls = []
        self.on_predict = lambda: None
        self._says_bps = says_bps

    def predict(self, vectors, weights=None):
        self.weights = weights
        self.calls.append([vector.symbol for vector in vectors])
        self.on_predict()
        return [Numbers(self._says_bps, (0.2, 0.5, 0.3), [(0.1, 0.6, 0.3), (0.3, 0.4, 0.3)]) for _ in vectors]


class Loader:
    """Loads what it was given; a test holds it back with ``gate``."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.gate = asyncio.Event()
        self.gate.set()

    async def load(self, announcement):
        await self.gate.wait()
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


class Service:
    def __init__(self, rt, loader=None, places=PLACES):
        sender = Sender(rt.name, rt.epoch)
        self.rt, self.ledger = rt, Ledger(sender, Terms(100), rt.sequence)
        self.outlet, self.meters = DataPlaneOutlet(rt.data, rt.clock), PrometheusMeters(rt.metrics)
        self.vectors = VectorHandler(self.ledger, self.outlet, self.meters, 5, rt.clock, places)
        self.models = ModelHandler(self.vectors, loader or Loader(), self.meters, rt.log)

    def predictions(self):
        return self.rt.data.messages(PREDICTION_MESSAGES)

    def outcomes(self):
        return self.rt.data.messages(OUTCOME_MESSAGES)


@pytest.fixture
def service(fake_runtime):
    return Service(fake_runtime)


def vector(step=10, values=SOUND, **fields):
    return feature_vector(values, step=step, **fields)


def test_all_due_instruments_go_through_one_call(service):
    service.vectors.model = model = Model(announcement())
    service.vectors.on_vectors([vector(symbol=name) for name in ("A", "B", "C")])
    assert model.calls == [["A", "B", "C"]]
    assert [(one.symbol, one.expected_return_bps, one.withheld) for one in service.predictions()] == [
        ("A", 1.0, None), ("B", 1.0, None), ("C", 1.0, None),
    ]  # fmt: skip


def test_prediction_carries_what_it_was_made_from(service):
    service.vectors.model = Model(announcement())
    made_from = vector(asof_seq=42, prev_asof_seq=40, mid=101.5, origin=Origin.REPLAY, ts_event_ns=7)
    service.vectors.on_vectors([made_from])
    (one,) = service.predictions()
    for field in ("asof_seq", "prev_asof_seq", "step", "interval_ns", "mid", "schema_id", "schema_hash", "ts_recv_ns",
                  "ts_event_ns", "ts_ingest_ns", "trust", "origin", "run_id"):  # fmt: skip
        assert getattr(one, field) == getattr(made_from, field), field
    assert (one.model_id, one.model_origin, one.out_of_origin) == ("ensemble-1", Origin.SIM, True)
    assert (one.probabilities.down, one.probabilities.flat, one.probabilities.up) == (0.2, 0.5, 0.3)
    assert {name: member.flat for name, member in one.members.items()} == {"a": 0.6, "b": 0.4}
    assert (one.producer, one.epoch, one.ts_sent_ns) == ("test.serve-0", 1, service.rt.clock.ns)
    assert one.flat_bps == 0.7  # of a symbol that the model has not seen


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"schema_hash": "f" * 16}, Withheld.SCHEMA_MISMATCH),
        ({"values": [0.1]}, Withheld.SCHEMA_MISMATCH),
        ({"interval_ns": 1_000_000_000}, Withheld.SCHEMA_MISMATCH),
        ({"trust": Trust.GAP}, Withheld.UNTRUSTED),
        ({"trust": Trust.STALE}, Withheld.UNTRUSTED),
        ({"mid": None}, Withheld.NO_PRICE),
        ({"warm": False}, Withheld.WARMING_UP),
        ({"values": [0.1, None, 0.2]}, Withheld.WARMING_UP),
    ],
)
def test_unsound_vector_gets_a_reason_instead_of_numbers(service, fields, reason):
    service.vectors.model = model = Model(announcement())
    service.vectors.on_vectors([vector(**fields), vector(symbol="GOOD")])
    withheld, given = service.predictions()
    assert withheld.withheld is reason
    assert (withheld.expected_return_bps, withheld.probabilities, withheld.members, withheld.flat_bps) == (
        None,
        None,
        {},
        None,
    )
    assert given.withheld is None
    assert model.calls == [["GOOD"]]
    assert service.rt.metric("predictions_total", verdict=reason.value) == 1


def test_prediction_tells_the_instants_of_its_way(service):
    service.vectors.model = model = Model(announcement())
    clock = service.rt.clock
    arrived_ns = clock.ns
    model.on_predict = lambda: clock.advance(7)
    service.vectors.on_vectors(
        [vector(ts_frame_sent_ns=arrived_ns - 30, ts_frame_taken_ns=arrived_ns - 20, ts_sent_ns=arrived_ns - 10)]
    )
    (one,) = service.predictions()
    instants = (one.ts_frame_sent_ns, one.ts_frame_taken_ns, one.ts_vector_sent_ns, one.ts_vector_taken_ns)
    assert instants == tuple(arrived_ns - before for before in (30, 20, 10, 0))
    assert one.ts_sent_ns == arrived_ns + 7


def test_without_a_model_every_prediction_says_so(service):
    service.vectors.on_vectors([vector()])
    (one,) = service.predictions()
    assert (one.withheld, one.model_id, one.horizon_steps) == (Withheld.NO_MODEL, None, 5)


def test_batch_is_conflated_to_the_latest_but_every_vector_settles(service):
    service.vectors.model = Model(announcement())
    service.vectors.on_vectors([vector(step=10), vector(step=10, symbol="B")])
    service.vectors.on_vectors([vector(step=step, mid=100.0 + step) for step in (14, 15, 16)])
    assert [(one.symbol, one.step) for one in service.predictions()] == [("BTCUSDT", 10), ("B", 10), ("BTCUSDT", 16)]
    assert service.rt.metric("conflated_total") == 2
    assert [(one.step, one.realised_step) for one in service.outcomes()] == [(10, 15)]
    assert service.rt.metric("outcomes_total", venue="sim", symbol="BTCUSDT") == 1


def test_repeated_vector_is_not_predicted_twice(service):
    service.vectors.model = Model(announcement())
    service.vectors.on_vectors([vector()])
    service.vectors.on_vectors([vector()])
    assert len(service.predictions()) == 1
    assert service.rt.metric("vectors_total", intake="repeated") == 1


def test_withheld_prediction_has_no_outcome(service):
    for step in range(10, 30):
        service.vectors.on_vectors([vector(step=step)])
    assert service.outcomes() == []


async def test_swap_leaves_no_gap(fake_runtime):
    loader = Loader(Model(announcement("old", 1)), Model(announcement("new", 2)))
    service = Service(fake_runtime, loader)
    await service.models.on_decision(decided(announcement("old", 1)))
    loader.gate.clear()
    swap = asyncio.create_task(service.models.on_decision(decided(announcement("new", 2))))
    for step in range(10, 20):
        service.vectors.on_vectors([vector(step=step)])
        await asyncio.sleep(0)
    loader.gate.set()
    await swap
    for step in range(20, 30):
        service.vectors.on_vectors([vector(step=step)])
    assert [one.step for one in service.predictions()] == list(range(10, 30))
    assert [one.model_id for one in service.predictions()] == ["old"] * 10 + ["new"] * 10
    assert all(one.withheld is None for one in service.predictions())
    scores = {one.model_id: one.score.count for one in service.outcomes()}
    assert scores == {"old": 10, "new": 5}


async def test_refused_model_leaves_the_old_one_in_service(fake_runtime):
    service = Service(fake_runtime, Loader(Model(announcement("old", 1)), Refused("wrong_object", "sha256 differs")))
    await service.models.on_decision(decided(announcement("old", 1)))
    await service.models.on_decision(decided(announcement("bad", 2)))
    assert service.vectors.model.announcement.model_id == "old"
    assert service.rt.metric("models_total", result="refused") == 1


async def test_store_that_is_away_is_asked_again(fake_runtime):
    service = Service(fake_runtime, Loader(Transient("away"), Model(announcement())))
    with pytest.raises(Transient):
        await service.models.on_decision(decided(announcement()))
    await service.models.on_decision(decided(announcement()))
    assert service.vectors.model is not None


async def test_decision_that_was_overtaken_changes_nothing(fake_runtime):
    """One whose model could not be fetched comes again, maybe after a later one."""
    service = Service(fake_runtime, Loader(Model(announcement("new", 2))))
    await service.models.on_decision(decided(announcement("new", 2), ts_ns=20))
    await service.models.on_decision(decided(announcement("old", 1), ts_ns=10))
    await service.models.on_decision(decided(announcement("new", 2), ts_ns=30))
    assert service.vectors.model.announcement.model_id == "new"
    assert service.rt.metric("models_total", result="served") == 1


async def test_rollback_brings_an_older_model_back(fake_runtime):
    service = Service(fake_runtime, Loader(Model(announcement("new", 2)), Model(announcement("old", 1))))
    await service.models.on_decision(decided(announcement("new", 2), ts_ns=20))
    await service.models.on_decision(decided(announcement("old", 1), ts_ns=30))
    assert service.vectors.model.announcement.model_id == "old"


class Feed:
    """Live vectors; ``arriving`` come between the subscription and the reading of the streams."""

    def __init__(self, arriving=()):
        self.followed, self.arriving, self.deliver = set(), list(arriving), lambda batch: None

    async def follow(self, keys):
        self.followed |= set(keys)
        if self.arriving:
            self.deliver(self.arriving)

    async def leave(self, keys):
        self.followed -= set(keys)


def custodian_of(service, tail, arriving=()):
    feed = Feed(arriving)
    custodian = Custodian("test", service.vectors, feed, tail, service.outlet, service.rt.log)
    feed.deliver = custodian.handle
    return custodian


class Tails:
    def __init__(self, **messages):
        self._messages = messages

    async def read(self, subject, count):
        return self.of(subject.root)[-count:]

    def of(self, root):
        return self._messages.get(root, [])

    def add(self, root, message):
        self._messages[root].append(message)


async def test_successor_doubles_no_step_and_pays_open_outcomes_once(fake_runtime):
    current = announcement("ensemble-1", 5)
    tail = Tails(
        model_decisions=[decided(announcement("ancient", 1)), decided(current)],
        predictions=[prediction(step=step) for step in range(10, 18)] + [prediction(step=99, run_id="another")],
        outcomes=[outcome(step=step) for step in (10, 11)],
        features=[vector(step=step) for step in range(10, 19)],
    )
    service = Service(fake_runtime, Loader(Model(current)))
    await load_champion(tail, service.models)
    custodian = custodian_of(service, tail)
    await custodian.take_over([KEY], epoch=7)
    assert [(one.step, one.realised_step) for one in service.outcomes()] == [(12, 17), (13, 18)]
    custodian.handle([vector(step=17), vector(step=19)])
    assert [(one.step, one.epoch) for one in service.predictions()] == [(19, 7)]
    assert [(one.step, one.realised_step) for one in service.outcomes()][2:] == [(14, 19)]


async def test_vector_that_comes_while_the_streams_are_read_is_predicted_after_them(fake_runtime):
    service = Service(fake_runtime)
    service.vectors.model = Model(announcement())
    tail = Tails(predictions=[prediction(step=17)], features=[vector(step=17)])
    await custodian_of(service, tail, [vector(step=17), vector(step=18)]).take_over([KEY], epoch=2)
    assert [one.step for one in service.predictions()] == [18]


async def test_only_instruments_that_were_taken_over_are_predicted(fake_runtime):
    service = Service(fake_runtime)
    service.vectors.model = Model(announcement())
    custodian = custodian_of(service, Tails())
    await custodian.take_over([KEY], epoch=2)
    custodian.handle([vector(), vector(symbol="ETHUSDT")])
    assert [one.symbol for one in service.predictions()] == ["BTCUSDT"]
    await custodian.hand_over([KEY])
    custodian.handle([vector(step=11)])
    assert len(service.predictions()) == 1


async def test_lapsed_leases_predict_nothing(fake_runtime):
    service = Service(fake_runtime)
    service.vectors.model = Model(announcement())
    custodian = custodian_of(service, Tails())
    await custodian.take_over([KEY], epoch=2)
    custodian.is_owner = lambda: False
    custodian.handle([vector()])
    assert service.predictions() == []


async def test_handed_over_instruments_are_each_predicted_once(fake_runtime):
    """Two predictors that swap an instrument back and forth on one pair of streams predict every step once."""
    streams = Tails(predictions=[], features=[], outcomes=[])
    first, second = Service(fake_runtime), Service(FakeRuntime())
    for service in (first, second):
        service.vectors.model = Model(announcement())
    custodians = [custodian_of(first, streams), custodian_of(second, streams)]
    for turn in range(6):
        await custodians[turn % 2].take_over([KEY], epoch=turn)
        for step in range(10 + 10 * turn, 20 + 10 * turn):
            streams.add("features", vector(step=step))
            for custodian in custodians:
                custodian.handle([vector(step=step)])
        acting = (first, second)[turn % 2]
        for one in acting.predictions():
            streams.add("predictions", one)
        for one in acting.outcomes():
            streams.add("outcomes", one)
        acting.rt.data.published.clear()
        await custodians[turn % 2].hand_over([KEY])
    assert [one.step for one in streams.of("predictions")] == list(range(10, 70))
    assert [(one.step, one.realised_step) for one in streams.of("outcomes")] == [
        (step, step + 5) for step in range(10, 65)
    ]


async def test_champion_of_older_vectors_is_refused_until_another_is_decided(fake_runtime):
    """After an update that changes the vector: nothing is served, nothing is stuck, the newly trained model is."""
    refusal = Refused("unfit_model", "it takes features 48ac528dfb89, this service makes 000000000000")
    service = Service(fake_runtime, Loader(refusal, Model(announcement("new", 2))))
    await load_champion(Tails(model_decisions=[decided(announcement("old", 1))]), service.models)
    service.vectors.on_vectors([vector(step=10)])
    await service.models.on_decision(decided(announcement("new", 2)))
    service.vectors.on_vectors([vector(step=11)])
    assert [one.withheld for one in service.predictions()] == [Withheld.NO_MODEL, None]
    assert fake_runtime.metric("models_total", result="refused") == 1


async def test_successor_serves_the_last_good_model_where_the_champion_does_not_load(fake_runtime):
    good, bad = announcement("good", 1), announcement("bad", 2)
    service = Service(fake_runtime, Loader(Refused("wrong_object", "bad"), Model(good)))
    await load_champion(Tails(model_decisions=[decided(bad, predecessor=good)]), service.models)
    assert service.vectors.model.announcement.model_id == "good"


def test_vector_that_names_one_that_never_came_is_counted_as_a_loss(service):
    service.vectors.on_vectors([vector(step=10, asof_seq=100)])
    service.vectors.on_vectors([vector(step=11, asof_seq=110, prev_asof_seq=100)])
    assert service.rt.sequence.channels == {}
    service.vectors.on_vectors([vector(step=13, asof_seq=130, prev_asof_seq=120)])
    assert service.rt.sequence.of("features") == SequenceCounts(gaps=1, lost=1)


def predict_and_settle(service, steps, values=SOUND):
    """One prediction a horizon, of a mid that does not move."""
    for step in steps:
        service.vectors.on_vectors([vector(step=step, values=values, mid=100.0)])


def test_prediction_has_an_interval_once_enough_outcomes_are_known(service):
    service.vectors.model = Model(announcement(), says_bps=1.0)
    predict_and_settle(service, range(10, 70), [0.1, 2.0, 0.3])
    waiting, given = service.predictions()[:54], service.predictions()[54:]  # at step 64 those of 10 to 59 are known
    assert {one.no_interval for one in waiting} == {NoInterval.WARMING_UP}
    assert len(given) == 6
    for one in given:  # each of before missed its return of 0 by 1 bps
        assert (one.interval.low_bps, one.interval.high_bps) == (pytest.approx(0.0), pytest.approx(2.0))
        assert one.no_interval is None
    assert {one.volatility_bps for one in given} == {2.0}
    assert [one.interval_held for one in service.outcomes()] == [None] * 54 + [True]
    predict_and_settle(service, range(70, 80), [0.1, 2.0, 0.3])
    last = service.outcomes()[-1]
    assert (last.interval_held, last.coverage.count, last.coverage.coverage_frac) == (True, 11, 1.0)
    found = {
        name: service.rt.metric(f"interval_{name}", venue="sim", symbol="BTCUSDT")
        for name in ("coverage_frac", "coverage_gap_frac")
    }
    assert found == {"coverage_frac": 1.0, "coverage_gap_frac": pytest.approx(0.1)}
    assert service.rt.metric("intervals_total", venue="sim", symbol="BTCUSDT", verdict="held") == 11


def test_prediction_below_the_least_confidence_abstains_and_shows_its_numbers(service):
    service.vectors.model = Model(announcement())  # says 0.5 at best, the prior 0.5
    service.vectors.on_vectors([vector()])
    flatter = Probabilities(down=0.2, flat=0.6, up=0.2)
    service.vectors.model = Model(msgspec.structs.replace(announcement(), prior=flatter))
    service.vectors.on_vectors([vector(symbol="B")])
    sure, unsure = service.predictions()
    assert sure.abstention is None
    assert (unsure.abstention.confidence_frac, unsure.abstention.least_frac) == (0.5, 0.6)
    assert unsure.probabilities == sure.probabilities
    assert service.rt.metric("abstained_total") == 1


async def test_successor_goes_on_with_the_intervals(fake_runtime):
    streams = Tails(predictions=[], features=[], outcomes=[])
    first, second = Service(fake_runtime), Service(FakeRuntime())
    for service in (first, second):
        service.vectors.model = Model(announcement())
    acting = custodian_of(first, streams)
    await acting.take_over([KEY], epoch=1)
    for step in range(10, 90):
        streams.add("features", vector(step=step, mid=100.0 + 0.001 * (step % 7)))
        acting.handle([streams.of("features")[-1]])
    for one in first.predictions():
        streams.add("predictions", one)
    for one in first.outcomes():
        streams.add("outcomes", one)
    await acting.hand_over([KEY])
    taking = custodian_of(second, streams)
    await taking.take_over([KEY], epoch=2)
    taking.handle([vector(step=90, mid=100.0)])
    (theirs,) = second.predictions()
    untouched = Service(FakeRuntime())
    untouched.vectors.model = Model(announcement())
    for one in streams.of("features"):
        untouched.vectors.on_vectors([one])
    untouched.vectors.on_vectors([vector(step=90, mid=100.0)])
    ours = untouched.predictions()[-1]
    assert theirs.interval is not None
    assert theirs.interval == ours.interval
    assert second.outcomes()[-1].coverage == untouched.outcomes()[-1].coverage


def test_prediction_names_the_regime_of_its_vector(fake_runtime):
    service = Service(fake_runtime, places=Places(volatility=0, volatility_log_ratio=1, efficiency_ratio=2))
    service.vectors.model = Model(announcement())
    service.vectors.on_vectors([vector(values=[1.0, 0.5, 0.9])])
    (one,) = service.predictions()
    assert (one.regime, one.volatility_bps) == (Regime.ROUGH_TRENDING, 1.0)


def test_calibration_is_told_every_fifty_outcomes_and_shown_by_regime(fake_runtime):
    service = Service(fake_runtime, places=Places(volatility=0, volatility_log_ratio=1, efficiency_ratio=2))
    service.vectors.model = Model(announcement())  # says flat at 0.5
    for step in range(10, 10 + 5 + 120):
        rough = 0.5 if step < 40 else -0.5
        mid = 100.0 if step < 65 else 100.0 + step
        service.vectors.on_vectors([vector(step=step, values=[1.0, rough, 0.9], mid=mid)])
    first, second = service.rt.data.messages(CALIBRATION_MESSAGES)
    assert (first.step, second.step) == (59, 109)
    assert (first.total.count, first.total.brier) == (50, pytest.approx(0.2**2 + 0.5**2 + 0.3**2))
    assert first.total.ece_frac == pytest.approx(0.5)  # always right at a confidence of 0.5
    counts = {one.regime: one.count for one in first.regimes}
    assert counts == {Regime.ROUGH_TRENDING: 30, Regime.CALM_TRENDING: 20}
    assert second.total.ece_frac == pytest.approx(0.0)  # then always wrong
    assert second.total.bin_count == [0] * 5 + [100] + [0] * 4
    shown = {
        name: service.rt.metric(name, venue="sim", symbol="BTCUSDT", regime=regime)
        for name, regime in (("calibrated_outcomes", "all"), ("calibration_error_frac", "rough_trending"))
    }
    assert shown == {"calibrated_outcomes": 100, "calibration_error_frac": pytest.approx(0.5)}


REGIMES = Places(volatility=0, volatility_log_ratio=1, efficiency_ratio=2)
ROUGH, CALM = [1.0, 0.5, 0.9], [1.0, -0.5, 0.9]


def told_by(service, batches):
    service.vectors.model = Model(announcement())
    for batch in batches:
        service.vectors.on_vectors(batch)
    return {(one.symbol, one.step): one.weights for one in service.predictions()}


def test_graph_gets_each_rows_weights_which_follow_in_its_regime(fake_runtime):
    """Flat comes true each time; member a gave it 0.6, member b 0.4."""
    service = Service(fake_runtime, places=REGIMES)
    found = told_by(service, [[vector(step=step, values=ROUGH, mid=100.0)] for step in range(10, 30)])
    assert found["BTCUSDT", 14] == [0.5, 0.5]
    assert found["BTCUSDT", 29][0] > 0.95  # (0.6 / 0.4)^15 to 1, less what goes back
    service.vectors.on_vectors([vector(step=30, values=CALM, mid=100.0), vector(step=30, values=ROUGH, symbol="B")])
    model = service.vectors.model
    assert model.weights == [[0.5, 0.5], [0.5, 0.5]]  # another regime, another instrument
    assert [one.weights for one in service.predictions()[-2:]] == model.weights
    assert service.rt.metric("regret_nats", venue="sim", symbol="BTCUSDT") == pytest.approx(np.log(0.6 / 0.5))


def test_replay_gives_equal_weights_however_instruments_are_batched(fake_runtime):
    steps = [
        [
            vector(step=step, values=ROUGH if step % 3 else CALM, mid=100.0 + step % 2, symbol=name)
            for name in ("A", "B")
        ]
        for step in range(10, 60)
    ]
    together = told_by(Service(fake_runtime, places=REGIMES), steps)
    apart = told_by(Service(FakeRuntime(), places=REGIMES), [[one] for batch in steps for one in batch[::-1]])
    assert together == apart
    assert together["A", 59] != [0.5, 0.5]
