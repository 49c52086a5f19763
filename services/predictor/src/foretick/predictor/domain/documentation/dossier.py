"""What a document is made from: the record of a training, and what is known of the model that came of it."""

import msgspec

from foretick.common.contracts import DecisionKind, ModelDecision, ModelPublished
from foretick.predictor.domain.record import TrainingRecord

_CHANGES = (DecisionKind.PROMOTED, DecisionKind.ROLLED_BACK)


class Dossier(msgspec.Struct, frozen=True, kw_only=True):
    """A training's record; the model's announcement (None: the run was refused, or is told by its record alone).

    decisions: the trail of the family, oldest first
    """

    record: TrainingRecord
    model: ModelPublished | None = None
    decisions: list[ModelDecision] = []

    @property
    def title(self) -> str:
        """What the document is about."""
        return self.model.model_id if self.model else f"training run of seed {self.record.plan['seed']}"

    @property
    def about(self) -> list[ModelDecision]:
        """Decisions about the model, and those by which it came into service or left it."""
        if self.model is None:
            return []
        name = self.model.model_id
        return [
            one
            for one in self.decisions
            if one.model_id == name
            or (one.kind in _CHANGES and name in {each.model_id for each in (one.champion, one.predecessor) if each})
        ]
