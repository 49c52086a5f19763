"""What a training run is made of: who fits, what is fitted, and where the data come from."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from foretick.common.contracts import Origin
from foretick.predictor.domain.adequacy import Sample
from foretick.predictor.domain.gate import Parity
from foretick.predictor.domain.stacking import MemberLearner, Members


class Ensemble(Members, Protocol):
    """Fitted members that can be exported."""

    @property
    def names(self) -> tuple[str, ...]:
        """The members' names, in order."""
        ...

    def export(self, slopes: NDArray[np.float64], volatility_feature: int, temperature: float | None = None) -> bytes:
        """Return all members as one graph; ``slopes`` and the volatility give the expected return.

        ``temperature`` calibrates their blend; None leaves it as it is.
        """
        ...


class Learner(MemberLearner[Ensemble], Protocol):
    """Fits the members and runs the exported graph."""

    @property
    def sizes(self) -> Mapping[str, float]:
        """How large the members are, by name."""
        ...

    def resize(self, sizes: Mapping[str, float]) -> "Learner":
        """Return a learner of members with ``sizes``, by name, and the usual ones for the others.

        Raises:
            Refused: there is no size of that name.
        """
        ...

    def run_graph(
        self, graph: bytes, weights: NDArray[np.float64], features: NDArray[np.float32]
    ) -> NDArray[np.float64]:
        """Return the graph's probabilities (n, 3)."""
        ...

    def compare(
        self,
        graph: bytes,
        weights: NDArray[np.float64],
        features: NDArray[np.float32],
        ensemble: Ensemble,
        temperature: float | None = None,
    ) -> tuple[Parity, Parity | None]:
        """Compare the graph with its members and its temperature, and the kernel that serves, if one does, with it."""
        ...

    def add_reference(self, graph: bytes, features: NDArray[np.float32]) -> bytes:
        """Return the graph with what its answers are explained by: ``features`` (n, features) that it learnt from."""
        ...

    def explain(self, graph: bytes, weights: NDArray[np.float64], features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return what each feature adds to P(up) - P(down) of each row, over all vectors of it: (n, features)."""
        ...

    def time_row(self, graph: bytes, weights: NDArray[np.float64], features: NDArray[np.float32]) -> float:
        """Return the time of one row in microseconds, as it is served."""
        ...


class TrainingHistory(Protocol):
    """Where the data come from: a part to learn from, and one that no member, weight or search may see."""

    @property
    def origin(self) -> Origin:
        """Whose market it is."""
        ...

    @property
    def description(self) -> Mapping[str, object]:
        """What it was made from, as the run record says it."""
        ...

    def known(self, seed: int) -> Sample:
        """Return what may be learnt from. The seed chooses a simulated market; a recorded one is what it is.

        Raises:
            Refused: there is nothing to learn from; the hint says what to do.
            Malformed: the data are damaged.
            Transient: where they are kept does not answer.
        """
        ...

    def unseen(self, seed: int) -> Sample:
        """Return what is tested on, later than all that is known. Raises as ``known``."""
        ...
