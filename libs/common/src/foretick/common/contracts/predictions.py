"""Predictions, their outcomes and the models behind them."""

from enum import StrEnum

from foretick.common.contracts._base import Contract, Message, Origin


class Direction(StrEnum):
    """The three classes of the forward return, split at the model's flat threshold."""

    DOWN = "down"
    FLAT = "flat"
    UP = "up"


class Withheld(StrEnum):
    """Why a prediction carries no numbers."""

    NO_MODEL = "no_model"
    WARMING_UP = "warming_up"
    UNTRUSTED = "untrusted"
    SCHEMA_MISMATCH = "schema_mismatch"
    NO_PRICE = "no_price"


class Probabilities(Contract, frozen=True, kw_only=True, gc=False):
    """Class probabilities; they sum to 1."""

    down: float
    flat: float
    up: float


class Prediction(Message, frozen=True, kw_only=True, gc=False):
    """What the ensemble expects of an instrument, or why it is withheld.

    Its instants tell each stage of its way: ``ts_ingest_ns``, ``ts_frame_sent_ns``, ``ts_frame_taken_ns``,
    ``ts_vector_sent_ns``, ``ts_vector_taken_ns``, ``ts_sent_ns``. Each is null from a producer that did not tell.

    asof_seq, prev_asof_seq, step, interval_ns, mid: as in the feature vector it was made from
    model_id: the model's id; null when there is none
    model_origin: origin of the data that the model was trained on
    out_of_origin: the model is scored on another origin than it was trained on: treat it as untested
    horizon_steps: how far ahead, in steps; the outcome is known at ``step + horizon_steps``
    expected_return_bps: expected log return of the mid price over the horizon
    probabilities: of down, flat and up
    members: each ensemble member's probabilities, by name
    flat_bps: the threshold between flat and a direction for this instrument
    withheld: the reason; the numbers are null exactly when it is set
    ts_frame_sent_ns, ts_frame_taken_ns: as in the feature vector
    ts_vector_sent_ns: wall clock of features when it published the vector
    ts_vector_taken_ns: wall clock of the predictor when it took the vector up
    """

    asof_seq: int
    prev_asof_seq: int | None
    step: int
    interval_ns: int
    mid: float | None
    schema_id: str
    schema_hash: str
    horizon_steps: int
    model_id: str | None = None
    model_origin: Origin | None = None
    out_of_origin: bool = False
    expected_return_bps: float | None = None
    probabilities: Probabilities | None = None
    members: dict[str, Probabilities] = {}
    flat_bps: float | None = None
    withheld: Withheld | None = None
    ts_frame_sent_ns: int | None = None
    ts_frame_taken_ns: int | None = None
    ts_vector_sent_ns: int | None = None
    ts_vector_taken_ns: int | None = None


class LiveScore(Contract, frozen=True, kw_only=True, gc=False):
    """Running score of a model on an instrument, over the last ``count`` joined outcomes.

    accuracy_frac: share of outcomes whose most probable class came true
    prior_accuracy_frac: the same for always naming the class that the model's training prior makes most probable
    log_loss, prior_log_loss: mean negative log probability (nats) of the class that came true, for model and prior
    """

    count: int
    accuracy_frac: float
    prior_accuracy_frac: float
    log_loss: float
    prior_log_loss: float


class Outcome(Message, frozen=True, kw_only=True, gc=False):
    """A prediction joined with what happened; published once the horizon has passed.

    asof_seq, step, model_id: of the prediction
    realised_step, realised_seq: the feature vector that ended the horizon (first at or after it)
    realised_return_bps: log return of the mid price from the prediction to there
    predicted, realised: most probable class, and the class that came true
    score: the running score including this outcome
    """

    asof_seq: int
    step: int
    model_id: str
    horizon_steps: int
    realised_step: int
    realised_seq: int
    realised_return_bps: float
    predicted: Direction
    realised: Direction
    log_loss: float
    prior_log_loss: float
    score: LiveScore


class ModelPublished(Contract, frozen=True, kw_only=True, gc=False):
    """A trained model is in the Object Store and may be served.

    model_id: name and training time, unique
    name: the model family; the subject is ``models.<name>``
    object_name: key in the Object Store bucket ``models``; the object is the ONNX graph
    sha256, size_bytes: of the object
    trained_on: origin of the training data
    schema_id, schema_hash, feature_names: the inputs
    horizon_steps, interval_ns: what it predicts
    flat_bps: threshold between flat and a direction by symbol; ``"*"`` for a symbol it has not seen
    prior: class frequencies in training
    member_names, member_weights: the ensemble; weights sum to 1 and are an input of the graph
    metrics: out-of-sample figures by name, each with its unit in the name
    rows: training rows
    seed: of the training run
    ts_trained_ns: wall clock when training ended
    importance: mean size of each feature's contribution to P(up) - P(down) over unseen rows; empty from before that
    """

    model_id: str
    name: str
    object_name: str
    sha256: str
    size_bytes: int
    trained_on: Origin
    schema_id: str
    schema_hash: str
    feature_names: list[str]
    horizon_steps: int
    interval_ns: int
    flat_bps: dict[str, float]
    prior: Probabilities
    member_names: list[str]
    member_weights: list[float]
    metrics: dict[str, float]
    rows: int
    seed: int
    ts_trained_ns: int
    importance: dict[str, float] = {}
