"""The share of the attainable edge, start to end: markets and their oracle, a model a horizon, shares."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from foretick.common.contracts import Origin
from foretick.common.units import NS_PER_MS
from foretick.predictor.domain.adequacy import Sample
from foretick.predictor.domain.dataset import Rows, classify_rows, thresholds_at
from foretick.predictor.domain.edge.plan import EdgePlan
from foretick.predictor.domain.edge.verdict import (
    ENSEMBLE,
    ORACLE,
    PRIOR,
    Came,
    EdgeVerdict,
    Forecast,
    Resampling,
    foresee,
    judge_edge,
)
from foretick.predictor.domain.learner import Learner, TrainingHistory
from foretick.predictor.domain.publication import TrainedModel, faults_of
from foretick.predictor.domain.targets import LabelKind, Target
from foretick.predictor.domain.training import train, usual_plan
from foretick.predictor.domain.trials import Search

Progress = Callable[[str, float], None]
"""Told what begins, and which share of the whole is done."""

_ORACLE_FRAC = 0.5
"""Share of the time that the oracle takes."""


@dataclass(frozen=True, slots=True, eq=False)
class Foreseen:
    """Rows of one market by target, in the same order, n of each, and what the oracle sees ahead of them.

    moves_bps: (n, paths, targets) log return of the mid over each target's horizon, on paths of the oracle
    """

    rows: dict[Target, Rows]
    moves_bps: NDArray[np.float64]


class ForeseenMarkets(Protocol):
    """Markets whose state is known to the oracle."""

    def foresee(self, seed: int, targets: Sequence[Target], tell: Callable[[float], None]) -> Foreseen:
        """Return the judged rows of the market of that seed, by targets of growing horizon; ``tell``: the share done.

        Raises:
            Refused: no row is whole.
        """
        ...


Answer = Callable[[TrainedModel, NDArray[np.float32]], Forecast]
"""What a model says of features (n, features), as it is served."""


@dataclass(frozen=True, slots=True)
class EdgeParts:
    """What a run is made of."""

    learner: Learner
    search: Search
    history: TrainingHistory
    markets: ForeseenMarkets
    answer: Answer


@dataclass(frozen=True, slots=True)
class HorizonEdge:
    """One horizon: all instruments together, and each.

    faults: why the model might not be published; it is judged all the same
    class_shares: of down, flat and up among the rows judged
    """

    horizon_steps: int
    model_rows: int
    faults: tuple[str, ...]
    class_shares: tuple[float, ...]
    together: EdgeVerdict
    by_symbol: dict[str, EdgeVerdict]


def targets_at(horizons_steps: Sequence[int]) -> tuple[Target, ...]:
    """Return the forward return over each horizon, the shortest first."""
    return tuple(Target(LabelKind.FORWARD_RETURN, horizon) for horizon in sorted(horizons_steps))


def run_edge(plan: EdgePlan, parts: EdgeParts, progress: Progress) -> tuple[HorizonEdge, ...]:
    """Let the oracle look at the judged markets, then train a model a horizon as live and judge both.

    Raises:
        Refused: as ``train`` and ``ForeseenMarkets``.
        ValueError: the judged markets are too short for a bootstrap.
    """
    targets = targets_at(plan.horizons_steps)
    markets: list[Foreseen] = []
    for number, seed in enumerate(plan.judged_seeds):
        begun, share = number / len(plan.judged_seeds), 1.0 / len(plan.judged_seeds)
        stage = f"the oracle looks at market {seed}"
        told = _within(progress, stage, _ORACLE_FRAC * begun, _ORACLE_FRAC * share)
        markets.append(parts.markets.foresee(seed, targets, told))
    history = _Played(parts.history)
    found: list[HorizonEdge] = []
    for number, target in enumerate(targets):
        begun, share = number / len(targets), 1.0 / len(targets)
        told = _within(progress, f"training for {target.horizon_steps} steps ahead", _ORACLE_FRAC, 1.0 - _ORACLE_FRAC)
        training = usual_plan(plan.seed, plan.step_ms * NS_PER_MS, (target,))
        model = train(
            training, history, parts.learner, parts.search,
            lambda _stage, percent, begun=begun, share=share, told=told: told(begun + share * percent / 100),
        )  # fmt: skip
        found.append(_judge(plan, model, target, [(each.rows[target], each.moves_bps[..., number]) for each in markets],
                            parts.answer))  # fmt: skip
    progress("done", 1.0)
    return tuple(found)


def _within(progress: Progress, stage: str, begun: float, share: float) -> Callable[[float], None]:
    return lambda done: progress(stage, begun + share * done)


def _judge(
    plan: EdgePlan,
    model: TrainedModel,
    target: Target,
    markets: Sequence[tuple[Rows, NDArray[np.float64]]],
    answer: Answer,
) -> HorizonEdge:
    rows = [each for each, _ in markets]
    classes = np.concatenate([classify_rows(each, model.flat_bps) for each in rows])
    symbol = np.concatenate([each.symbol for each in rows])
    step = np.concatenate([each.step for each in rows])
    came = Came(classes, np.concatenate([each.return_bps for each in rows]), step * plan.step_ms * NS_PER_MS)
    limits = np.concatenate([thresholds_at(each, model.flat_bps) for each in rows])
    forecasts = {
        PRIOR: Forecast(np.tile(model.prior, (len(classes), 1)), np.zeros(len(classes))),
        ENSEMBLE: answer(model, np.concatenate([each.features for each in rows])),
        ORACLE: foresee(np.concatenate([moves for _, moves in markets]), limits),
    }
    how = Resampling(plan.bin_ms * NS_PER_MS, plan.resamples, plan.seed)

    def judge(some: NDArray[np.bool_]) -> EdgeVerdict:
        given = {name: each.take(some) for name, each in forecasts.items()}
        return judge_edge(came.take(some), given, how)

    return HorizonEdge(
        horizon_steps=target.horizon_steps,
        model_rows=model.rows,
        faults=tuple(faults_of(model)),
        class_shares=tuple(float((classes == kind).mean()) for kind in range(3)),
        together=judge(np.ones(len(classes), np.bool_)),
        by_symbol={str(name): judge(symbol == name) for name in np.unique(symbol)},
    )


@dataclass(frozen=True, slots=True)
class _Played:
    """A history that is played once: every horizon's training learns from the same vectors."""

    history: TrainingHistory
    parts: dict[tuple[str, int], Sample] = field(default_factory=dict[tuple[str, int], Sample])

    @property
    def origin(self) -> Origin:
        """Whose market it is."""
        return self.history.origin

    @property
    def description(self) -> Mapping[str, object]:
        """What it was made from."""
        return self.history.description

    def known(self, seed: int) -> Sample:
        """Return what may be learnt from."""
        if ("known", seed) not in self.parts:
            self.parts["known", seed] = self.history.known(seed)
        return self.parts["known", seed]

    def unseen(self, seed: int) -> Sample:
        """Return what is tested on."""
        if ("unseen", seed) not in self.parts:
            self.parts["unseen", seed] = self.history.unseen(seed)
        return self.parts["unseen", seed]
