"""What the unseen part says of a model by regime and by instrument."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foretick.predictor.domain.coverage import Held, count_held, interval_outcomes
from foretick.predictor.domain.dataset import Classes, Rows
from foretick.predictor.domain.ensemble import Floats
from foretick.predictor.domain.regimes import Places, regime_of
from foretick.predictor.domain.reliability import judge_reliability
from foretick.quant.scoring.tallies import log_loss_rows


@dataclass(frozen=True, slots=True)
class Stratum:
    """A part of the unseen rows: log losses in nats, how often the most probable class came, and the intervals."""

    rows: int
    log_loss_nats: float
    prior_log_loss_nats: float
    accuracy_frac: float
    ece_frac: float
    held: Held


@dataclass(frozen=True, slots=True)
class Strata:
    """Both ways to part the unseen rows, by name. Regimes without rows are not there."""

    by_regime: Mapping[str, Stratum]
    by_symbol: Mapping[str, Stratum]


@dataclass(frozen=True, slots=True, eq=False)
class Answered:
    """Rows with what a model said of them, n: probabilities (n, 3), and the classes (n) that came.

    slopes: (3), what a class returns in units of the volatility; volatility_feature: place of that
    prior: (3), shares of the classes in training
    """

    rows: Rows
    probabilities: Floats
    classes: Classes
    slopes: Floats
    volatility_feature: int
    prior: Floats


def part_rows(answered: Answered, names: Sequence[str]) -> Strata:
    """Return the strata; ``names``: of the features, in order."""
    rows = answered.rows
    volatility = rows.features[:, answered.volatility_feature].astype(np.float64)
    expected = volatility * (answered.probabilities @ answered.slopes)
    outcomes = interval_outcomes(rows, expected, volatility)
    return Strata(
        by_regime=_by_name(answered, outcomes, _regimes_of(rows, names)),
        by_symbol=_by_name(answered, outcomes, rows.symbol),
    )


def _regimes_of(rows: Rows, names: Sequence[str]) -> NDArray[np.str_]:
    """Return each row's regime; nothing where the features do not tell it."""
    places = Places.of(names)
    ratio, efficiency = places.volatility_log_ratio, places.efficiency_ratio
    if ratio is None or efficiency is None:
        return np.full(len(rows), "")
    told = zip(rows.features[:, ratio].tolist(), rows.features[:, efficiency].tolist(), strict=True)
    return np.array([regime_of(*each).value for each in told])


def _by_name(answered: Answered, outcomes: NDArray[np.int8], name: NDArray[np.str_]) -> dict[str, Stratum]:
    right = answered.probabilities.argmax(axis=1) == answered.classes
    loss = log_loss_rows(answered.probabilities, answered.classes)
    prior_loss = -np.log(answered.prior)[answered.classes]
    return {
        str(one): Stratum(
            rows=len(at),
            log_loss_nats=float(loss[at].mean()),
            prior_log_loss_nats=float(prior_loss[at].mean()),
            accuracy_frac=float(right[at].mean()),
            ece_frac=judge_reliability(answered.probabilities[at], answered.classes[at]).ece_frac,
            held=count_held(outcomes[at]),
        )
        for one in np.unique(name)
        if one and len(at := np.flatnonzero(name == one))
    }
