"""Requests for explanations: what is answered, and why where nothing is."""

import msgspec
import pytest

from foretick.common.contracts import Explanation, ModelPublished, Trust
from foretick.common.errors import Refused
from foretick.common.testing.builders import feature_vector
from foretick.predictor.domain.explaining import Attribution, compose_explanation
from foretick.predictor.handlers.explaining import ExplanationHandler
from foretick.predictor.handlers.serving import Latest

KEY = ("sim", "BTCUSDT")
NAMES = ["spread_bps", "rsi_14", "unknown"]
TOLD = Attribution([0.1, -0.3, 0.05], -0.02, -0.17, (0.4, 0.37, 0.23))


def model(**changes):
    fields = {
        "model_id": "ensemble-1", "name": "ensemble", "object_name": "o", "sha256": "", "size_bytes": 1,
        "trained_on": "sim", "schema_id": "s", "schema_hash": "0" * 16, "feature_names": NAMES, "horizon_steps": 5,
        "interval_ns": 100_000_000, "flat_bps": {"*": 0.5}, "prior": {"down": 0.25, "flat": 0.5, "up": 0.25},
        "member_names": ["a"], "member_weights": [1.0], "metrics": {}, "rows": 1, "seed": 0, "ts_trained_ns": 1,
    }  # fmt: skip
    return msgspec.convert(fields | changes, ModelPublished)


class Served:
    """A model whose explanation is known."""

    columns = (2, 0, 1)

    def __init__(self, announcement, error=None):
        self.announcement, self.error = announcement, error

    def explain(self, vector, weights):
        self.weights = weights
        if self.error:
            raise self.error
        return TOLD


class Vectors:
    """What the handler sees of the predictions."""

    def __init__(self, served, *vectors):
        self.model = served
        self.latest = {(vector.venue, vector.symbol): Latest(vector, [0.7, 0.3]) for vector in vectors}


class Meters:
    """Counts answers."""

    def __init__(self):
        self.answers = []

    def explained(self, result):
        self.answers.append(result)


def vector(**changes):
    return feature_vector([7.0, 8.0, 9.0], schema_hash="0" * 16, **changes)


def test_explanation_lists_features_by_size_with_their_values_and_kinds():
    told = compose_explanation(vector(), model(), (2, 0, 1), TOLD)
    assert [(one.name, one.value, one.contribution) for one in told.contributions] == [
        ("rsi_14", 7.0, -0.3), ("spread_bps", 9.0, 0.1), ("unknown", 8.0, 0.05),
    ]  # fmt: skip
    assert told.baseline + sum(one.contribution for one in told.contributions) == pytest.approx(told.answer)
    assert {one.name: bool(one.group and one.unit) for one in told.contributions}["unknown"] is False
    assert (told.model_id, told.asof_seq, told.trust) == ("ensemble-1", vector().asof_seq, Trust.LIVE)
    assert msgspec.json.decode(msgspec.json.encode(told), type=Explanation) == told


def test_request_is_answered_and_counted():
    meters = Meters()
    served = Served(model())
    reply = ExplanationHandler(Vectors(served, vector()), meters).reply(KEY)
    assert served.weights == [0.7, 0.3], "those that the prediction was made with"
    assert reply.refusal is None
    assert reply.explanation.answer == TOLD.answer
    assert meters.answers == ["given"]


@pytest.mark.parametrize(
    ("vectors", "code", "says"),
    [
        (Vectors(Served(model())), "no_prediction", "no feature vector"),
        (Vectors(None, vector()), "withheld", "no_model"),
        (Vectors(Served(model()), vector(trust=Trust.GAP)), "withheld", "untrusted"),
        (Vectors(Served(model(schema_hash="other")), vector()), "withheld", "schema_mismatch"),
        (Vectors(Served(model(), Refused("no_explanation", "too old")), vector()), "no_explanation", "too old"),
    ],
)
def test_request_without_an_answer_gets_the_reason(vectors, code, says):
    meters = Meters()
    reply = ExplanationHandler(vectors, meters).reply(KEY)
    assert reply.explanation is None
    assert (reply.refusal.code, says in reply.refusal.message) == (code, True)
    assert meters.answers == [code]


def test_instrument_that_is_given_away_is_forgotten():
    handler = ExplanationHandler(Vectors(Served(model()), vector()), Meters())
    handler.forget(KEY)
    assert handler.reply(KEY).refusal.code == "no_prediction"
