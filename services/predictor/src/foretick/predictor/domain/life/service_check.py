"""Whether the model that was promoted is the one that predicts."""

from dataclasses import dataclass

from foretick.common.contracts import Prediction, Withheld
from foretick.common.units import NS_PER_S

_MODELS_FAULT = (Withheld.NO_MODEL, Withheld.SCHEMA_MISMATCH)


@dataclass(slots=True)
class ServiceCheck:
    """Counts predictions since a promotion, by whether the promoted model made them.

    since_ns: wall clock of the promotion; patience_s: a process fetches and checks a model in about a second
    A market that is quiet proves nothing: without predictions of others there is no finding.
    """

    model_id: str
    since_ns: int
    patience_s: float = 60.0
    served: int = 0
    others: int = 0

    def take(self, prediction: Prediction) -> None:
        """Count a prediction."""
        if prediction.model_id == self.model_id and prediction.withheld not in _MODELS_FAULT:
            self.served += 1
        else:
            self.others += 1

    def is_broken(self, now_ns: int) -> bool:
        """Whether others go on predicting, or nobody can, long after the promotion."""
        is_late = now_ns - self.since_ns > self.patience_s * NS_PER_S
        return is_late and not self.served and self.others > 0
