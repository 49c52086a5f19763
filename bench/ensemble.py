"""Figure ``ensemble``: one row through the whole ensemble graph against one row through its LightGBM member alone.

The graph is made by the code that makes the served one, at the served sizes, with 64 inputs, and runs as it does live:
the model runner and its compiled kernel, one thread. Its rival is ``lightgbm.Booster.predict`` with one thread. Nothing
is timed unless the graph says what its members say and the kernel what the graph says. The same graph is also timed in
onnxruntime, one thread: the note says what it takes there.

Inputs are synthetic. Like the features of an instrument from one step to the next, each follows the step before, with
the autocorrelation that the real features have at one step (median 0.99). Both sides walk over the same rows.
"""

import statistics
import timeit
from collections.abc import Iterator
from typing import Any

import numpy as np

from bench.harness import Figure, time_pair
from foretick.predictor.adapters.learners.client import LibraryLearner
from foretick.predictor.domain.gate import TERMS, Parity
from foretick.quant.ensemble.session import GraphSession
from foretick.quant.runner import ModelRunner

INPUTS = 64
TRAINING_ROWS = 30_000
ROWS = 2_000
PARITY_ROWS = 10_000
AUTOCORRELATION = 0.99
TEMPERATURE = 0.9
LOOPS = 400
ROUNDS = 25


def walk(rows: int, rng: np.random.Generator) -> np.ndarray:
    """Consecutive rows of standard normal inputs, each following the one before."""
    series = rng.normal(size=(rows, INPUTS))
    for row in range(1, rows):
        series[row] = AUTOCORRELATION * series[row - 1] + np.sqrt(1 - AUTOCORRELATION**2) * series[row]
    return series.astype(np.float32)


def classes_of(features: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A weak signal: the first eight inputs move the class, noise moves it more."""
    score = features[:, :8].sum(axis=1) / np.sqrt(8) + 2.0 * rng.normal(size=len(features))
    return np.digitize(score, [-0.9, 0.9])


def check_agreement(graph: Parity, kernel: Parity) -> None:
    """Stop unless the graph is the ensemble and the kernel is the graph."""
    if not graph.max_error <= TERMS.max_relative_error or graph.decision_flips:
        raise AssertionError(f"the graph is not the ensemble: {graph}")
    if not kernel.max_error <= TERMS.max_kernel_error or kernel.decision_flips:
        raise AssertionError(f"the kernel is not the graph: {kernel}")


def make_model(rng: np.random.Generator) -> tuple[Any, bytes, np.ndarray]:
    """Fit and export as training does; return members, graph and weights once the three engines agree."""
    features = rng.normal(size=(TRAINING_ROWS, INPUTS)).astype(np.float32)
    learner = LibraryLearner(threads=2)
    ensemble = learner.fit(features, classes_of(features, rng), seed=1)
    weights = np.full(len(ensemble.names), 1.0 / len(ensemble.names))
    graph = learner.add_reference(ensemble.export(np.array([-1.0, 0.0, 1.0]), 0, TEMPERATURE), features)
    check_agreement(*learner.compare(graph, weights, walk(PARITY_ROWS, rng), ensemble, TEMPERATURE))
    return ensemble, graph, weights


def measure() -> list[Figure]:
    """Fit, export, compare, time.

    Raises:
        MachineTooNoisy: the null pair left its band.
    """
    rng = np.random.default_rng(1)
    ensemble, graph, weights = make_model(rng)
    runner = ModelRunner(graph, weights, INPUTS)
    rows = [np.ascontiguousarray(row[None]) for row in walk(ROWS, rng)]
    ours, rivals = endless(rows), endless(rows)
    booster = ensemble.lightgbm
    ours_s, rival_s = time_pair(
        lambda: runner.run(next(ours)), lambda: booster.predict(next(rivals), num_threads=1), loops=LOOPS, rounds=ROUNDS
    )
    session = GraphSession(graph, weights, INPUTS)
    onnxruntime_s = statistics.median(timeit.repeat(lambda: session.run(next(ours)), number=LOOPS, repeat=9)) / LOOPS
    note = (
        f"ensemble {ours_s * 1e6:.1f} us, LightGBM alone {rival_s * 1e6:.1f} us, the same graph in onnxruntime "
        f"{onnxruntime_s * 1e6:.1f} us; "
        f"forest {len(ensemble.forest.estimators_)} trees, LightGBM {booster.num_trees()}, "
        f"XGBoost {len(ensemble.xgboost.get_dump())}"
    )
    return [Figure("ensemble", ours_s / rival_s, "ratio", floor=0.5, aim=0.25, note=note)]


def endless(rows: list[np.ndarray]) -> Iterator[np.ndarray]:
    """Yield the rows in order, again and again."""
    while True:
        yield from rows


if __name__ == "__main__":
    for figure in measure():
        figure.report()
