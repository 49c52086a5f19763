"""Shares of the attainable edge, with intervals: the prior has none of it, the oracle all of it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foretick.predictor.domain.dataset import Classes
from foretick.quant.scoring.bootstrap import Interval, block_length, bootstrap
from foretick.quant.scoring.tallies import (
    expected_calibration_error,
    log_loss_rows,
    reliability_columns,
    sum_by_bin,
)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

PRIOR, ENSEMBLE, ORACLE = "class prior", "ensemble", "oracle"

_COUNT, _LOSS, _GROSS = 0, 1, 2


@dataclass(frozen=True, slots=True, eq=False)
class Forecast:
    """What is said of n rows: probabilities (n, 3), and the expected return in bps (n)."""

    probabilities: Floats
    expected_bps: Floats

    def take(self, rows: NDArray[np.bool_]) -> "Forecast":
        """Return the given rows."""
        return Forecast(self.probabilities[rows], self.expected_bps[rows])


@dataclass(frozen=True, slots=True, eq=False)
class Came:
    """What came of n rows: class, return and the instant of each, of the rows of one horizon."""

    classes: Classes
    return_bps: Floats
    start_ns: Ints

    def take(self, rows: NDArray[np.bool_]) -> "Came":
        """Return the given rows."""
        return Came(self.classes[rows], self.return_bps[rows], self.start_ns[rows])


@dataclass(frozen=True, slots=True)
class EdgeScores:
    """Of one who forecasts. Log loss in nats.

    gross_bps: mean return of going with the sign of every expected return, at the mid, without costs
    calibration_error: of the largest probability, ten bins
    log_loss_share, gross_share: of the oracle's lead over the prior, and of its result; none where the oracle's own is
        not proven
    """

    log_loss: Interval
    gross_bps: Interval
    calibration_error: Interval
    log_loss_share: Interval | None
    gross_share: Interval | None


@dataclass(frozen=True, slots=True)
class EdgeVerdict:
    """Scores by who forecasts, over ``rows`` in ``bins`` stretches of time.

    attainable_nats: what the oracle's log loss is below the prior's
    """

    rows: int
    bins: int
    attainable_nats: Interval
    scores: dict[str, EdgeScores]


@dataclass(frozen=True, slots=True)
class Resampling:
    """How intervals are found: stretches of ``bin_ns`` are summed and resampled so many times."""

    bin_ns: int
    resamples: int
    seed: int


def foresee(moves_bps: Floats, flat_bps: Floats) -> Forecast:
    """Return what the oracle says: moves (n, paths) counted by class, flat up to (n) thresholds; their mean.

    Each class counts once more than it occurred (Laplace): none is impossible. So counted, probabilities cost about
    1 / paths nats more than the true ones: shares come out too large by no more than that over the attainable edge.
    """
    limit = flat_bps[:, None]
    up, down = (moves_bps > limit).sum(axis=1), (moves_bps < -limit).sum(axis=1)
    counts = np.column_stack([down, moves_bps.shape[1] - up - down, up]) + 1.0
    return Forecast(counts / counts.sum(axis=1, keepdims=True), moves_bps.mean(axis=1))


def judge_edge(came: Came, forecasts: Mapping[str, Forecast], how: Resampling) -> EdgeVerdict:
    """Score every forecast of the same rows, ``PRIOR`` and ``ORACLE`` among them.

    Sums over stretches of time, of all instruments and forecasts together, are resampled: comparisons are paired.

    Raises:
        ValueError: the rows span too little time for a bootstrap.
    """
    place = came.start_ns // how.bin_ns
    base = _sums(came, forecasts[PRIOR], place), _sums(came, forecasts[ORACLE], place)
    attainable = _attainable(base, how)
    return EdgeVerdict(
        rows=len(place),
        bins=len(base[0]),
        attainable_nats=attainable,
        scores={name: _score(came, forecast, base, attainable, how) for name, forecast in forecasts.items()},
    )


def _sums(came: Came, forecast: Forecast, place: Ints) -> Floats:
    rows = len(came.classes)
    losses = log_loss_rows(forecast.probabilities, came.classes)
    gross = np.sign(forecast.expected_bps) * came.return_bps
    return sum_by_bin(np.column_stack([np.ones(rows), losses, gross]), place)


def _attainable(base: tuple[Floats, Floats], how: Resampling) -> Interval:
    return _mean(np.column_stack([base[0][:, _COUNT], base[0][:, _LOSS] - base[1][:, _LOSS]]), how)


def _score(
    came: Came, forecast: Forecast, base: tuple[Floats, Floats], attainable: Interval, how: Resampling
) -> EdgeScores:
    place = came.start_ns // how.bin_ns
    ours, (prior, oracle) = _sums(came, forecast, place), base
    gross = _mean(oracle[:, [_COUNT, _GROSS]], how)
    return EdgeScores(
        log_loss=_mean(ours[:, [_COUNT, _LOSS]], how),
        gross_bps=_mean(ours[:, [_COUNT, _GROSS]], how),
        calibration_error=_calibration_error(came, forecast, place, how),
        log_loss_share=_ratio(prior[:, _LOSS] - ours[:, _LOSS], prior[:, _LOSS] - oracle[:, _LOSS], how)
        if attainable.is_positive
        else None,
        gross_share=_ratio(ours[:, _GROSS], oracle[:, _GROSS], how) if gross.is_positive else None,
    )


def _mean(sums: Floats, how: Resampling) -> Interval:
    """Return the mean of summed columns count, value."""
    return _ratio(sums[:, 1], sums[:, 0], how)


def _ratio(part: Floats, whole: Floats, how: Resampling) -> Interval:
    """Return sum over sum; blocks are as long as suits its linearisation."""
    ratio = part.sum() / whole.sum()
    length = block_length(part - ratio * whole)
    rng = np.random.default_rng(how.seed)
    return bootstrap(
        np.column_stack([part, whole]), lambda some: some[..., 0] / some[..., 1], length, how.resamples, rng
    )


def _calibration_error(came: Came, forecast: Forecast, place: Ints, how: Resampling) -> Interval:
    sums = sum_by_bin(reliability_columns(forecast.probabilities, came.classes), place)
    losses = log_loss_rows(forecast.probabilities, came.classes)
    length = block_length(sum_by_bin((losses - losses.mean())[:, None], place)[:, 0])
    return bootstrap(sums, expected_calibration_error, length, how.resamples, np.random.default_rng(how.seed))
