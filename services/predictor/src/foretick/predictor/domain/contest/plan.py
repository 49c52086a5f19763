"""What a contest is run with. The plan is a file of its own, committed before results are seen."""

import msgspec

from foretick.predictor.domain.contest.names import ENSEMBLE_NAMES, IMBALANCE_NAME


class BoostingSizes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The plain gradient boosting that rivals: LightGBM's own defaults."""

    rounds: int = 100
    leaves: int = 31
    learning_rate: float = 0.1
    min_leaf_rows: int = 20


class EvaluationPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How instruments are divided, what is predicted, by what, and how it is judged.

    horizons_events: how many events of the book ahead, each judged alone
    train_frac: share of an instrument's time, from its beginning, that is learnt from
    embargo_ms: left out between training and test, and around the folds within training
    folds: stretches of the training part that the ensemble's members are weighed and calibrated on
    step_ms, window_steps: grid of the feature kernel
    max_missing_frac: a feature that is missing in more of the training rows is left out
    bin_ms: rows of so much time are summed before stretches are resampled
    resamples: of the bootstrap; seed: of everything
    unknown_taker_fee_bps: the fee of a venue that does not say its own
    decision_prior_power: an entrant decides for the class with the largest probability over the class's share of the
        training rows to this power: 0 is the most probable class, 1 weighs classes alike
    odd_features: the ensemble's, that change their sign where bids and asks are exchanged; even_features: that do not
    members: sizes of the ensemble's members, by the names of ``Sizes``
    boosting: of the rival
    """

    horizons_events: tuple[int, ...]
    train_frac: float
    embargo_ms: int
    folds: int
    step_ms: int
    window_steps: int
    max_missing_frac: float
    bin_ms: int
    resamples: int
    seed: int
    unknown_taker_fee_bps: float
    decision_prior_power: float
    odd_features: tuple[str, ...]
    even_features: tuple[str, ...]
    members: dict[str, float]
    boosting: BoostingSizes = BoostingSizes()


def faults_of_plan(plan: EvaluationPlan) -> list[str]:
    """Return what is wrong with ``plan``; empty if it can be run."""
    faults: list[str] = []
    if not plan.horizons_events or min(plan.horizons_events) < 1:
        faults.append("horizons_events must name horizons of at least 1 event")
    if not 0.0 < plan.train_frac < 1.0:
        faults.append(f"train_frac {plan.train_frac} must lie between 0 and 1")
    if plan.folds < 2:
        faults.append(f"folds {plan.folds} must be at least 2")
    positive = ("step_ms", "window_steps", "bin_ms", "resamples")
    faults += [f"{name} must be positive" for name in positive if getattr(plan, name) < 1]
    if not 0.0 <= plan.decision_prior_power <= 1.0:
        faults.append(f"decision_prior_power {plan.decision_prior_power} must lie between 0 and 1")
    if IMBALANCE_NAME not in plan.odd_features:
        faults.append(f"odd_features must name {IMBALANCE_NAME}")
    unknown = [name for name in (*plan.odd_features, *plan.even_features) if name not in ENSEMBLE_NAMES]
    faults += [f"there is no feature {name}" for name in unknown]
    if len({*plan.odd_features, *plan.even_features}) < len(plan.odd_features) + len(plan.even_features):
        faults.append("odd_features and even_features must not name a feature twice")
    if plan.embargo_ms < 0 or not 0.0 <= plan.max_missing_frac < 1.0:
        faults.append("embargo_ms must not be negative, max_missing_frac a share below 1")
    return faults
