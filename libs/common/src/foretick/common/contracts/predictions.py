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


class Regime(StrEnum):
    """What kind of market it is.

    Rough: the volatility of the last seconds is above that of the last minute (``volatility_log_ratio`` above 0).
    Trending: the price went further than a random walk of as many steps goes on average (``efficiency_ratio`` above
    its n^-1/2).
    """

    CALM_CHOPPY = "calm_choppy"
    CALM_TRENDING = "calm_trending"
    ROUGH_CHOPPY = "rough_choppy"
    ROUGH_TRENDING = "rough_trending"


class NoInterval(StrEnum):
    """Why a prediction with numbers carries no interval."""

    WARMING_UP = "warming_up"
    NO_VOLATILITY = "no_volatility"


class ReturnInterval(Contract, frozen=True, kw_only=True, gc=False):
    """Where the forward return should lie.

    low_bps, high_bps: ends, which count as within; null: without bound, as after so many misses nothing less will do
    coverage_frac: share of intervals that should hold, over time
    """

    low_bps: float | None
    high_bps: float | None
    coverage_frac: float


class Abstention(Contract, frozen=True, kw_only=True, gc=False):
    """The model is not sure enough for its most probable class to be a decision.

    confidence_frac: probability of that class
    least_frac: what it would have to be: 1 minus the cost of abstaining, a wrong decision costing 1 (Chow 1970)
    """

    confidence_frac: float
    least_frac: float


class Coverage(Contract, frozen=True, kw_only=True, gc=False):
    """How many of the last ``count`` intervals of a model on an instrument held, and how many should."""

    count: int
    coverage_frac: float
    target_frac: float


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
    regime: what kind of market it is; null while its features are missing
    volatility_bps: realised volatility of a second, the unit of the interval's width
    interval: adaptive conformal interval of the return; null: the reason is in ``no_interval``
    abstention: the numbers are not sure enough to decide on; null where they are
    weights: of the members in the probabilities, in their order
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
    regime: Regime | None = None
    volatility_bps: float | None = None
    interval: ReturnInterval | None = None
    no_interval: NoInterval | None = None
    abstention: Abstention | None = None
    weights: list[float] = []
    ts_frame_sent_ns: int | None = None
    ts_frame_taken_ns: int | None = None
    ts_vector_sent_ns: int | None = None
    ts_vector_taken_ns: int | None = None


class LiveScore(Contract, frozen=True, kw_only=True, gc=False):
    """Running score of a model on an instrument, over the last ``count`` joined outcomes.

    accuracy_frac: share of outcomes whose most probable class came true
    prior_accuracy_frac: the same for always naming the class that the model's training prior makes most probable
    log_loss, prior_log_loss: mean negative log probability (nats) of the class that came true, for model and prior
    decided: how many of them the model did not abstain from
    decided_accuracy_frac, abstained_accuracy_frac: accuracy over these and over the others; null where there are none
    """

    count: int
    accuracy_frac: float
    prior_accuracy_frac: float
    log_loss: float
    prior_log_loss: float
    decided: int = 0
    decided_accuracy_frac: float | None = None
    abstained_accuracy_frac: float | None = None


class Outcome(Message, frozen=True, kw_only=True, gc=False):
    """A prediction joined with what happened; published once the horizon has passed.

    asof_seq, step, model_id: of the prediction
    realised_step, realised_seq: the feature vector that ended the horizon (first at or after it)
    realised_return_bps: log return of the mid price from the prediction to there
    predicted, realised: most probable class, and the class that came true
    score: the running score including this outcome
    regime, abstained: as in the prediction
    brier: squared distance of the probabilities to what came, 0 to 2 (Brier 1950)
    confidence_frac: probability that was given to ``predicted``
    error_scales: distance of the return from the expected one, in volatilities; null where that was not known
    interval_held: whether the return lies in the prediction's interval; null where there was none
    next_miss_frac: share that the next interval may miss: where a successor goes on
    coverage: of the intervals, including this one; null before the first
    member_log_loss: of each member on it, in order
    next_weights: of the members from here on, in this regime; empty where they stay as trained
    regret_nats: mean log loss over the score's window minus that of the member that was best in it
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
    regime: Regime | None = None
    abstained: bool = False
    brier: float | None = None
    confidence_frac: float | None = None
    error_scales: float | None = None
    interval_held: bool | None = None
    next_miss_frac: float | None = None
    coverage: Coverage | None = None
    member_log_loss: list[float] = []
    next_weights: list[float] = []
    regret_nats: float | None = None


class Reliability(Contract, frozen=True, kw_only=True, gc=False):
    """How a model's probabilities and intervals held in a regime; bins are ten equal parts of the largest probability.

    regime: null for outcomes whose regime was not known
    brier: mean squared distance of the probabilities to what came, 0 to 2 (Brier 1950)
    ece_frac: expected calibration error: mean distance of confidence and accuracy over bins (Guo et al. 2017)
    bin_count, bin_confidence_frac, bin_accuracy_frac: of each bin; null where it is empty
    intervals: outcomes that had an interval; coverage_frac: share of them that held
    """

    regime: Regime | None
    count: int
    brier: float | None
    ece_frac: float | None
    bin_count: list[int]
    bin_confidence_frac: list[float | None]
    bin_accuracy_frac: list[float | None]
    intervals: int
    coverage_frac: float | None


class Calibration(Message, frozen=True, kw_only=True, gc=False):
    """How far a model's probabilities meant what they said on an instrument, over the last outcomes, now and then.

    asof_seq, step, model_id: of the latest prediction whose outcome is in it
    target_frac: share of intervals that should hold
    total: over all regimes; regimes: of each that has outcomes in the window
    """

    asof_seq: int
    step: int
    model_id: str
    target_frac: float
    total: Reliability
    regimes: list[Reliability]


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
    record_name: key of the run's record in the same bucket, JSON; empty for a model from before there were any
    record_sha256: of the record
    importance: mean size of each feature's contribution to P(up) - P(down) over unseen rows; empty from before that
    parent_id, trigger: the model in service when it was trained, and why it was trained; empty when unknown
    reference_name, reference_sha256: key of the drift reference in the same bucket, JSON; empty when there is none
    sequence_length: latest vectors of the instrument that a prediction is made of; above 1 it is not served yet
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
    record_name: str = ""
    record_sha256: str = ""
    importance: dict[str, float] = {}
    parent_id: str = ""
    trigger: str = ""
    reference_name: str = ""
    reference_sha256: str = ""
    sequence_length: int = 1
