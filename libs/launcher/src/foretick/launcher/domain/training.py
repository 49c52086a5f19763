"""When a model has to be trained."""

from dataclasses import dataclass

from foretick.common.contracts import ModelDecision, ModelPublished


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the running predictor can serve: a model of these features, this horizon and this step."""

    schema_hash: str
    horizon_steps: int
    interval_ns: int

    def is_served_by(self, model: ModelPublished) -> bool:
        """Whether ``model`` takes these features, one vector of them, and predicts this."""
        return model.sequence_length == 1 and (model.schema_hash, model.horizon_steps, model.interval_ns) == (
            self.schema_hash,
            self.horizon_steps,
            self.interval_ns,
        )


@dataclass(frozen=True, slots=True)
class Known:
    """What the bus tells of the models: the latest announcement of each family, and the last decision."""

    announced: list[ModelPublished]
    decision: ModelDecision | None

    @property
    def newest_ns(self) -> int:
        """When the newest model was trained, wall clock; 0 without one. One of sequences answers no request."""
        return max((model.ts_trained_ns for model in self._models if model.sequence_length == 1), default=0)

    def is_enough_for(self, wanted: Wanted) -> bool:
        """Whether one of them can be served."""
        return any(wanted.is_served_by(model) for model in self._models)

    def asks_for_training(self, done_ns: int) -> bool:
        """Whether a training was asked for since the last one ended at ``done_ns``, and no model has come since."""
        asked_ns = self.decision.training_asked_ns if self.decision else None
        return asked_ns is not None and asked_ns > max(done_ns, self.newest_ns)

    @property
    def _models(self) -> list[ModelPublished]:
        champion = self.decision.champion if self.decision else None
        return [*self.announced, *([champion] if champion else [])]
