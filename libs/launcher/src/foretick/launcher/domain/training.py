"""When a model has to be trained."""

from dataclasses import dataclass

from foretick.common.contracts import ModelPublished
from foretick.common.units import NS_PER_S


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the running predictor can serve: a model of these features, this horizon and this step."""

    schema_hash: str
    horizon_steps: int
    interval_ns: int

    def is_served_by(self, model: ModelPublished) -> bool:
        """Whether ``model`` takes these features and predicts this."""
        return (model.schema_hash, model.horizon_steps, model.interval_ns) == (
            self.schema_hash,
            self.horizon_steps,
            self.interval_ns,
        )


def wait_before_training_s(
    models: list[ModelPublished], wanted: Wanted, now_ns: int, retrain_interval_s: float
) -> float:
    """Return the seconds until the next training is due; 0 when nothing in the store can be served.

    Args:
        models: the latest announcement of each model family
        wanted: what the predictor needs
        now_ns: wall clock
        retrain_interval_s: age at which a model is replaced
    """
    trained_ns = [model.ts_trained_ns for model in models if wanted.is_served_by(model)]
    if not trained_ns:
        return 0.0
    age_s = max(now_ns - max(trained_ns), 0) / NS_PER_S
    return max(retrain_interval_s - age_s, 0.0)
