"""What came of a contest: scores of each entrant and the ensemble's lead over each rival, with intervals."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foretick.common.units import NS_PER_MS
from foretick.predictor.domain.contest.entrants import ENSEMBLE
from foretick.predictor.domain.contest.plan import EvaluationPlan
from foretick.predictor.domain.contest.tables import Table
from foretick.quant.scoring.bootstrap import Interval, block_length, bootstrap
from foretick.quant.scoring.tallies import (
    brier_rows,
    confusion_columns,
    expected_calibration_error,
    log_loss_rows,
    macro_f1,
    reliability_columns,
    reliability_points,
    sum_by_bin,
)

Floats = NDArray[np.float64]
Statistic = Callable[[Floats], Floats]
"""From summed columns (..., m) to (...)."""

_COUNT, _LOSS, _BRIER = 0, 1, 2
_CONFUSION = slice(3, 12)
_RELIABILITY = slice(12, 42)
_TRADES, _GROSS, _SPREAD, _FEES = 42, 43, 44, 45
_COLUMNS = 46


@dataclass(frozen=True, slots=True)
class Lead:
    """How far the ensemble is ahead of a rival, paired: gains are positive where the ensemble is better."""

    log_loss: Interval
    macro_f1: Interval
    block_bins: float


@dataclass(frozen=True, slots=True)
class Scores:
    """An entrant's scores.

    reliability: of each filled bin, mean confidence, hit rate and rows
    trades: how often it decided for a direction
    gross_bps, net_of_spread_bps, net_bps: mean a trade, at the mid, after the spread, after spread and both fees; none
        without a trade
    """

    log_loss: Interval
    macro_f1: Interval
    brier: Interval
    calibration_error: Interval
    reliability: tuple[tuple[float, float, int], ...]
    trades: int
    gross_bps: Interval | None
    net_of_spread_bps: Interval | None
    net_bps: Interval | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Scores and leads by entrant, over ``rows`` in ``bins`` stretches of time."""

    rows: int
    bins: int
    scores: dict[str, Scores]
    leads: dict[str, Lead]


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """Rows that were judged, with every entrant's answers to them, the class shares in training and the trade's fee."""

    table: Table
    answers: Mapping[str, Floats]
    prior: Floats
    taker_fee_bps: float


def refuse_brief(table: Table, plan: EvaluationPlan) -> None:
    """Refuse rows of too little time for intervals.

    Raises:
        ValueError: they span too few stretches for a bootstrap.
    """
    bins = len(np.unique(table.start_ns // (plan.bin_ms * NS_PER_MS)))
    block_length(np.zeros(bins))


def judge(parts: Sequence[Judged], plan: EvaluationPlan) -> Verdict:
    """Score all entrants over ``parts``, one instrument each, together.

    Rows of an instrument share horizons, instruments share moves, and so do entrants: sums over stretches of time, of
    all instruments and entrants together, are resampled.

    Raises:
        ValueError: the test is too short for a bootstrap.
    """
    bin_ns = plan.bin_ms * NS_PER_MS
    place = np.concatenate([part.table.start_ns // bin_ns for part in parts])
    names = tuple(parts[0].answers)
    columns = [np.concatenate([_columns(part, name, plan) for part in parts]) for name in names]
    sums = sum_by_bin(np.concatenate(columns, axis=1), place)
    at = {name: slice(number * _COLUMNS, (number + 1) * _COLUMNS) for number, name in enumerate(names)}
    ours = at[ENSEMBLE]
    return Verdict(
        rows=len(place),
        bins=len(sums),
        scores={name: _score(sums[:, where], plan) for name, where in at.items()},
        leads={
            name: _lead(np.concatenate([sums[:, where], sums[:, ours]], axis=1), plan)
            for name, where in at.items()
            if name != ENSEMBLE
        },
    )


def _columns(part: Judged, name: str, plan: EvaluationPlan) -> Floats:
    """Return one row's contribution to every score, ``_COLUMNS`` wide."""
    table, given = part.table, part.answers[name]
    decision = (given / part.prior**plan.decision_prior_power).argmax(axis=1)
    sign = decision - 1.0
    trades = np.abs(sign)
    return np.column_stack(
        [
            np.ones(len(table)),
            log_loss_rows(given, table.classes),
            brier_rows(given, table.classes),
            confusion_columns(decision, table.classes),
            reliability_columns(given, table.classes),
            trades,
            sign * table.exit_return_bps,
            trades * table.spread_bps,
            trades * 2.0 * part.taker_fee_bps,
        ]
    )


def _lead(pair: Floats, plan: EvaluationPlan) -> Lead:
    """Compare sums of a rival (first half of the columns) with the ensemble's."""
    rival, ours = pair[:, :_COLUMNS], pair[:, _COLUMNS:]
    length = block_length((rival[:, _LOSS] - ours[:, _LOSS]) / rival[:, _COUNT])

    def gain(sums: Floats) -> Floats:
        return (sums[..., _LOSS] - sums[..., _COLUMNS + _LOSS]) / sums[..., _COUNT]

    def f1_gain(sums: Floats) -> Floats:
        return macro_f1(sums[..., _COLUMNS:][..., _CONFUSION]) - macro_f1(sums[..., _CONFUSION])

    return Lead(_interval(pair, gain, length, plan), _interval(pair, f1_gain, length, plan), length)


def _score(sums: Floats, plan: EvaluationPlan) -> Scores:
    length = block_length(sums[:, _LOSS] / sums[:, _COUNT])
    total = sums.sum(axis=0)
    trades = int(total[_TRADES])

    def interval(statistic: Statistic) -> Interval:
        return _interval(sums, statistic, length, plan)

    return Scores(
        log_loss=interval(_mean_of(_LOSS)),
        macro_f1=interval(lambda some: macro_f1(some[..., _CONFUSION])),
        brier=interval(_mean_of(_BRIER)),
        calibration_error=interval(lambda some: expected_calibration_error(some[..., _RELIABILITY])),
        reliability=reliability_points(total[_RELIABILITY]),
        trades=trades,
        gross_bps=interval(_per_trade()) if trades else None,
        net_of_spread_bps=interval(_per_trade(_SPREAD)) if trades else None,
        net_bps=interval(_per_trade(_SPREAD, _FEES)) if trades else None,
    )


def _mean_of(column: int) -> Statistic:
    def mean(some: Floats) -> Floats:
        return some[..., column] / some[..., _COUNT]

    return mean


def _per_trade(*costs: int) -> Statistic:
    def result(some: Floats) -> Floats:
        return (some[..., _GROSS] - some[..., list(costs)].sum(axis=-1)) / np.maximum(some[..., _TRADES], 1.0)

    return result


def _interval(sums: Floats, statistic: Statistic, length: float, plan: EvaluationPlan) -> Interval:
    return bootstrap(sums, statistic, length, plan.resamples, np.random.default_rng(plan.seed))
