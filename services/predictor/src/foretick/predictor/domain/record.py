"""The record of a training run: what went in, how it was made and what came of it. It is stored beside the model."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import msgspec

from foretick.common.contracts import Origin
from foretick.predictor.domain.gate import TERMS
from foretick.predictor.domain.model_record import ModelRecord, record_model
from foretick.predictor.domain.publication import ModelIdentity, TrainedModel, faults_of
from foretick.predictor.domain.targets import LabelKind
from foretick.predictor.domain.training import TrainingPlan
from foretick.predictor.domain.trials import Trial
from foretick.predictor.domain.walk_forward import Walk

FORMAT, VERSION = "foretick-training", 1


class MadeWith(msgspec.Struct, frozen=True, kw_only=True):
    """The code: its sha256, the versions of the libraries that fit models, and the schema of the features."""

    code_sha256: str
    libraries: dict[str, str]
    schema_id: str
    schema_hash: str
    feature_names: list[str]


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """A run before this one that was refused, with its seed and its faults."""

    seed: int
    faults: list[str]


class DataRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What was learnt from and tested on: where it is from, hashes over vectors and outcomes, and what was left out.

    known, unseen: of each instrument, what became of its vectors
    """

    origin: Origin
    source: dict[str, Any]
    known_sha256: str
    unseen_sha256: str
    known: list[dict[str, Any]]
    unseen: list[dict[str, Any]]
    left_out: list[str]


class FoldRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of the walk-forward; log losses in nats, steps of the grid. Of ``intervals`` so many ``held``.

    train_first_step, pool_log_loss_nats: None in a record from before they were kept
    """

    train_rows: int
    test_rows: int
    train_last_end_step: int
    test_first_step: int
    test_last_step: int
    prior_log_loss_nats: float
    member_log_loss_nats: dict[str, float]
    train_first_step: int | None = None
    pool_log_loss_nats: float | None = None
    intervals: int = 0
    held: int = 0


class WalkRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The walk-forward of one target, out of fold: each fold, all members, and their pool.

    temperature: that would calibrate the pool
    """

    label: LabelKind
    horizon_steps: int
    rows: int
    folds: list[FoldRecord]
    member_log_loss_nats: dict[str, float]
    member_shares: dict[str, float]
    pool_log_loss_nats: float
    prior_log_loss_nats: float
    temperature: float


class Examination(msgspec.Struct, frozen=True, kw_only=True):
    """What the unseen part said. ``looks``: how often anything was asked of it in this run before the verdict.

    Neither weights nor sizes were chosen on it, so its interval needs no correction for the trials of the search;
    earlier attempts had parts of their own.
    """

    looks: int
    model: dict[str, Any]
    control: dict[str, Any]
    findings: list[str]


class GraphRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The graph that came of it, and how it was found to be; ``allowed``: what the gate allowed, by its terms.

    kernel_parity: empty where no kernel serves it
    """

    sha256: str
    size_bytes: int
    latency_us: float
    parity: dict[str, float]
    kernel_parity: dict[str, float]
    allowed: dict[str, float] = {}


class TrainingRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A run. Equal ``made_with``, ``data``, ``plan`` and ``sizes`` give an equal graph.

    plan: its seeds, folds and the targets, as ``TrainingPlan``; sizes: of the members that are served
    trials_tried, ledger: every set of sizes of the search; leaks: what the checks found
    model: None in a record from before it was kept
    """

    format: str = FORMAT
    version: int = VERSION
    made_with: MadeWith
    attempts: list[Attempt]
    data: DataRecord
    plan: dict[str, Any]
    sizes: dict[str, float]
    trials_tried: int
    ledger: list[Trial]
    walk_forward: list[WalkRecord]
    leaks: list[str]
    examination: Examination
    graph: GraphRecord
    model: ModelRecord | None = None


def record_run(
    model: TrainedModel,
    plan: TrainingPlan,
    identity: ModelIdentity,
    code: tuple[str, Mapping[str, str]],
    attempts: list[Attempt],
) -> TrainingRecord:
    """Return the record of ``model``; ``code`` is the sources' sha256 and the libraries' versions."""
    data = model.data
    return TrainingRecord(
        made_with=MadeWith(
            code_sha256=code[0],
            libraries=dict(code[1]),
            schema_id=identity.schema_id,
            schema_hash=identity.schema_hash,
            feature_names=list(identity.feature_names),
        ),
        attempts=attempts,
        data=DataRecord(
            origin=data.origin,
            source=dict(data.description),
            known_sha256=data.known_sha256,
            unseen_sha256=data.unseen_sha256,
            known=[asdict(each) for each in data.known],
            unseen=[asdict(each) for each in data.unseen],
            left_out=list(data.left_out),
        ),
        plan=msgspec.to_builtins(asdict(plan)),
        sizes=dict(model.sizes),
        trials_tried=len(model.ledger),
        ledger=list(model.ledger),
        walk_forward=[_walk_record(walk, model.member_names) for walk in model.walks],
        leaks=[f"{leak.check}: {leak.detail}" for leak in model.leaks],
        examination=Examination(
            looks=1, model=asdict(model.evaluation), control=asdict(model.control), findings=faults_of(model)
        ),
        graph=GraphRecord(
            sha256=model.graph_sha256,
            size_bytes=len(model.graph),
            latency_us=model.latency_us,
            parity=asdict(model.parity),
            kernel_parity=asdict(model.kernel_parity) if model.kernel_parity else {},
            allowed=asdict(TERMS),
        ),
        model=record_model(model, identity.feature_names, plan.calibrated_rows),
    )


def plan_of(record: TrainingRecord) -> TrainingPlan:
    """Return the plan that ``record`` was made by, without its search: its outcome is in ``sizes``."""
    return replace(msgspec.convert(record.plan, TrainingPlan), trials=0)


def _walk_record(walk: Walk, names: tuple[str, ...]) -> WalkRecord:
    def by_name(values: Any) -> dict[str, float]:
        return {name: float(value) for name, value in zip(names, values, strict=True)}

    return WalkRecord(
        label=walk.target.label,
        horizon_steps=walk.target.horizon_steps,
        rows=len(walk.classes),
        folds=[
            FoldRecord(
                train_rows=fold.train_rows,
                test_rows=fold.test_rows,
                train_last_end_step=fold.train_last_end_step,
                test_first_step=fold.test_first_step,
                test_last_step=fold.test_last_step,
                prior_log_loss_nats=fold.prior_log_loss,
                member_log_loss_nats=by_name(fold.member_log_loss),
                train_first_step=fold.train_first_step,
                pool_log_loss_nats=fold.pool_log_loss,
                intervals=fold.held.intervals,
                held=fold.held.held,
            )
            for fold in walk.folds
        ],
        member_log_loss_nats=by_name(walk.stack.member_log_loss),
        member_shares=by_name(walk.stack.shares),
        pool_log_loss_nats=walk.stack.pool_log_loss,
        prior_log_loss_nats=walk.prior_log_loss,
        temperature=walk.stack.temperature,
    )
