"""Models in shadow are asked as the one in service is: of the same vectors, by weights that follow in the same way."""

import pytest

from foretick.common.subjects import OUTCOME_MESSAGES, PREDICTION_MESSAGES
from foretick.common.testing.builders import feature_vector, model_published
from foretick.common.testing.fakes import FakeRuntime
from foretick.predictor.adapters.bus.client import DataPlaneOutlet
from foretick.predictor.adapters.metrics.client import PrometheusMeters
from foretick.predictor.domain.ledger import Ledger
from foretick.predictor.domain.life.duel import Duel, DuelTerms
from foretick.predictor.domain.predicting import Numbers, Sender
from foretick.predictor.domain.regimes import Places
from foretick.predictor.domain.track_record import Terms
from foretick.predictor.handlers.serving import VectorHandler
from foretick.predictor.handlers.shadowing import Contestant, ShadowHandler

HORIZON = 5
PLACES = Places(volatility=0, volatility_log_ratio=1, efficiency_ratio=2)
UP, DOWN = (0.1, 0.1, 0.8), (0.8, 0.1, 0.1)
STEPS = range(100, 160)
TERMS = Terms(100, horizon_steps=HORIZON)


class Model:
    """Two members of opposite mind, blended by the weights that it is asked with; it keeps those."""

    def __init__(self, model_id):
        self.announcement = model_published(model_id=model_id, member_names=["a", "b"], member_weights=[0.5, 0.5])
        self.columns = (0, 1, 2)
        self.asked = {}

    def predict(self, vectors, weights):
        self.asked |= {(one.symbol, one.step): list(used) for one, used in zip(vectors, weights, strict=True)}
        blends = [tuple(a * up + b * down for up, down in zip(UP, DOWN, strict=True)) for a, b in weights]
        return [Numbers(1.0, blend, (UP, DOWN)) for blend in blends]


def vectors():
    """Two instruments, one rises and one swings, in two regimes that take turns."""
    for step in STEPS:
        for symbol, mid in (("A", 100.0 * 1.0005 ** (step - 100)), ("B", 100.0 + step % 7)):
            values = [1.0, 0.5 if step // 8 % 2 else -0.5, 0.1]
            yield feature_vector(values, step=step, symbol=symbol, mid=mid, run_id="test")


def serve(model):
    """Return what the service publishes of each vector, by the step: predictions and outcomes in its order."""
    rt = FakeRuntime()
    ledger = Ledger(Sender("serve", 1), TERMS, rt.sequence)
    outlet, meters = DataPlaneOutlet(rt.data, rt.clock), PrometheusMeters(rt.metrics)
    handler = VectorHandler(ledger, outlet, meters, HORIZON, rt.clock, PLACES)
    handler.model = model
    for vector in vectors():
        handler.on_vectors([vector])
    return rt.data.messages(PREDICTION_MESSAGES), rt.data.messages(OUTCOME_MESSAGES)


def shadow_of(champion, challenger):
    shadow = ShadowHandler("test", PLACES)
    shadow.champion = champion.announcement
    duel = Duel("challenger", HORIZON, DuelTerms(0.05, 1_000))
    shadow.contestants["challenger"] = Contestant(challenger, duel, False, Ledger(Sender("watch", 0), TERMS))
    return shadow


def in_turn(heard, predictions):
    """Every vector, then its prediction."""
    for vector, prediction in zip(heard, predictions, strict=True):
        yield [vector, prediction]


def vectors_first(heard, predictions):
    """Sixteen vectors, eight of each instrument, then their predictions: what came late must not be known early."""
    for at in range(0, len(heard), 16):
        yield [*heard[at : at + 16], *predictions[at : at + 16]]


@pytest.mark.parametrize("batches", [in_turn, vectors_first])
def test_weights_in_shadow_are_those_that_the_model_would_serve_with(batches):
    champion, challenger = Model("champion"), Model("challenger")
    predictions, _ = serve(champion)
    assert len({tuple(used) for used in champion.asked.values()}) > len(STEPS) // 2  # they do follow
    shadow = shadow_of(champion, challenger)
    for batch in batches(list(vectors()), predictions):
        shadow.handle(batch)
    assert challenger.asked == champion.asked


def test_equal_models_are_never_told_apart():
    champion, challenger = Model("champion"), Model("challenger")
    predictions, outcomes = serve(champion)
    shadow = shadow_of(champion, challenger)
    for vector, prediction in zip(vectors(), predictions, strict=True):
        shadow.handle([vector, prediction])
        shadow.handle([one for one in outcomes if (one.symbol, one.realised_step) == (vector.symbol, vector.step)])
    state = shadow.contestants["challenger"].duel.state(is_predecessor=False)
    assert state.blocks > 0
    assert (state.gain_nats, state.evidence, state.against_evidence) == (0.0, 1.0, 1.0)


def test_only_what_the_champion_said_is_asked_of_the_shadow():
    champion, challenger = Model("champion"), Model("challenger")
    predictions, _ = serve(champion)
    shadow = shadow_of(champion, challenger)
    shadow.champion = Model("another").announcement
    for vector, prediction in zip(vectors(), predictions, strict=True):
        shadow.handle([vector, prediction])
    assert challenger.asked == {}
