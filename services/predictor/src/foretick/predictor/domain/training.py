"""A training run, start to end, in terms of its parts: history, search, learner, gate. The parts come through ports."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foretick.common.errors import Refused
from foretick.predictor.domain import dataset
from foretick.predictor.domain.adequacy import (
    FEWEST_KNOWN,
    FEWEST_UNSEEN,
    LONGER,
    Sample,
    leave_constant_out,
    refuse_too_few,
)
from foretick.predictor.domain.dataset import Classes, Rows
from foretick.predictor.domain.ensemble import fit_return_slopes
from foretick.predictor.domain.evaluation import Evaluation, evaluate
from foretick.predictor.domain.importance import Importance, mean_size
from foretick.predictor.domain.learner import Ensemble, Learner, TrainingHistory
from foretick.predictor.domain.life.window import make_reference
from foretick.predictor.domain.publication import DataUsed, TrainedModel
from foretick.predictor.domain.reliability import Calibration, Reliability, judge_reliability
from foretick.predictor.domain.sequences import feature_of, name_columns
from foretick.predictor.domain.strata import Answered, Strata, part_rows
from foretick.predictor.domain.targets import Target
from foretick.predictor.domain.trials import Search, Trial, best_of
from foretick.predictor.domain.walk_forward import FittedPart, Walk, WalkTerms, find_fit_leaks, fit_part, walk
from foretick.quant.feature import Input
from foretick.quant.registry import FEATURES, INDEX, MODEL_FEATURE_NAMES
from foretick.quant.validation import Split
from foretick.quant.validation.leaks import Leak, check_batch, check_duplicates, check_split, check_target

Progress = Callable[[str, int], None]
"""Told the stage that begins, and how far the run is in percent."""

_SUSPECTED_ROWS, _BATCH_ROWS = 4_000, 64


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """How much to learn from, and how.

    seed: of everything; a simulated test market has the next one
    interval_ns: a step
    targets: what is walked forward; the first is served
    volatility_feature: index of the feature that scales the expected return; feature_names: of all
    embargo_s: left out before every stretch that is answered or tested on in the same history
    folds, first_frac: stretches of the walk-forward, and the share of time before the first of them
    fit_stride_steps, walk_stride_steps: members are fitted on every so manieth step, the served ones and those of a
        fold: neighbours share most of their horizon, so that little is lost and much time is won
    calibrated_rows: rows that each fold has to be fitted on, if the blend is to be calibrated by what the folds answer:
        members of fewer are another kind than those that are served
    trials: sizes that are tried on the walk-forward; 0: the usual ones
    block_s: stretch of time that the bootstrap keeps together
    control_frac: share of the training rows for the control on shuffled classes
    control_effort_frac: share of trees, rounds and epochs for it: enough to find a leak, which is learnt first
    parity_rows: at least so many rows, the unseen ones first, for the comparison of graph, members and kernel
    explained_rows: at most so many rows, learnt from and unseen, for the importance of features
    sequence_length: vectors that a row is made of; the latest is the last, and scales the expected return
    """

    seed: int
    interval_ns: int
    targets: tuple[Target, ...]
    volatility_feature: int
    feature_names: tuple[str, ...]
    embargo_s: float = 30.0
    folds: int = 3
    first_frac: float = 0.4
    fit_stride_steps: int = 2
    walk_stride_steps: int = 5
    calibrated_rows: int = 5_000
    trials: int = 0
    block_s: float = 15.0
    control_frac: float = 0.25
    control_effort_frac: float = 0.25
    parity_rows: int = 100_000
    explained_rows: int = 10_000
    sequence_length: int = 1

    @property
    def served(self) -> Target:
        """What the model that is served predicts."""
        return self.targets[0]

    @property
    def column_names(self) -> tuple[str, ...]:
        """The names of a row's columns; those of its latest vector are the features' own."""
        return name_columns(self.feature_names, self.sequence_length)

    @property
    def volatility_column(self) -> int:
        """Where in a row the feature is that scales the expected return."""
        return self.column_names.index(self.feature_names[self.volatility_feature])

    @property
    def walk_terms(self) -> WalkTerms:
        """How the training part is walked."""
        return WalkTerms(
            self.folds, self.first_frac, self.steps_of(self.embargo_s), self.walk_stride_steps, self.seed,
            self.volatility_column,
        )  # fmt: skip

    def steps_of(self, seconds: float) -> int:
        """Return ``seconds`` of data time in steps, at least 1."""
        return max(1, round(seconds * 1e9 / self.interval_ns))


def usual_plan(seed: int, interval_ns: int, targets: tuple[Target, ...]) -> TrainingPlan:
    """Return the plan of a training of the features that models take, everything else as it is unless it is set."""
    volatility = MODEL_FEATURE_NAMES.index("realised_volatility_bps")
    return TrainingPlan(seed, interval_ns, targets, volatility, MODEL_FEATURE_NAMES)


def train(
    plan: TrainingPlan, history: TrainingHistory, learner: Learner, search: Search, progress: Progress
) -> TrainedModel:
    """Search, weigh, fit, export and judge an ensemble; ``publication.faults_of`` says whether it may be published.

    Raises:
        Refused: there is too little to learn from, or nothing that moves; and as ``TrainingHistory.known``.
    """
    progress("making the history to learn from", 0)
    known = leave_constant_out(history.known(plan.seed))
    refuse_too_few(known, plan.served, FEWEST_KNOWN, "to learn from")
    rows = known.panel.rows(plan.served)
    try:
        ledger, learner = _search(plan, rows, learner, search, progress)
        walks = _walk(plan, known, learner, progress)
        progress("fitting the members", 45)
        fitted = fit_part(learner, rows, np.arange(len(rows)), plan.fit_stride_steps, plan.seed)
    except ValueError as error:  # a fold without rows, or without one of the classes
        raise Refused("too_little_history", f"{plan.served}: {error}", LONGER) from error
    progress("making the history that no member has seen", 70)
    unseen = leave_constant_out(history.unseen(plan.seed))
    refuse_too_few(unseen, plan.served, FEWEST_UNSEEN, "to be tested on")
    return _examine(_Course(plan, history, learner, known, unseen, rows, fitted, walks, ledger), progress)


def _search(
    plan: TrainingPlan, rows: Rows, learner: Learner, search: Search, progress: Progress
) -> tuple[tuple[Trial, ...], Learner]:
    """Return the ledger and a learner of the best sizes; without trials an empty one and the same learner."""
    if not plan.trials:
        return (), learner

    def tell(trial: Trial) -> None:
        value = "failed" if trial.value_nats is None else f"{trial.value_nats:.5f} nats"
        progress(f"trial {trial.number + 1} of {plan.trials}: {value}", 5)

    def objective(sizes: Mapping[str, float]) -> float:
        return walk(learner.resize(sizes), rows, plan.served, plan.walk_terms).stack.pool_log_loss

    ledger = tuple(search.run(objective, plan.trials, plan.seed, tell))
    best = best_of(ledger)
    if best is None:
        raise ValueError(f"all {len(ledger)} trials failed, the last with: {ledger[-1].reason if ledger else 'none'}")
    return ledger, learner.resize(best.sizes)


def _walk(plan: TrainingPlan, known: Sample, learner: Learner, progress: Progress) -> tuple[Walk, ...]:
    walks: list[Walk] = []
    for number, target in enumerate(plan.targets):
        progress(f"walking forward: {target}", 10 + 30 * number // len(plan.targets))
        walks.append(walk(learner, known.panel.rows(target), target, plan.walk_terms))
    return tuple(walks)


@dataclass(frozen=True, slots=True, eq=False)
class _Course:
    """What has been learnt, before it is examined."""

    plan: TrainingPlan
    history: TrainingHistory
    learner: Learner
    known: Sample
    unseen: Sample
    rows: Rows
    fitted: FittedPart[Ensemble]
    walks: tuple[Walk, ...]
    ledger: tuple[Trial, ...]


def _examine(course: _Course, progress: Progress) -> TrainedModel:
    """Export what was learnt and judge it on what no member has seen: once."""
    plan, learner, rows, fitted = course.plan, course.learner, course.rows, course.fitted
    served = course.walks[0].stack
    classes = dataset.classify_rows(rows, fitted.flat_bps)
    volatility = rows.features[:, plan.volatility_column].astype(np.float64)
    slopes = fit_return_slopes(rows.return_bps, volatility, classes)
    is_calibrated = min(fold.train_rows for fold in course.walks[0].folds) >= plan.calibrated_rows
    temperature = served.temperature if is_calibrated else None
    graph = learner.add_reference(fitted.members.export(slopes, plan.volatility_column, temperature), rows.features)
    judged = course.unseen.panel.rows(plan.served)
    exam = _Exam(plan, learner, judged, dataset.classify_rows(judged, fitted.flat_bps), fitted.prior)
    progress("comparing the graph with its members and the model with the prior", 80)
    compared = _rows_to_compare(judged, rows, plan.parity_rows, plan.seed)
    parity, kernel_parity = learner.compare(graph, served.shares, compared, fitted.members, temperature)
    answers = exam.answer(graph, served.shares)
    blended = answers
    if temperature is not None:
        blended = exam.answer(fitted.members.export(slopes, plan.volatility_column), served.shares)
    progress("looking for leaks", 87)
    leaks = _find_leaks(course, graph, judged)
    progress("control: the same on shuffled classes", 90)
    return TrainedModel(
        graph=graph,
        member_names=fitted.members.names,
        weights=served.shares,
        prior=fitted.prior,
        flat_bps=fitted.flat_bps,
        rows=fitted.rows,
        parity=parity,
        kernel_parity=kernel_parity,
        latency_us=learner.time_row(graph, served.shares, compared),
        evaluation=exam.judge(answers),
        control=_control(plan, learner, rows, classes, exam),
        calibration=Calibration(temperature or 1.0, exam.rate(blended), exam.rate(answers)),
        strata=exam.part(answers, slopes),
        importance=Importance(exam.lean_on(graph, served.shares, rows), exam.lean_on(graph, served.shares, judged)),
        walks=course.walks,
        leaks=tuple(leaks),
        ledger=course.ledger,
        sizes=dict(learner.sizes),
        data=_data_used(course),
        reference=make_reference(
            plan.feature_names, rows.features[:, -len(plan.feature_names) :], rows.symbol, plan.seed
        ),
    )


def _data_used(course: _Course) -> DataUsed:
    known, unseen = course.known, course.unseen
    return DataUsed(
        origin=course.history.origin,
        description=dict(course.history.description),
        known_sha256=dataset.hash_panel(known.panel),
        unseen_sha256=dataset.hash_panel(unseen.panel),
        known=known.yields,
        unseen=unseen.yields,
        left_out=(*known.left_out, *unseen.left_out),
    )


def _telling(rows: Rows, judged: Rows, names: tuple[str, ...]) -> tuple[NDArray[np.float32], Split]:
    """Return what tells one row from another: features without the calendar, of rows whose price moved after them.

    Rows of a silent market are alike; a calendar that is drawn would make any two rows differ.
    """
    columns = [n for n, name in enumerate(names) if FEATURES[INDEX[feature_of(name)]].inputs != (Input.CLOCK,)]
    known, unseen = (each.features[each.return_bps != 0.0][:, columns] for each in (rows, judged))
    return np.concatenate([known, unseen]), Split(np.arange(len(known)), len(known) + np.arange(len(unseen)))


def _find_leaks(course: _Course, graph: bytes, judged: Rows) -> list[Leak]:
    """Run every check that applies to a finished training."""
    plan, learner, rows = course.plan, course.learner, course.rows
    both = Split(np.arange(len(rows)), len(rows) + np.arange(len(judged)))
    start, end = np.concatenate([rows.step, judged.step]), np.concatenate([rows.end_step, judged.end_step])
    some = np.arange(min(len(rows), _SUSPECTED_ROWS)) * len(rows) // min(len(rows), _SUSPECTED_ROWS)

    def answer(features: NDArray[np.floating]) -> NDArray[np.float64]:
        return learner.run_graph(graph, course.walks[0].stack.shares, features.astype(np.float32))

    return [
        *course.known.leaks,
        *course.unseen.leaks,
        *(leak for each in course.walks for leak in each.leaks),
        *check_split(both, start, end, plan.steps_of(plan.embargo_s) - 1),
        *check_duplicates(*_telling(rows, judged, plan.column_names)),
        *check_target(rows.features[some], rows.return_bps[some], plan.column_names),
        *find_fit_leaks(learner, rows, plan.walk_terms),
        *check_batch(answer, judged.features[:_BATCH_ROWS]),
    ]


@dataclass(frozen=True, slots=True, eq=False)
class _Exam:
    """Unseen rows with their classes, and the prior to beat."""

    plan: TrainingPlan
    learner: Learner
    rows: Rows
    classes: Classes
    prior: NDArray[np.float64]

    def answer(self, graph: bytes, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the graph's probabilities (n, 3), as it will be served."""
        return self.learner.run_graph(graph, weights, self.rows.features)

    def judge(self, answers: NDArray[np.float64]) -> Evaluation:
        """Evaluate a graph's answers."""
        return evaluate(
            answers,
            self.prior,
            self.classes,
            dataset.blocks_of(self.rows, self.plan.steps_of(self.plan.block_s)),
            np.random.default_rng(self.plan.seed),
        )

    def rate(self, answers: NDArray[np.float64]) -> Reliability:
        """Return how far a graph's answers can be taken at their word."""
        return judge_reliability(answers, self.classes)

    def part(self, answers: NDArray[np.float64], slopes: NDArray[np.float64]) -> Strata:
        """Return what a graph's answers are worth by regime and by instrument."""
        column = self.plan.volatility_column
        told = Answered(self.rows, answers, self.classes, slopes, column, self.prior)
        return part_rows(told, self.plan.column_names)

    def lean_on(self, graph: bytes, weights: NDArray[np.float64], rows: Rows) -> NDArray[np.float64]:
        """Return the importance of each feature over some of ``rows``, evenly spread."""
        some = slice(None, None, max(1, -(-len(rows) // self.plan.explained_rows)))
        return mean_size(self.learner.explain(graph, weights, rows.features[some]))


def _rows_to_compare(unseen: Rows, learnt: Rows, count: int, seed: int) -> NDArray[np.float32]:
    """Return at least ``count`` rows: the unseen ones, filled up with some that were learnt from.

    Where both are too few, the rest is put together from values that were learnt from, each feature's drawn by itself:
    a graph must be its members whatever it is asked.
    """
    wanting = max(0, count - len(unseen))
    taken = min(wanting, len(learnt))
    rng = np.random.default_rng([seed, 4])
    picks = rng.integers(0, len(learnt), (wanting - taken, learnt.features.shape[1]))
    drawn = np.take_along_axis(learnt.features, picks, axis=0)
    some = learnt.features[np.arange(taken) * len(learnt) // max(1, taken)]
    return np.concatenate([unseen.features, some, drawn])


def _control(plan: TrainingPlan, learner: Learner, learn: Rows, classes: Classes, exam: _Exam) -> Evaluation:
    """Run the same pipeline on shuffled classes, with fewer rows and trees, and put it to the same exam."""
    rng = np.random.default_rng([plan.seed, 1])
    some = np.sort(rng.permutation(len(learn))[: max(1, round(plan.control_frac * len(learn)))])
    rows = learn.take(some)
    shuffled = dataset.shuffle_within_symbols(rows, classes[some], rng)
    weight = dataset.weigh_rows(rows)
    ensemble = learner.fit(rows.features, shuffled, plan.seed, plan.control_effort_frac, weight)
    count = len(ensemble.names)
    graph = ensemble.export(np.zeros(3), plan.volatility_column)
    return exam.judge(exam.answer(graph, np.full(count, 1.0 / count)))
