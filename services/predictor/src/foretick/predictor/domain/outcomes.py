"""Predictions of an instrument that wait for their horizon to pass."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from math import log

from foretick.common.contracts import FeatureVector, Prediction, Trust
from foretick.common.units import bps_from_frac


@dataclass(frozen=True, slots=True)
class Pending:
    """A prediction with numbers; the class prior (down, flat, up) and members' weights of the model that made it."""

    prediction: Prediction
    prior: tuple[float, float, float]
    weights: Sequence[float] = ()


@dataclass(frozen=True, slots=True)
class Realised:
    """A prediction, the vector that ended its horizon, and the log return of the mid between them."""

    pending: Pending
    vector: FeatureVector
    return_bps: float


class PendingOutcomes:
    """The predictions of one instrument whose outcome is not known yet: at most ``horizon_steps``.

    A horizon ends with the first vector at ``step + horizon_steps`` or later. Where that lies twice the horizon ahead
    or more, or has no mid from a sound book, there is no fair outcome and the prediction is given up.
    ``foretick.quant.labels`` labels training by the same rule.
    """

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: deque[Pending] = deque()

    def __len__(self) -> int:
        """Return how many predictions wait."""
        return len(self._waiting)

    def add(self, pending: Pending) -> None:
        """Wait for the outcome of a prediction; they come in order of their step."""
        self._waiting.append(pending)

    def observe(self, vector: FeatureVector) -> tuple[list[Realised], int]:
        """Take the next vector; return the predictions whose horizon it ends, and how many were given up."""
        realised: list[Realised] = []
        given_up = 0
        while self._waiting:
            prediction = self._waiting[0].prediction
            elapsed_steps = vector.step - prediction.step
            if elapsed_steps < prediction.horizon_steps:
                break
            pending = self._waiting.popleft()
            in_time = elapsed_steps < 2 * prediction.horizon_steps and vector.trust is Trust.LIVE
            if not in_time or vector.mid is None or prediction.mid is None:
                given_up += 1
            else:
                realised.append(Realised(pending, vector, bps_from_frac(log(vector.mid / prediction.mid))))
        return realised, given_up
