"""What a graph says of its rows, and why one is refused."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from foretick.common.errors import Refused

FEATURES, WEIGHTS = "features", "weights"
PROBABILITIES, EXPECTED_RETURN, MEMBERS = "probabilities", "expected_return", "members"
CLASSES = 3


class ModelRefused(Refused):
    """A graph that cannot be served: it does not load, is of another shape, or its kernel disagrees with it."""

    def __init__(self, message: str) -> None:
        super().__init__("model_refused", message, "train again with this version")


class ModelOutput(NamedTuple):
    """Predictions of n rows: ``probabilities`` (n, 3), ``expected_return_bps`` (n), ``members`` (n, members, 3)."""

    probabilities: NDArray[np.float32]
    expected_return_bps: NDArray[np.float32]
    members: NDArray[np.float32]
