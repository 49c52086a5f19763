"""What a training run's record says of the model that came of it, beside its graph."""

import msgspec

from foretick.predictor.domain.publication import TrainedModel
from foretick.predictor.domain.reliability import Reliability
from foretick.predictor.domain.strata import Stratum


class ReliabilityRecord(msgspec.Struct, frozen=True, kw_only=True):
    """How far probabilities could be taken at their word on the unseen part.

    points: of each filled tenth of the largest probability, its mean, how often that class came, and rows
    """

    ece_frac: float
    brier: float
    log_loss_nats: float
    points: list[tuple[float, float, int]]


class CalibrationRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The temperature of the blend (1: left as it is), before and after it.

    fewest_rows: that a fold of the walk-forward was fitted on; needed_rows: with fewer the blend is left as it is
    """

    temperature: float
    fewest_rows: int
    needed_rows: int
    before: ReliabilityRecord
    after: ReliabilityRecord


class StratumRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A regime or an instrument of the unseen part, and of its intervals how many held."""

    rows: int
    log_loss_nats: float
    prior_log_loss_nats: float
    accuracy_frac: float
    ece_frac: float
    intervals: int
    held: int


class ModelRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The model.

    rows: it was fitted on; weights: of the members, as trained; prior: shares of down, flat, up in training
    flat_bps: threshold between flat and a direction by symbol
    importance: of each feature, over rows learnt from and over unseen ones; rank_correlation: of the two
    """

    rows: int
    weights: dict[str, float]
    prior: list[float]
    flat_bps: dict[str, float]
    calibration: CalibrationRecord
    importance: dict[str, tuple[float, float]]
    importance_rank_correlation: float
    by_regime: dict[str, StratumRecord]
    by_symbol: dict[str, StratumRecord]


def record_model(model: TrainedModel, feature_names: tuple[str, ...], calibrated_rows: int) -> ModelRecord:
    """Return what the record keeps of ``model``; ``calibrated_rows``: that a fold has to be fitted on."""
    found, importance = model.calibration, model.importance
    pairs = zip(importance.learnt.tolist(), importance.unseen.tolist(), strict=True)
    return ModelRecord(
        rows=model.rows,
        weights=dict(zip(model.member_names, model.weights.tolist(), strict=True)),
        prior=model.prior.tolist(),
        flat_bps=dict(model.flat_bps),
        calibration=CalibrationRecord(
            temperature=found.temperature,
            fewest_rows=min((fold.train_rows for fold in model.walks[0].folds), default=0),
            needed_rows=calibrated_rows,
            before=_reliability(found.before),
            after=_reliability(found.after),
        ),
        importance=dict(zip(feature_names, pairs, strict=True)),
        importance_rank_correlation=importance.stability,
        by_regime={name: _stratum(one) for name, one in model.strata.by_regime.items()},
        by_symbol={name: _stratum(one) for name, one in model.strata.by_symbol.items()},
    )


def _reliability(found: Reliability) -> ReliabilityRecord:
    return ReliabilityRecord(
        ece_frac=found.ece_frac, brier=found.brier, log_loss_nats=found.log_loss_nats, points=list(found.points)
    )


def _stratum(found: Stratum) -> StratumRecord:
    return StratumRecord(
        rows=found.rows,
        log_loss_nats=found.log_loss_nats,
        prior_log_loss_nats=found.prior_log_loss_nats,
        accuracy_frac=found.accuracy_frac,
        ece_frac=found.ece_frac,
        intervals=found.held.intervals,
        held=found.held.held,
    )
