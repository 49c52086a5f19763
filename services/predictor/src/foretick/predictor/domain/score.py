"""The running score of a model on an instrument, over a bounded window of outcomes."""

from collections import deque
from collections.abc import Sequence
from math import log
from typing import NamedTuple

from foretick.common.contracts import LiveScore
from foretick.predictor.domain.classes import most_probable
from foretick.quant.scoring.tallies import LEAST_PROBABILITY


def log_loss_of(probability: float) -> float:
    """Return the negative log (nats) of the probability that was given to what came true.

    >>> round(log_loss_of(0.5), 4)
    0.6931
    """
    return -log(max(probability, LEAST_PROBABILITY))


class ScoredOutcome(NamedTuple):
    """What of an outcome is scored; log losses in nats. decided: the model did not abstain from it."""

    is_right: bool
    is_prior_right: bool
    log_loss: float
    prior_log_loss: float
    decided: bool


_NONE = (False, False, 0.0, 0.0, False, False)


class RunningScore:
    """Accuracy and log loss over the last ``capacity`` outcomes, against always answering with the prior.

    ``add`` is O(1): sums are kept, and computed anew each time the window has turned over, so that rounding never
    builds up however long the process lives.
    """

    __slots__ = ("_capacity", "_entries", "_prior", "_prior_class", "_sums", "_until_resum")

    def __init__(self, prior: Sequence[float], capacity: int) -> None:
        self._prior = tuple(prior)
        self._prior_class = most_probable(prior)
        self._capacity = capacity
        self._entries: deque[tuple[float, ...]] = deque()
        self._sums = [0.0] * len(_NONE)
        self._until_resum = capacity

    def add(self, probabilities: Sequence[float], realised: int, *, decided: bool = True) -> ScoredOutcome:
        """Count an outcome; return what of it is scored."""
        scored = ScoredOutcome(
            most_probable(probabilities) == realised,
            self._prior_class == realised,
            log_loss_of(probabilities[realised]),
            log_loss_of(self._prior[realised]),
            decided,
        )
        self.restore(scored)
        return scored

    def restore(self, scored: ScoredOutcome) -> None:
        """Count an outcome that was scored before."""
        entry = (*scored, scored.is_right and scored.decided)
        self._entries.append(entry)
        gone = self._entries.popleft() if len(self._entries) > self._capacity else _NONE
        self._sums = [total + new - old for total, new, old in zip(self._sums, entry, gone, strict=True)]
        self._until_resum -= 1
        if self._until_resum == 0:
            self._sums = [float(sum(column)) for column in zip(*self._entries, strict=True)]
            self._until_resum = self._capacity

    def read(self) -> LiveScore:
        """Return the score of the window; all zero while it is empty."""
        count = len(self._entries)
        right, _, _, _, decided, decided_right = self._sums
        means = [total / count if count else 0.0 for total in self._sums]
        return LiveScore(
            count=count,
            accuracy_frac=means[0],
            prior_accuracy_frac=means[1],
            log_loss=means[2],
            prior_log_loss=means[3],
            decided=int(decided),
            decided_accuracy_frac=decided_right / decided if decided else None,
            abstained_accuracy_frac=(right - decided_right) / (count - decided) if count > decided else None,
        )
