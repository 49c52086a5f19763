"""A model takes the features that it names, wherever they stand in the vector, and no notice of the others."""

from hashlib import sha256

import msgspec
import numpy as np
import pytest

from foretick.common.contracts import ModelPublished, Withheld
from foretick.common.errors import Refused
from foretick.common.testing.builders import feature_vector
from foretick.predictor.adapters.learners.client import LibraryLearner, Sizes
from foretick.predictor.adapters.onnx.client import OnnxModelLoader
from foretick.predictor.domain.admission import ServingTerms
from foretick.predictor.domain.withholding import reason_to_withhold

VECTOR = ("a", "b", "c", "d", "e")
TAKES = ("d", "a", "e")
COLUMNS = (3, 0, 4)
TERMS = ServingTerms("h", VECTOR, 100_000_000, 5)
LEARNER = LibraryLearner(1, Sizes(forest_trees=4, boosting_rounds=3, min_leaf_rows=5, network_epochs=1))
RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(600, len(VECTOR))).astype(np.float32)


@pytest.fixture(scope="module")
def graph():
    fitted = LEARNER.fit(ROWS[:, COLUMNS], RNG.integers(0, 3, 600), 0)
    return fitted.export(np.array([-1.0, 0.0, 1.0]), 0)


def announce(graph, names=TAKES):
    fields = {
        "model_id": "m", "name": "ensemble", "object_name": "m.onnx", "sha256": sha256(graph).hexdigest(),
        "size_bytes": len(graph), "trained_on": "sim", "schema_id": "s", "schema_hash": "h",
        "feature_names": list(names), "horizon_steps": 5, "interval_ns": 100_000_000, "flat_bps": {"*": 0.5},
        "prior": {"down": 0.25, "flat": 0.5, "up": 0.25}, "member_names": ["a", "b", "c", "d", "e"],
        "member_weights": [0.2] * 5, "metrics": {}, "rows": 600, "seed": 0, "ts_trained_ns": 1,
    }  # fmt: skip
    return msgspec.convert(fields, ModelPublished)


async def load(graph, names=TAKES):
    async def fetch(_: str) -> bytes:
        return graph

    return await OnnxModelLoader(fetch, TERMS).load(announce(graph, names))


async def test_inputs_are_taken_by_name_and_the_rest_may_be_missing(graph):
    model = await load(graph)
    values = [float(value) for value in ROWS[0]]
    spoilt = [None if at not in COLUMNS else value for at, value in enumerate(values)]
    vectors = [feature_vector(row, schema_hash="h") for row in (values, spoilt)]
    assert [reason_to_withhold(vector, model.announcement, model.columns) for vector in vectors] == [None, None]
    wanted = LEARNER.run_graph(graph, np.full(5, 0.2), ROWS[:1, COLUMNS])[0]
    for numbers in model.predict(vectors):
        np.testing.assert_allclose(numbers.probabilities, wanted, atol=1e-6)


async def test_missing_input_withholds(graph):
    model = await load(graph)
    missing = feature_vector([1.0, 1.0, 1.0, None, 1.0], schema_hash="h")
    assert reason_to_withhold(missing, model.announcement, model.columns) is Withheld.WARMING_UP


async def test_vector_too_short_for_the_inputs_is_of_another_schema(graph):
    model = await load(graph)
    short = feature_vector([1.0, 1.0], schema_hash="h")
    assert reason_to_withhold(short, model.announcement, model.columns) is Withheld.SCHEMA_MISMATCH


async def test_model_of_unknown_features_is_refused(graph):
    with pytest.raises(Refused, match="takes z, which this service does not make"):
        await load(graph, ("a", "b", "z"))
