"""Whether a trained model may be published, and what is announced of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

import msgspec

from foretick.common.contracts import ModelPublished, Origin
from foretick.common.model_life import FAMILY
from foretick.predictor.domain.classes import probabilities_of
from foretick.predictor.domain.ensemble import Floats
from foretick.predictor.domain.evaluation import Evaluation
from foretick.predictor.domain.gate import GraphFigures, Parity, judge_graph
from foretick.predictor.domain.importance import Importance
from foretick.predictor.domain.life.window import Reference
from foretick.predictor.domain.reliability import Calibration
from foretick.predictor.domain.strata import Strata
from foretick.predictor.domain.trials import Trial
from foretick.predictor.domain.vectors import Yield
from foretick.predictor.domain.walk_forward import Walk
from foretick.quant.validation.leaks import Leak


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """What a model was made for: the feature schema, the pace, the horizon and the seed; and what led to it.

    parent_id, trigger: the model in service then, and why a training was asked for; empty without
    sequence_length: vectors that a prediction is made of
    """

    schema_id: str
    schema_hash: str
    feature_names: tuple[str, ...]
    interval_ns: int
    horizon_steps: int
    seed: int
    parent_id: str = ""
    trigger: str = ""
    sequence_length: int = 1


@dataclass(frozen=True, slots=True)
class DataUsed:
    """What a model was learnt from and tested on.

    origin: whose market; description: what it was made from
    known_sha256, unseen_sha256: over all vectors and outcomes of both parts
    known, unseen: what became of each instrument's vectors; left_out: instruments that teach nothing, and why
    """

    origin: Origin
    description: Mapping[str, object]
    known_sha256: str
    unseen_sha256: str
    known: tuple[Yield, ...]
    unseen: tuple[Yield, ...]
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class TrainedModel:
    """The result of a training run.

    parity: the graph as it is served against the members' own libraries
    kernel_parity: the kernel that serves against the graph in onnxruntime; None where no kernel serves it
    latency_us: of one row, as it is served
    control: the same pipeline on shuffled classes, with fewer rows and trees: it must find nothing
    walks: the walk-forward of each target, the served one first; it weighs the members
    leaks: what the checks found; ledger: every trial of the search; sizes: of the members
    strata: what the unseen part says by regime and by instrument
    reference: the features that were learnt from, in short, for those who watch them drift
    """

    graph: bytes
    member_names: tuple[str, ...]
    weights: Floats
    prior: Floats
    flat_bps: dict[str, float]
    rows: int
    parity: Parity
    kernel_parity: Parity | None
    latency_us: float
    evaluation: Evaluation
    control: Evaluation
    calibration: Calibration
    walks: tuple[Walk, ...]
    leaks: tuple[Leak, ...]
    ledger: tuple[Trial, ...]
    sizes: Mapping[str, float]
    data: DataUsed
    strata: Strata
    importance: Importance
    reference: Reference

    @property
    def graph_sha256(self) -> str:
        """The graph's sha256, hex."""
        return sha256(self.graph).hexdigest()


def faults_of(model: TrainedModel) -> list[str]:
    """Return why ``model`` may not be published; empty if it may."""
    figures = GraphFigures(model.parity, model.kernel_parity, model.latency_us, len(model.graph))
    faults = [str(finding) for finding in judge_graph(figures)]
    gain, hits = model.evaluation.log_loss_gain, model.evaluation.accuracy_gain
    if not gain.is_positive:
        faults.append(f"log loss does not beat the prior: gain {gain.mean:.4f} nats [{gain.low:.4f}, {gain.high:.4f}]")
    if not hits.is_positive:
        faults.append(f"accuracy does not beat the prior: gain {hits.mean:.4f} [{hits.low:.4f}, {hits.high:.4f}]")
    if model.control.log_loss_gain.is_positive or model.control.accuracy_gain.is_positive:
        faults.append("trained on shuffled classes it still beats the prior: the evaluation leaks")
    faults += [f"leak_{leak.check}: {leak.detail}" for leak in model.leaks]
    return faults


def metrics_of(model: TrainedModel) -> dict[str, float]:
    """Return the figures that travel with the model, each with its unit in its name."""
    evaluation, control, calibration = model.evaluation, model.control, model.calibration
    return {
        "test_rows": float(evaluation.rows),
        "test_blocks": float(evaluation.blocks),
        "log_loss_nats": evaluation.log_loss,
        "prior_log_loss_nats": evaluation.prior_log_loss,
        "log_loss_gain_nats": evaluation.log_loss_gain.mean,
        "log_loss_gain_low_nats": evaluation.log_loss_gain.low,
        "log_loss_gain_high_nats": evaluation.log_loss_gain.high,
        "accuracy_frac": evaluation.accuracy_frac,
        "prior_accuracy_frac": evaluation.prior_accuracy_frac,
        "accuracy_gain_frac": evaluation.accuracy_gain.mean,
        "accuracy_gain_low_frac": evaluation.accuracy_gain.low,
        "accuracy_gain_high_frac": evaluation.accuracy_gain.high,
        "shuffled_log_loss_gain_nats": control.log_loss_gain.mean,
        "shuffled_log_loss_gain_high_nats": control.log_loss_gain.high,
        "shuffled_log_loss_gain_low_nats": control.log_loss_gain.low,
        "parity_rows": float(model.parity.rows),
        "parity_max_error_frac": model.parity.max_error,
        "latency_us": model.latency_us,
        "importance_rank_correlation": model.importance.stability,
        "temperature": calibration.temperature,
        "ece_frac": calibration.after.ece_frac,
        "brier": calibration.after.brier,
        "uncalibrated_ece_frac": calibration.before.ece_frac,
        "uncalibrated_brier": calibration.before.brier,
        "uncalibrated_log_loss_nats": calibration.before.log_loss_nats,
        "trials": float(len(model.ledger)),
        **({"kernel_parity_max_error_frac": model.kernel_parity.max_error} if model.kernel_parity else {}),
        **_walk_metrics(model),
    }


def _walk_metrics(model: TrainedModel) -> dict[str, float]:
    """Return the members' out-of-fold log losses over the served target, and the pool's gain over every target."""
    served = model.walks[0].stack.member_log_loss
    found = {f"log_loss_{name}_nats": float(loss) for name, loss in zip(model.member_names, served, strict=True)}
    for walk in model.walks:
        found[f"walk_forward_{walk.target}_log_loss_nats"] = walk.stack.pool_log_loss
        found[f"walk_forward_{walk.target}_gain_nats"] = walk.prior_log_loss - walk.stack.pool_log_loss
    return found


def announce(model: TrainedModel, identity: ModelIdentity, ts_trained_ns: int, record: bytes) -> ModelPublished:
    """Return the announcement. The id is the family, the second of training and the start of the graph's sha256.

    ``record``: the run's, as it is stored
    """
    digest = model.graph_sha256
    model_id = f"{FAMILY}-{ts_trained_ns // 1_000_000_000}-{digest[:8]}"
    return ModelPublished(
        model_id=model_id,
        name=FAMILY,
        object_name=f"{model_id}.onnx",
        sha256=digest,
        size_bytes=len(model.graph),
        trained_on=model.data.origin,
        schema_id=identity.schema_id,
        schema_hash=identity.schema_hash,
        feature_names=list(identity.feature_names),
        horizon_steps=identity.horizon_steps,
        interval_ns=identity.interval_ns,
        flat_bps=model.flat_bps,
        prior=probabilities_of([float(share) for share in model.prior]),
        member_names=list(model.member_names),
        member_weights=[float(weight) for weight in model.weights],
        metrics=metrics_of(model),
        rows=model.rows,
        seed=identity.seed,
        ts_trained_ns=ts_trained_ns,
        record_name=f"{model_id}.record.json",
        record_sha256=sha256(record).hexdigest(),
        importance=dict(zip(identity.feature_names, model.importance.unseen.tolist(), strict=True)),
        parent_id=identity.parent_id,
        trigger=identity.trigger,
        reference_name=f"{model_id}.reference.json",
        reference_sha256=sha256(msgspec.json.encode(model.reference)).hexdigest(),
        sequence_length=identity.sequence_length,
    )
