"""What a training run is made of: who fits, what is fitted, and where the data come from."""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from foretick.common.contracts import Origin
from foretick.common.errors import Refused
from foretick.predictor.domain.adequacy import Sample
from foretick.predictor.domain.classes import CLASSES
from foretick.predictor.domain.gate import Parity
from foretick.predictor.domain.stacking import MemberLearner, Members

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Sizes = TypeVar("Sizes", bound="DataclassInstance")


def resize(usual: Sizes, given: Mapping[str, float], whose: str) -> Sizes:
    """Return the ``usual`` sizes with those ``given`` by name, whole where the usual ones are.

    whose: what has these sizes, in the plural, for people

    Raises:
        Refused: there is no size of that name.
    """
    known = {field.name: field.type for field in fields(usual)}
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise Refused("no_size", f"{whose} have no {', '.join(unknown)}", f"they have {', '.join(known)}")
    return replace(usual, **{name: int(value) if known[name] is int else value for name, value in given.items()})


def refuse_missing_class(classes: NDArray[np.int64]) -> None:
    """Refuse rows to fit on in which not every class occurs.

    Raises:
        ValueError: one does not.
    """
    found = np.unique(classes)
    if len(found) != len(CLASSES):
        raise ValueError(f"all {len(CLASSES)} classes must occur in training, not only {found.tolist()}")


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
