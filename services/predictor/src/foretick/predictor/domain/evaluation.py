"""How good a model is on data it has not seen, against always answering with the class prior."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foretick.predictor.domain.ensemble import Floats
from foretick.quant.scoring.tallies import log_loss_rows

_RESAMPLES = 2_000
_LEVEL = (2.5, 97.5)


@dataclass(frozen=True, slots=True)
class Gain:
    """A mean paired difference with its 95 % block-bootstrap interval."""

    mean: float
    low: float
    high: float

    @property
    def is_positive(self) -> bool:
        """Whether the interval lies above zero."""
        return self.low > 0.0


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Model against prior on unseen rows. Log losses in nats; gains are positive where the model is better."""

    rows: int
    blocks: int
    log_loss: float
    prior_log_loss: float
    accuracy_frac: float
    prior_accuracy_frac: float
    log_loss_gain: Gain
    accuracy_gain: Gain

    @property
    def beats_prior(self) -> bool:
        """Whether both gains exclude zero."""
        return self.log_loss_gain.is_positive and self.accuracy_gain.is_positive


def evaluate(
    probabilities: Floats,
    prior: Floats,
    direction: NDArray[np.int64],
    block: NDArray[np.int64],
    rng: np.random.Generator,
) -> Evaluation:
    """Compare the model with the prior on rows that it has not seen.

    Rows next to each other share horizons, and instruments share moves, so whole blocks of time, all instruments
    together, are resampled (Kuensch 1989), each with both sides' losses: the difference is paired.

    probabilities: (n, 3); prior: (3); direction: (n) class indices; block: (n) which stretch of time a row is in
    """
    model_loss = log_loss_rows(probabilities, direction)
    prior_loss = log_loss_rows(np.tile(prior, (len(direction), 1)), direction)
    model_right = (probabilities.argmax(axis=1) == direction).astype(np.float64)
    prior_right = (direction == int(prior.argmax())).astype(np.float64)
    log_loss_gain, blocks = bootstrap_gain(prior_loss - model_loss, block, rng)
    accuracy_gain, _ = bootstrap_gain(model_right - prior_right, block, rng)
    return Evaluation(
        rows=len(direction),
        blocks=blocks,
        log_loss=float(model_loss.mean()),
        prior_log_loss=float(prior_loss.mean()),
        accuracy_frac=float(model_right.mean()),
        prior_accuracy_frac=float(prior_right.mean()),
        log_loss_gain=log_loss_gain,
        accuracy_gain=accuracy_gain,
    )


def bootstrap_gain(difference: Floats, block: NDArray[np.int64], rng: np.random.Generator) -> tuple[Gain, int]:
    """Return the mean of ``difference`` with its interval over resampled blocks, and the number of blocks."""
    _, index = np.unique(block, return_inverse=True)
    sums = np.bincount(index, weights=difference)
    counts = np.bincount(index).astype(np.float64)
    picks = rng.integers(0, len(sums), (_RESAMPLES, len(sums)))
    means = sums[picks].sum(axis=1) / counts[picks].sum(axis=1)
    low, high = np.percentile(means, _LEVEL)
    return Gain(float(difference.mean()), float(low), float(high)), len(sums)
