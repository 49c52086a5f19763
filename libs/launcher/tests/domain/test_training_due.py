import pytest

from foretick.common.contracts import ModelPublished, Origin, Probabilities
from foretick.common.units import NS_PER_S
from foretick.launcher.domain.training import Wanted, wait_before_training_s

WANTED = Wanted(schema_hash="h1", horizon_steps=5, interval_ns=100_000_000)
NOW_NS = 1_800_000_000 * NS_PER_S


def model(age_s: int = 0, **changes: object) -> ModelPublished:
    fields: dict[str, object] = {
        "model_id": "ensemble-1", "name": "ensemble", "object_name": "o", "sha256": "", "size_bytes": 1,
        "trained_on": Origin.SIM, "schema_id": "s", "schema_hash": "h1", "feature_names": ["a"], "horizon_steps": 5,
        "interval_ns": 100_000_000, "flat_bps": {"*": 1.0}, "prior": Probabilities(down=0.3, flat=0.4, up=0.3),
        "member_names": ["rf"], "member_weights": [1.0], "metrics": {}, "rows": 1, "seed": 1,
        "ts_trained_ns": NOW_NS - age_s * NS_PER_S,
    }  # fmt: skip
    return ModelPublished(**{**fields, **changes})  # type: ignore[arg-type]


def test_empty_store_trains_at_once():
    assert wait_before_training_s([], WANTED, NOW_NS, 3600.0) == 0.0


@pytest.mark.parametrize("change", [{"schema_hash": "h2"}, {"horizon_steps": 6}, {"interval_ns": 200_000_000}])
def test_model_that_cannot_be_served_trains_at_once(change: dict[str, object]):
    assert wait_before_training_s([model(**change)], WANTED, NOW_NS, 3600.0) == 0.0


def test_young_model_waits_for_the_rest_of_the_interval():
    assert wait_before_training_s([model(age_s=600)], WANTED, NOW_NS, 3600.0) == 3000.0


def test_old_model_is_due():
    assert wait_before_training_s([model(age_s=4000)], WANTED, NOW_NS, 3600.0) == 0.0


def test_youngest_model_that_can_be_served_counts():
    models = [model(age_s=3000), model(age_s=600), model(age_s=1, schema_hash="h2")]
    assert wait_before_training_s(models, WANTED, NOW_NS, 3600.0) == 3000.0


def test_model_from_the_future_waits_no_longer_than_the_interval():
    assert wait_before_training_s([model(age_s=-500)], WANTED, NOW_NS, 3600.0) == 3600.0
