"""A search over the members' sizes: Optuna's tree-structured Parzen estimator (Bergstra et al. 2011), in memory.

Only the ``train`` role imports this.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import optuna

from foretick.predictor.domain.trials import Objective, Trial

_SPACE: dict[str, tuple[float, float]] = {
    "forest_depth": (4, 10),
    "boosting_rounds": (30, 150),
    "learning_rate": (0.02, 0.15),
    "lightgbm_leaves": (7, 47),
    "xgboost_depth": (3, 7),
    "min_leaf_rows": (50, 600),
    "hidden_units": (8, 48),
    "network_epochs": (4, 16),
    "linear_penalty": (0.1, 10_000.0),
}
"""Bounds of each size, drawn on a log scale. Larger members would leave the gate's limits of time and size."""

_FRACTIONS = frozenset({"learning_rate", "linear_penalty"})
_STARTUP_TRIALS = 8


@dataclass(frozen=True, slots=True)
class OptunaSearch:
    """Implements ``domain.trials.Search``; ``usual``: the sizes that are tried first."""

    usual: dict[str, float]

    def run(self, objective: Objective, trials: int, seed: int, tell: Callable[[Trial], None]) -> Sequence[Trial]:
        """Try the usual sizes, then ``trials - 1`` others; equal arguments propose equal sizes."""
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=_STARTUP_TRIALS)
        study = optuna.create_study(direction="minimize", sampler=sampler)
        study.enqueue_trial({name: _within(name, self.usual[name]) for name in _SPACE})
        ledger: list[Trial] = []

        def keep(_study: Any, trial: optuna.trial.FrozenTrial) -> None:
            ledger.append(_trial_of(trial))
            tell(ledger[-1])

        def ask(trial: optuna.Trial) -> float:
            try:
                return objective({name: _suggest(trial, name) for name in _SPACE})
            except ValueError as error:
                trial.set_user_attr("reason", str(error))
                raise

        study.optimize(ask, n_trials=trials, n_jobs=1, callbacks=[keep], catch=(ValueError,))
        return ledger


def _suggest(trial: optuna.Trial, name: str) -> float:
    low, high = _SPACE[name]
    if name in _FRACTIONS:
        return trial.suggest_float(name, low, high, log=True)
    return trial.suggest_int(name, int(low), int(high), log=True)


def _within(name: str, value: float) -> float:
    low, high = _SPACE[name]
    return min(max(value, low), high)


def _trial_of(trial: optuna.trial.FrozenTrial) -> Trial:
    duration = trial.duration
    done = trial.state is optuna.trial.TrialState.COMPLETE
    return Trial(
        number=trial.number,
        sizes={name: float(value) for name, value in trial.params.items()},
        value_nats=trial.value if done else None,
        state="complete" if done else "failed",
        seconds=duration.total_seconds() if duration else 0.0,
        reason=trial.user_attrs.get("reason", ""),
    )
