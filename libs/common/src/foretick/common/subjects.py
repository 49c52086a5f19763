"""The subject table: every NATS subject, what travels on it, who sends and receives it, and where it is kept.

The one source for streams, AsyncAPI, the contract tests and, later, NATS permissions. No other module spells a subject.
"""

from dataclasses import dataclass
from enum import StrEnum

from foretick.common.contracts import (
    BookFrame,
    Contract,
    DeadLetter,
    FeatureVector,
    Instrument,
    ModelPublished,
    Outcome,
    Prediction,
    TickFrame,
)

GIB = 1024**3
MIB = 1024**2
HOUR_S = 3600


class Plane(StrEnum):
    """Data plane: frames through the dispatcher. Control plane: FastStream with JetStream pull consumers."""

    DATA = "data"
    CONTROL = "control"


@dataclass(frozen=True, slots=True)
class Stream:
    """A JetStream stream: limits on age, size and messages per subject (-1: none)."""

    name: str
    max_age_s: int
    max_bytes: int
    max_msgs_per_subject: int = -1


MARKET = Stream("MARKET", 24 * HOUR_S, 2 * GIB)
FEATURES = Stream("FEATURES", 24 * HOUR_S, 1 * GIB)
PREDICTIONS = Stream("PREDICTIONS", 24 * HOUR_S, 1 * GIB)
OUTCOMES = Stream("OUTCOMES", 24 * HOUR_S, 512 * MIB)
INSTRUMENTS = Stream("INSTRUMENTS", 0, 16 * MIB, max_msgs_per_subject=1)
MODELS = Stream("MODELS", 0, 16 * MIB, max_msgs_per_subject=16)
DLQ = Stream("DLQ", 7 * 24 * HOUR_S, 64 * MIB)

MODEL_BUCKET = "models"
"""Object Store bucket of the ONNX graphs."""

EPOCH_BUCKET = "epochs"
"""KV bucket whose revisions are the fencing epochs."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A row of the table. ``tokens`` are the parts after ``root``; ``ttl_ms``: a consumer calls older data stale."""

    root: str
    tokens: tuple[str, ...]
    contract: type[Contract]
    plane: Plane
    producers: tuple[str, ...]
    consumers: tuple[str, ...]
    stream: Stream
    meaning: str
    ttl_ms: int | None = None

    @property
    def pattern(self) -> str:
        """The subject with ``{token}`` in place of each variable part, as AsyncAPI writes it."""
        return ".".join((self.root, *(f"{{{token}}}" for token in self.tokens)))

    @property
    def wildcard(self) -> str:
        """The NATS subscription that matches every subject of this row."""
        return ".".join((self.root, *("*" for _ in self.tokens)))

    def of(self, *values: str) -> str:
        """Return the concrete subject for ``values``, each escaped to be one token."""
        if len(values) != len(self.tokens):
            raise ValueError(f"{self.pattern} takes {len(self.tokens)} tokens, not {len(values)}")
        return ".".join((self.root, *(escape_token(value) for value in values)))


def escape_token(text: str) -> str:
    """Escape ``text`` into one subject token: ASCII letters, digits, ``-``, ``_`` stay, others become ``=XX`` (UTF-8).

    >>> escape_token("BTC/USD"), escape_token("BTCUSDT")
    ('BTC=2FUSD', 'BTCUSDT')
    """
    return "".join(
        chr(byte) if (chr(byte).isalnum() and byte < 128) or byte in b"-_" else f"={byte:02X}" for byte in text.encode()
    )


TICKS = Subject(
    "ticks", ("venue", "symbol"), TickFrame, Plane.DATA, ("ingest.feed",),
    ("features.serve", "gateway.api", "ingest.record"), MARKET,
    "Trades, best bid and ask, and clock events of an instrument", ttl_ms=3_000,
)  # fmt: skip
BOOKS = Subject(
    "books", ("venue", "symbol"), BookFrame, Plane.DATA, ("ingest.feed",),
    ("features.serve", "gateway.api", "ingest.record"), MARKET,
    "Order book snapshots, deltas and states of an instrument",
)  # fmt: skip
FEATURE_VECTORS = Subject(
    "features", ("venue", "symbol"), FeatureVector, Plane.DATA, ("features.serve",),
    ("predictor.serve", "gateway.api", "ingest.record"), FEATURES,
    "The feature vector of an instrument, one a step", ttl_ms=3_000,
)  # fmt: skip
PREDICTION_MESSAGES = Subject(
    "predictions", ("venue", "symbol"), Prediction, Plane.DATA, ("predictor.serve",),
    ("gateway.api", "ingest.record"), PREDICTIONS,
    "The prediction for an instrument, one a step, or the reason why it is withheld", ttl_ms=3_000,
)  # fmt: skip
OUTCOME_MESSAGES = Subject(
    "outcomes", ("venue", "symbol"), Outcome, Plane.DATA, ("predictor.serve",),
    ("gateway.api", "ingest.record"), OUTCOMES,
    "What became of a prediction, and the running score of its model",
)  # fmt: skip
INSTRUMENT_LISTINGS = Subject(
    "instruments", ("venue", "symbol"), Instrument, Plane.DATA, ("ingest.feed",),
    ("gateway.api", "ingest.record"), INSTRUMENTS,
    "An instrument as its venue lists it",
)  # fmt: skip
MODEL_ANNOUNCEMENTS = Subject(
    "models", ("name",), ModelPublished, Plane.CONTROL, ("predictor.train",),
    ("predictor.serve", "gateway.api"), MODELS,
    "A trained model is in the Object Store and may be served",
)  # fmt: skip
DEAD_LETTERS = Subject(
    "dlq", ("service",), DeadLetter, Plane.DATA,
    ("ingest.feed", "ingest.record", "features.serve", "predictor.serve", "gateway.api"),
    (), DLQ,
    "Input that a service could not use, for inspection",
)  # fmt: skip

TABLE: tuple[Subject, ...] = (
    TICKS, BOOKS, FEATURE_VECTORS, PREDICTION_MESSAGES, OUTCOME_MESSAGES, INSTRUMENT_LISTINGS, MODEL_ANNOUNCEMENTS,
    DEAD_LETTERS,
)  # fmt: skip

STREAMS: tuple[Stream, ...] = tuple(dict.fromkeys(subject.stream for subject in TABLE))


def subjects_of(stream: Stream) -> list[str]:
    """Return the wildcards that ``stream`` captures."""
    return [subject.wildcard for subject in TABLE if subject.stream is stream]
