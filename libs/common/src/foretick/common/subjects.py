"""The subject table: every NATS subject, what travels on it, who sends and receives it, and where it is kept.

The one source of streams, buckets, AsyncAPI, the contract tests and NATS permissions; no other module spells a subject.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from foretick.common.contracts import (
    Bar,
    BookFrame,
    Calibration,
    ConsolidatedQuote,
    Contract,
    Correlations,
    CrossSection,
    DeadLetter,
    ExplanationReply,
    FeatureHealth,
    FeatureVector,
    Instrument,
    ModelDecision,
    ModelLife,
    ModelPublished,
    Outcome,
    ParityCertificate,
    Prediction,
    TickFrame,
    VenueStatus,
)

_TOKEN = re.compile(r"(?:[A-Za-z0-9_-]|=[0-9A-F]{2})+")

GIB = 1024**3
MIB = 1024**2
HOUR_S = 3600
DAY_S = 24 * HOUR_S

ROLES: tuple[str, ...] = (
    "ingest.feed", "ingest.record", "ingest.consolidate", "features.serve", "features.correlate", "features.certify",
    "predictor.serve", "predictor.watch", "predictor.train",
    "gateway.api", "gateway.feed",
)  # fmt: skip
"""Every role that speaks to the bus, as ``service.role``; each is a NATS user."""

OPERATOR = "operator"
"""The NATS user of the launcher and of whoever looks after the system: may do everything."""


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


MARKET = Stream("MARKET", DAY_S, 2 * GIB)
FEATURES = Stream("FEATURES", DAY_S, 1 * GIB)
BARS = Stream("BARS", HOUR_S // 2, 256 * MIB)
PREDICTIONS = Stream("PREDICTIONS", DAY_S, 1 * GIB)
OUTCOMES = Stream("OUTCOMES", DAY_S, 512 * MIB)
CALIBRATIONS = Stream("CALIBRATIONS", HOUR_S, 64 * MIB, max_msgs_per_subject=1)
INSTRUMENTS = Stream("INSTRUMENTS", 0, 16 * MIB, max_msgs_per_subject=1)
VENUES = Stream("VENUES", HOUR_S, 16 * MIB, max_msgs_per_subject=1)
CONSOLIDATED = Stream("CONSOLIDATED", HOUR_S, 64 * MIB, max_msgs_per_subject=1)
CORRELATIONS = Stream("CORRELATIONS", HOUR_S, 64 * MIB, max_msgs_per_subject=1)
CROSS = Stream("CROSS", HOUR_S // 2, 64 * MIB)
CERTIFICATES = Stream("CERTIFICATES", DAY_S, 16 * MIB, max_msgs_per_subject=1)
FEATURE_HEALTH = Stream("FEATURE_HEALTH", HOUR_S, 16 * MIB, max_msgs_per_subject=1)
MODELS = Stream("MODELS", 0, 16 * MIB, max_msgs_per_subject=16)
MODEL_TRAIL = Stream("MODEL_TRAIL", 0, 64 * MIB)
MODEL_STATES = Stream("MODEL_STATES", HOUR_S, 8 * MIB)
DLQ = Stream("DLQ", 7 * DAY_S, 64 * MIB)


class BucketKind(StrEnum):
    """What a bucket keeps: small values by key, or large objects in chunks."""

    KEY_VALUE = "key-value"
    OBJECTS = "objects"


@dataclass(frozen=True, slots=True)
class Bucket:
    """A JetStream bucket: the latest value of each key, or objects.

    keys: what a writer may write, NATS wildcards over keys; ``{service}`` is the writer's service
    max_age_s: how long a value is kept after it was written, 0 for ever
    changes: under this root every value is sent again once it is stored, so that who hears of it also reads it.
        Who listens to the write itself hears of it earlier, and may read the value before.
    """

    name: str
    kind: BucketKind
    meaning: str
    writers: tuple[str, ...]
    max_bytes: int
    readers: tuple[str, ...] = ()
    keys: tuple[str, ...] = (">",)
    max_age_s: int = 0
    changes: str = ""

    @property
    def stream_name(self) -> str:
        """The stream that holds it, as every NATS client names it."""
        return f"{'KV' if self.kind is BucketKind.KEY_VALUE else 'OBJ'}_{self.name}"

    @property
    def roots(self) -> tuple[str, ...]:
        """What its stream's subjects begin with: of the values, or of the objects' chunks and descriptions."""
        if self.kind is BucketKind.KEY_VALUE:
            return (f"$KV.{self.name}",)
        return f"$O.{self.name}.C", f"$O.{self.name}.M"

    def keys_of(self, service: str) -> tuple[str, ...]:
        """Return what a writer of ``service`` may write: NATS wildcards over keys."""
        return tuple(key.format(service=service) for key in self.keys)


EPOCHS = Bucket(
    "epochs", BucketKind.KEY_VALUE,
    "Its revisions are the fencing epochs: of processes, and of the leases on instruments; and the run's id",
    writers=ROLES, keys=("run", "{service}.*", "lease.{service}.>", "shards.{service}", "shards.{service}.*"),
    max_bytes=16 * MIB, changes="epoch_changes",
)  # fmt: skip
FEATURE_STATES = Bucket(
    "feature_states", BucketKind.KEY_VALUE, "Where a restarted features process goes on: the state of each instrument",
    writers=("features.serve",), readers=("features.certify",), max_bytes=256 * MIB, max_age_s=DAY_S,
)  # fmt: skip
MODEL_GRAPHS = Bucket(
    "models", BucketKind.OBJECTS, "The graphs of announced models, drift references, cards and records of training",
    writers=("predictor.train",), readers=("predictor.serve", "predictor.watch"), max_bytes=512 * MIB,
)  # fmt: skip
REPLAYED_LETTERS = Bucket(
    "replayed_letters", BucketKind.KEY_VALUE, "Which dead letters were published again: one key a letter",
    writers=(OPERATOR,), max_bytes=16 * MIB, max_age_s=8 * DAY_S,
)  # fmt: skip

BUCKETS: tuple[Bucket, ...] = (EPOCHS, FEATURE_STATES, MODEL_GRAPHS, REPLAYED_LETTERS)


@dataclass(frozen=True, slots=True)
class Address:
    """Subjects that differ in some tokens: ``root``, then one value for each of ``tokens``."""

    root: str
    tokens: tuple[str, ...]

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


@dataclass(frozen=True, slots=True)
class Subject(Address):
    """A row of the table. ``tokens`` are the parts after ``root``; ``ttl_ms``: a consumer calls older data stale."""

    contract: type[Contract]
    plane: Plane
    producers: tuple[str, ...]
    consumers: tuple[str, ...]
    stream: Stream
    meaning: str
    ttl_ms: int | None = None


def escape_token(text: str) -> str:
    """Escape ``text`` into one subject token: ASCII letters, digits, ``-``, ``_`` stay, others become ``=XX`` (UTF-8).

    >>> escape_token("BTC/USD"), escape_token("BTCUSDT")
    ('BTC=2FUSD', 'BTCUSDT')
    """
    return "".join(
        chr(byte) if (chr(byte).isalnum() and byte < 128) or byte in b"-_" else f"={byte:02X}" for byte in text.encode()
    )


def holder_call(service: str, holder: str) -> str:
    """Return the request subject on which a holder of leases says that it is there; it replies with nothing."""
    return f"rpc.{service}.holder.{escape_token(holder)}"


TICKS = Subject(
    "ticks", ("venue", "symbol"), TickFrame, Plane.DATA, ("ingest.feed",),
    ("features.serve", "features.certify", "gateway.api", "gateway.feed", "ingest.record", "ingest.consolidate"),
    MARKET, "Trades, best bid and ask, clock events, and what is said of derivatives, of an instrument", ttl_ms=3_000,
)  # fmt: skip
BOOKS = Subject(
    "books", ("venue", "symbol"), BookFrame, Plane.DATA, ("ingest.feed",),
    ("features.serve", "features.certify", "gateway.api", "gateway.feed", "ingest.record", "ingest.consolidate"),
    MARKET, "Order book snapshots, deltas and states of an instrument",
)  # fmt: skip
FEATURE_VECTORS = Subject(
    "features", ("venue", "symbol"), FeatureVector, Plane.DATA, ("features.serve",),
    ("predictor.serve", "predictor.watch", "features.certify", "gateway.api", "gateway.feed", "ingest.record"),
    FEATURES, "The feature vector of an instrument, one a step", ttl_ms=3_000,
)  # fmt: skip
BAR_MESSAGES = Subject(
    "bars", ("venue", "symbol", "timeframe"), Bar, Plane.DATA, ("features.serve",),
    ("features.correlate", "gateway.api", "gateway.feed"), BARS,
    "Bars of an instrument: the one under way, now and then, and each one that has closed", ttl_ms=3_000,
)  # fmt: skip
PREDICTION_MESSAGES = Subject(
    "predictions", ("venue", "symbol"), Prediction, Plane.DATA, ("predictor.serve",),
    ("predictor.watch", "gateway.api", "gateway.feed", "ingest.record"), PREDICTIONS,
    "The prediction for an instrument, one a step, or the reason why it is withheld", ttl_ms=3_000,
)  # fmt: skip
OUTCOME_MESSAGES = Subject(
    "outcomes", ("venue", "symbol"), Outcome, Plane.DATA, ("predictor.serve",),
    ("predictor.watch", "gateway.api", "gateway.feed", "ingest.record"), OUTCOMES,
    "What became of a prediction, and the running score of its model",
)  # fmt: skip
CALIBRATION_MESSAGES = Subject(
    "calibrations", ("venue", "symbol"), Calibration, Plane.DATA, ("predictor.serve",), ("gateway.api", "gateway.feed"),
    CALIBRATIONS, "How far the predictions of an instrument meant what they said, every 50 outcomes", ttl_ms=60_000,
)  # fmt: skip
INSTRUMENT_LISTINGS = Subject(
    "instruments", ("venue", "symbol"), Instrument, Plane.DATA, ("ingest.feed",),
    (
        "features.serve", "features.certify", "predictor.serve", "predictor.watch", "gateway.api", "gateway.feed",
        "ingest.record", "ingest.consolidate",
    ),
    INSTRUMENTS, "An instrument as its venue lists it",
)  # fmt: skip
VENUE_STATUSES = Subject(
    "venues", ("venue", "producer"), VenueStatus, Plane.DATA, ("ingest.feed",), ("gateway.api", "gateway.feed"),
    VENUES, "How a process reaches a venue, once a second", ttl_ms=5_000,
)  # fmt: skip
CONSOLIDATED_QUOTES = Subject(
    "consolidated", ("base", "quote"), ConsolidatedQuote, Plane.DATA, ("ingest.consolidate",),
    ("gateway.api", "gateway.feed"), CONSOLIDATED, "The best bid and ask of a pair over all venues", ttl_ms=3_000,
)  # fmt: skip
CORRELATION_MESSAGES = Subject(
    "correlations", (), Correlations, Plane.DATA, ("features.correlate",), ("gateway.api", "gateway.feed"),
    CORRELATIONS, "Correlation and lead-lag of all instruments", ttl_ms=15_000,
)  # fmt: skip
CROSS_SECTIONS = Subject(
    "cross_sections", (), CrossSection, Plane.DATA, ("features.correlate",), ("features.serve", "features.certify"),
    CROSS, "The cross-asset features of all instruments as of one closed second, every second",
)  # fmt: skip
PARITY_CERTIFICATES = Subject(
    "certificates", (), ParityCertificate, Plane.DATA, ("features.certify",), ("gateway.api", "gateway.feed"),
    CERTIFICATES, "Whether published vectors are those that their recording gives", ttl_ms=120_000,
)  # fmt: skip
FEATURE_HEALTHS = Subject(
    "feature_health", ("producer",), FeatureHealth, Plane.DATA, ("features.serve",), ("gateway.api", "gateway.feed"),
    FEATURE_HEALTH, "What was wrong with the feature values of a process in the last minute", ttl_ms=20_000,
)  # fmt: skip
MODEL_ANNOUNCEMENTS = Subject(
    "models", ("name",), ModelPublished, Plane.CONTROL, ("predictor.train",),
    ("predictor.watch", "predictor.train"), MODELS,
    "A trained model is in the Object Store and may be put on trial",
)  # fmt: skip
MODEL_DECISIONS = Subject(
    "model_decisions", ("name",), ModelDecision, Plane.CONTROL, ("predictor.watch",),
    ("predictor.serve", "predictor.train", "gateway.api", "gateway.feed"), MODEL_TRAIL,
    "Which model serves, and why: the audit trail of promotions, rollbacks, refusals and trainings",
)  # fmt: skip
MODEL_LIVES = Subject(
    "model_life", ("name",), ModelLife, Plane.CONTROL, ("predictor.watch",), ("gateway.api", "gateway.feed"),
    MODEL_STATES, "Champion, challengers and drift of a model family, every few seconds", ttl_ms=30_000,
)  # fmt: skip
DEAD_LETTERS = Subject(
    "dlq", ("service", "role"), DeadLetter, Plane.DATA, ROLES, (), DLQ,
    "Input that a service could not use, for inspection",
)  # fmt: skip

TABLE: tuple[Subject, ...] = (
    TICKS, BOOKS, FEATURE_VECTORS, BAR_MESSAGES, PREDICTION_MESSAGES, OUTCOME_MESSAGES, CALIBRATION_MESSAGES,
    INSTRUMENT_LISTINGS, VENUE_STATUSES, CONSOLIDATED_QUOTES, CORRELATION_MESSAGES, CROSS_SECTIONS, PARITY_CERTIFICATES,
    FEATURE_HEALTHS, MODEL_ANNOUNCEMENTS, MODEL_DECISIONS, MODEL_LIVES, DEAD_LETTERS,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Call(Address):
    """A request that is answered at once: an empty message on the subject, ``reply`` to the caller's inbox.

    Who answers subscribes to the subjects that it answers for, so that a call nobody answers fails at once.
    """

    reply: type[Contract]
    responder: str
    callers: tuple[str, ...]
    meaning: str


EXPLANATIONS = Call(
    "rpc.predictor.explanation", ("venue", "symbol"), ExplanationReply, "predictor.serve", ("gateway.api",),
    "What each feature adds to the latest prediction for an instrument",
)  # fmt: skip

CALLS: tuple[Call, ...] = (EXPLANATIONS,)

STREAMS: tuple[Stream, ...] = tuple(dict.fromkeys(subject.stream for subject in TABLE))


def subjects_of(stream: Stream) -> list[str]:
    """Return the wildcards that ``stream`` captures."""
    return [subject.wildcard for subject in TABLE if subject.stream is stream]


def row_of(name: str) -> tuple[Subject, tuple[str, ...]] | None:
    """Return the row that the concrete subject ``name`` belongs to and its tokens, or None where it is of no row.

    >>> row, tokens = row_of("ticks.sim.BTCUSDT")
    >>> row.root, tokens
    ('ticks', ('sim', 'BTCUSDT'))
    """
    root, *tokens = name.split(".")
    for subject in TABLE:
        if subject.root == root and len(tokens) == len(subject.tokens) and all(_TOKEN.fullmatch(t) for t in tokens):
            return subject, tuple(tokens)
    return None


def owner_of(stream: Stream | Bucket) -> str:
    """Return the role that may change the limits of ``stream``: its only writer; the operator where several write."""
    if isinstance(stream, Bucket):
        writers = set(stream.writers)
    else:
        writers = {role for subject in TABLE if subject.stream is stream for role in subject.producers}
    return writers.pop() if len(writers) == 1 else OPERATOR
