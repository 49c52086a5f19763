"""What the handlers need of the outside. The parts of a training run are in ``domain.training``."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from foretick.common.contracts import (
    Calibration,
    ExplanationReply,
    FeatureVector,
    ModelDecision,
    ModelLife,
    ModelPublished,
    Outcome,
    Prediction,
)
from foretick.common.ownership import InstrumentKey
from foretick.common.subjects import Subject
from foretick.predictor.domain.explaining import Attribution
from foretick.predictor.domain.ledger import Intake
from foretick.predictor.domain.life.window import Reference
from foretick.predictor.domain.predicting import Numbers


class ServedModel(Protocol):
    """A model that is ready to predict."""

    @property
    def announcement(self) -> ModelPublished:
        """What was announced of it."""
        ...

    @property
    def columns(self) -> Sequence[int]:
        """Which values of a vector it takes, in its order."""
        ...

    def predict(
        self, vectors: Sequence[FeatureVector], weights: Sequence[Sequence[float]] | None = None
    ) -> list[Numbers]:
        """Return the model's numbers for each vector, in order; ``weights``: of its members, for each of them."""
        ...

    def explain(self, vector: FeatureVector, weights: Sequence[float] | None = None) -> Attribution:
        """Return what each feature adds to the answer for ``vector``; ``weights``: of its members.

        Raises:
            Refused: the model was made before explanations.
        """
        ...


class ModelLoader(Protocol):
    """Brings an announced model into memory."""

    async def load(self, announcement: ModelPublished) -> ServedModel:
        """Fetch, check and warm up the model.

        Raises:
            Refused: the object is not what was announced, or does not fit this service.
            Transient: the store is away.
        """
        ...


class ModelStore(Protocol):
    """Keeps graphs and records by object name."""

    async def put(self, object_name: str, payload: bytes) -> None:
        """Store ``payload``.

        Raises:
            Transient: the store is away.
        """
        ...


class RecordShelf(Protocol):
    """Keeps the records of training runs where an operator finds them."""

    def keep(self, name: str, payload: bytes) -> object:
        """Keep the record; return where it is.

        Raises:
            Transient: it cannot be kept.
        """
        ...


class Outlet(Protocol):
    """Where messages go; each is stamped with the wall clock as it leaves."""

    def send_prediction(self, prediction: Prediction) -> None:
        """Publish a prediction."""
        ...

    def send_outcome(self, outcome: Outcome) -> None:
        """Publish an outcome."""
        ...

    def send_calibration(self, calibration: Calibration) -> None:
        """Publish how far predictions meant what they said."""
        ...

    async def flush(self) -> None:
        """Wait until everything published so far has left."""
        ...


class VectorFeed(Protocol):
    """The live feature vectors."""

    async def follow(self, keys: Sequence[InstrumentKey]) -> None:
        """Receive the vectors of ``keys`` from now on: none that is stored after the return will be missing."""
        ...

    async def leave(self, keys: Sequence[InstrumentKey]) -> None:
        """Receive the vectors of ``keys`` no longer."""
        ...


class ExplanationDesk(Protocol):
    """Where requests for explanations are answered."""

    def reply(self, key: InstrumentKey) -> ExplanationReply:
        """Return the explanation of an instrument's latest prediction, or why there is none."""
        ...

    def forget(self, key: InstrumentKey) -> None:
        """Forget an instrument that is no longer ours."""
        ...


class Meters(Protocol):
    """What is counted and timed."""

    def took(self, intake: Intake) -> None:
        """Count a vector by what became of it."""
        ...

    def conflated(self) -> None:
        """Count a vector that a newer one of its instrument replaced."""
        ...

    def inferring(self, rows: int) -> AbstractContextManager[object]:
        """Time a call of the graph with that many rows."""
        ...

    def predicted(self, prediction: Prediction) -> None:
        """Count a prediction."""
        ...

    def settled(self, outcome: Outcome) -> None:
        """Count an outcome and show the running score."""
        ...

    def calibrated(self, calibration: Calibration) -> None:
        """Show how far predictions meant what they said."""
        ...

    def gave_up(self, count: int) -> None:
        """Count predictions that will have no outcome."""
        ...

    def explained(self, result: str) -> None:
        """Count a request for an explanation: ``given``, or the code of the refusal."""
        ...

    def model(self, result: str) -> None:
        """Count a model that was decided to serve: ``served`` or ``refused``."""
        ...


class Log(Protocol):
    """A structured log."""

    def info(self, event: str, **fields: Any) -> None:
        """Log what happened."""
        ...

    def warning(self, event: str, **fields: Any) -> None:
        """Log what someone should look at."""
        ...


class Tail(Protocol):
    """The newest messages of a subject's stream."""

    async def read(self, subject: Subject, count: int) -> list[Any]:
        """Return the decoded messages of ``subject`` among the last ``count`` of its stream, oldest first."""
        ...


class Trail(Protocol):
    """The audit trail of the models' life."""

    async def read(self) -> tuple[list[ModelPublished], list[ModelDecision], int]:
        """Return announcements and decisions, oldest first, and the place of the last decision (0: there is none).

        Raises:
            Transient: the bus did not answer.
        """
        ...

    async def record(self, decision: ModelDecision, after: int) -> bool:
        """Append ``decision`` if the last one is still that at place ``after``; return whether it was.

        Raises:
            Transient: it was not acknowledged.
        """
        ...


class References(Protocol):
    """What models were trained on."""

    async def fetch(self, model: ModelPublished) -> Reference:
        """Return the drift reference of ``model``.

        Raises:
            Refused: it has none, or what is stored is not what was announced.
            Transient: the store is away.
        """
        ...


class LifeMeters(Protocol):
    """What is shown of the models' life."""

    def decided(self, decision: ModelDecision) -> None:
        """Count a decision."""
        ...

    def lives(self, life: ModelLife) -> None:
        """Show the present state."""
        ...
