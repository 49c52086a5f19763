"""Where a model stands with a vector: the weights that its members have there, and how sure its answer may be."""

from collections.abc import Sequence
from dataclasses import dataclass

from foretick.common.contracts import FeatureVector, ModelPublished
from foretick.predictor.domain.classes import values_of
from foretick.predictor.domain.ledger import Ledger
from foretick.predictor.domain.predicting import Forecast, Numbers
from foretick.predictor.domain.regimes import Places, Reading
from foretick.predictor.domain.track_record import TrackRecord


@dataclass(frozen=True, slots=True)
class Standing:
    """The model's record on the instrument, and what the vector says of its regime."""

    record: TrackRecord
    reading: Reading

    @property
    def weights(self) -> Sequence[float]:
        """The members' weights for this vector."""
        return self.record.weights_in(self.reading.regime)

    def forecast(self, numbers: Numbers) -> Forecast:
        """Return ``numbers``, with how sure they are by what is known now."""
        return Forecast(numbers, self.record.assess(numbers, self.reading))


def standings_of(
    ledger: Ledger, model: ModelPublished, places: Places, vectors: Sequence[FeatureVector]
) -> list[Standing]:
    """Return where ``model`` stands with each of ``vectors``, in order."""
    prior, trained = values_of(model.prior), model.member_weights
    return [
        Standing(
            ledger.record_of((one.venue, one.symbol), model.model_id, prior, trained), places.read(one.values)
        )
        for one in vectors
    ]  # fmt: skip
