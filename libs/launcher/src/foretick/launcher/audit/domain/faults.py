"""What an audit can find wrong, what it means, and what to do about it."""

from enum import Enum
from typing import NamedTuple

from foretick.launcher.audit.domain.spans import Span

_RESTORE = "restore the database from a backup, or replay the recording; the stream does not hold them any more"
_WRITERS = "look for two writers: foretick logs ingest.feed, and the leases of the instrument"


class FaultKind(Enum):
    """A way in which a record is not whole: its name, what it means, and what to do."""

    UNRECORDED = (
        "unrecorded",
        "JetStream holds events or messages that the recorder acknowledged, and no row has them",
        "stop the recorder, delete the rows of stream_offsets of that stream and start it: it reads the stream again",
    )
    MISSING = "missing", "events are in no row, and no gap record of ingest covers them", _RESTORE
    DOUBLED = "doubled", "one number has more than one row", _WRITERS
    CONFLICT = "conflict", "stream and row of one number differ in a value", "the rows were altered: " + _RESTORE
    EPOCH_FELL = "epoch fell", "a writer that had been replaced wrote after its successor", _WRITERS
    CHAIN_BROKEN = (
        "chain broken",
        "a feature vector does not name the one before it, and no gap record explains why",
        "foretick logs features.serve; its bus_unsent_total and sequence_lost_total say what it could not send or see",
    )
    VECTOR_REPEATED = "vector repeated", "one writer published two vectors as of the same event", _WRITERS
    NO_EVENT = "no event", "a vector or prediction is as of an event that is in no row and no gap record", _RESTORE
    NO_VECTOR = (
        "no vector",
        "a prediction was made from a vector that was never published, or differs from it",
        "look for two predictors or two feature services on this run",
    )
    PREDICTION_DOUBLED = (
        "prediction doubled",
        "one step of an instrument has two predictions with numbers",
        "look for two predictors: foretick logs predictor.serve",
    )
    NO_PREDICTION = (
        "no prediction",
        "an outcome settles a prediction that is in no row",
        _RESTORE,
    )

    def __init__(self, label: str, meaning: str, advice: str) -> None:
        self.label = label
        self.meaning = meaning
        self.advice = advice


class Fault(NamedTuple):
    """Something wrong with the numbers of ``span``; ``note`` says more where there is more to say."""

    kind: FaultKind
    span: Span
    note: str = ""
