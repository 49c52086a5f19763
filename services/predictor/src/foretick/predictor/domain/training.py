"""A training run, start to end, in terms of its parts: history, learner, gate. The parts come through ports."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from foretick.predictor.domain import dataset
from foretick.predictor.domain.dataset import Classes, Rows
from foretick.predictor.domain.ensemble import class_frequencies, fit_return_slopes, row_losses, weights_from_losses
from foretick.predictor.domain.evaluation import Evaluation, evaluate
from foretick.predictor.domain.gate import Parity
from foretick.predictor.domain.importance import Importance, mean_size
from foretick.predictor.domain.publication import TrainedModel
from foretick.predictor.domain.reliability import Calibration, Reliability, judge_reliability
from foretick.quant.calibration import fit_temperature

Progress = Callable[[str, int], None]
"""Told the stage that begins, and how far the run is in percent."""


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """How much to learn from, and how.

    seed: of everything; the test market has the next one
    train_s, test_s: data time of the market learnt from (with its validation part) and of the one tested on
    validation_frac: share of the first, at its end, that only weighs the members
    embargo_s: left out between learning and validation
    block_s: stretch of time that the bootstrap keeps together
    control_frac: share of the training rows for the control on shuffled classes
    control_effort_frac: share of trees, rounds and epochs for it: enough to find a leak, which is learnt first
    parity_rows: at least so many rows, the unseen ones first, for the comparison of graph, members and kernel
    explained_rows: at most so many rows, learnt from and unseen, for the importance of features
    interval_ns, horizon_steps: a step, and how far ahead to predict
    volatility_feature: index of the feature that scales the expected return
    """

    seed: int
    train_s: float
    test_s: float
    interval_ns: int
    horizon_steps: int
    volatility_feature: int
    validation_frac: float = 0.25
    embargo_s: float = 30.0
    block_s: float = 15.0
    control_frac: float = 0.25
    control_effort_frac: float = 0.25
    parity_rows: int = 100_000
    explained_rows: int = 10_000

    def steps_of(self, seconds: float) -> int:
        """Return ``seconds`` of data time in steps, at least 1."""
        return max(1, round(seconds * 1e9 / self.interval_ns))


class Ensemble(Protocol):
    """Fitted members."""

    @property
    def names(self) -> tuple[str, ...]:
        """The members' names, in order."""
        ...

    def predict(self, features: NDArray[np.float32]) -> list[NDArray[np.float64]]:
        """Return each member's probabilities (n, 3), by its own library."""
        ...

    def export(self, slopes: NDArray[np.float64], volatility_feature: int, temperature: float | None = None) -> bytes:
        """Return all members as one graph; ``slopes`` and the volatility give the expected return.

        ``temperature`` calibrates their blend; None leaves it as it is.
        """
        ...


class Learner(Protocol):
    """Fits the members and runs the exported graph."""

    def fit(
        self,
        features: NDArray[np.float32],
        classes: Classes,
        seed: int,
        effort_frac: float = 1.0,
        weight: NDArray[np.float64] | None = None,
    ) -> Ensemble:
        """Fit every member with a share of its trees, rounds and epochs; equal arguments give an equal ensemble."""
        ...

    def run_graph(
        self, graph: bytes, weights: NDArray[np.float64], features: NDArray[np.float32]
    ) -> NDArray[np.float64]:
        """Return the graph's probabilities (n, 3)."""
        ...

    def compare(
        self,
        graph: bytes,
        weights: NDArray[np.float64],
        features: NDArray[np.float32],
        ensemble: Ensemble,
        temperature: float | None = None,
    ) -> tuple[Parity, Parity]:
        """Compare the served graph with its members and its temperature, and the kernel that serves with the graph."""
        ...

    def add_reference(self, graph: bytes, features: NDArray[np.float32]) -> bytes:
        """Return the graph with what its answers are explained by: ``features`` (n, features) that it learnt from."""
        ...

    def explain(self, graph: bytes, weights: NDArray[np.float64], features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return what each feature adds to P(up) - P(down) of each row, shape (n, features)."""
        ...

    def time_row(self, graph: bytes, weights: NDArray[np.float64], features: NDArray[np.float32]) -> float:
        """Return the time of one row in microseconds, as it is served."""
        ...


class MarketHistory(Protocol):
    """A market that can be fast-forwarded."""

    def rows(self, seed: int, duration_s: float) -> Rows:
        """Return the labelled vectors of a market of that seed; another seed is another market at a later time."""
        ...


def train(plan: TrainingPlan, history: MarketHistory, learner: Learner, progress: Progress) -> TrainedModel:
    """Fit, weigh, export and judge an ensemble; ``publication.faults_of`` says whether it may be published."""
    progress("simulating the market to learn from", 0)
    known = history.rows(plan.seed, plan.train_s)
    learn, validate = dataset.split_in_time(known, 1.0 - plan.validation_frac, plan.steps_of(plan.embargo_s))
    flat_bps = dataset.flat_thresholds(learn)
    classes = dataset.classify_rows(learn, flat_bps)
    progress("fitting the members", 25)
    ensemble = learner.fit(learn.features, classes, plan.seed)
    progress("weighing and calibrating the members", 65)
    validated = dataset.classify_rows(validate, flat_bps)
    told = np.array(ensemble.predict(validate.features))
    losses = np.array([row_losses(member, validated).mean() for member in told])
    weights = weights_from_losses(losses)
    temperature = fit_temperature(np.tensordot(weights, told, axes=1), validated)
    slopes = fit_return_slopes(learn.return_bps, learn.features[:, plan.volatility_feature].astype(np.float64), classes)
    graph = learner.add_reference(ensemble.export(slopes, plan.volatility_feature, temperature), learn.features)
    progress("simulating a market that no member has seen", 70)
    unseen = history.rows(plan.seed + 1, plan.test_s)
    exam = _Exam(plan, learner, unseen, dataset.classify_rows(unseen, flat_bps), class_frequencies(classes))
    progress("comparing the graph with its members and the model with the prior", 80)
    rows = _rows_to_compare(unseen, learn, plan.parity_rows)
    parity, kernel_parity = learner.compare(graph, weights, rows, ensemble, temperature)
    evaluation = exam.judge(graph, weights)
    progress("control: the same on shuffled classes", 88)
    return TrainedModel(
        graph=graph,
        member_names=ensemble.names,
        weights=weights,
        prior=exam.prior,
        flat_bps=flat_bps,
        rows=len(learn),
        parity=parity,
        kernel_parity=kernel_parity,
        latency_us=learner.time_row(graph, weights, rows),
        evaluation=evaluation,
        control=_control(plan, learner, learn, classes, exam),
        member_log_loss=dict(zip(ensemble.names, losses.tolist(), strict=True)),
        calibration=Calibration(
            temperature, exam.rate(ensemble.export(slopes, plan.volatility_feature), weights), exam.rate(graph, weights)
        ),
        importance=Importance(exam.lean_on(graph, weights, learn), exam.lean_on(graph, weights, unseen)),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Exam:
    """Unseen rows with their classes, and the prior to beat."""

    plan: TrainingPlan
    learner: Learner
    rows: Rows
    classes: Classes
    prior: NDArray[np.float64]

    def judge(self, graph: bytes, weights: NDArray[np.float64]) -> Evaluation:
        """Evaluate the graph as it will be served."""
        return evaluate(
            self.learner.run_graph(graph, weights, self.rows.features),
            self.prior,
            self.classes,
            dataset.blocks_of(self.rows, self.plan.steps_of(self.plan.block_s)),
            np.random.default_rng(self.plan.seed),
        )

    def rate(self, graph: bytes, weights: NDArray[np.float64]) -> Reliability:
        """Return how far the graph's probabilities can be taken at their word."""
        return judge_reliability(self.learner.run_graph(graph, weights, self.rows.features), self.classes)

    def lean_on(self, graph: bytes, weights: NDArray[np.float64], rows: Rows) -> NDArray[np.float64]:
        """Return the importance of each feature over some of ``rows``, evenly spread."""
        some = slice(None, None, max(1, -(-len(rows) // self.plan.explained_rows)))
        return mean_size(self.learner.explain(graph, weights, rows.features[some]))


def _rows_to_compare(unseen: Rows, learnt: Rows, count: int) -> NDArray[np.float32]:
    """Return ``count`` rows, or all there are: the unseen ones, filled up with some that were learnt from."""
    wanting = min(max(0, count - len(unseen)), len(learnt))
    return np.concatenate([unseen.features, learnt.features[np.arange(wanting) * len(learnt) // max(1, wanting)]])


def _control(plan: TrainingPlan, learner: Learner, learn: Rows, classes: Classes, exam: _Exam) -> Evaluation:
    """Run the same pipeline on shuffled classes, with fewer rows and trees, and put it to the same exam."""
    rng = np.random.default_rng([plan.seed, 1])
    some = np.sort(rng.permutation(len(learn))[: max(1, round(plan.control_frac * len(learn)))])
    rows = learn.take(some)
    shuffled = dataset.shuffle_within_symbols(rows, classes[some], rng)
    ensemble = learner.fit(rows.features, shuffled, plan.seed, plan.control_effort_frac)
    count = len(ensemble.names)
    return exam.judge(ensemble.export(np.zeros(3), plan.volatility_feature), np.full(count, 1.0 / count))
