"""Figures ``predict-batch`` and ``explain``: the served ensemble in batches, and with its contributions.

``predict-batch`` is the cost of a row among 100, as a busy process predicts its instruments, over that of a row alone.
``explain`` is the cost of a prediction with what each feature adds to it over one without. Graph, rows and runner are
those of the figure ``ensemble``. Nothing is timed unless a batch says what its rows say alone, the explainer answers
what the runner answers, and the contributions add up.
"""

import numpy as np

from bench.ensemble import INPUTS, LOOPS, ROUNDS, ROWS, endless, make_model, walk
from bench.harness import Figure, time_pair
from foretick.quant.explainer import MAX_REMAINDER, ModelExplainer
from foretick.quant.runner import ModelRunner

BATCH = 100


def check_answers(runner: ModelRunner, explainer: ModelExplainer, rows: np.ndarray) -> None:
    """Stop unless batches, single rows and explanations say the same."""
    together = runner.run(rows).probabilities
    alone = np.concatenate([runner.run(row[None]).probabilities for row in rows])
    told = explainer.run(rows)
    if not (np.array_equal(together, alone) and np.array_equal(together, told.output.probabilities)):
        raise AssertionError("a row is answered otherwise in a batch, or where it is explained")
    remainder = np.abs(told.features.sum(axis=1) + told.baseline - told.answer).max()
    if not remainder <= MAX_REMAINDER:
        raise AssertionError(f"contributions leave {remainder:.2g} of an answer unexplained")


def measure() -> list[Figure]:
    """Fit, export, compare, time.

    Raises:
        MachineTooNoisy: a null pair left its band.
    """
    rng = np.random.default_rng(1)
    _, graph, weights = make_model(rng)
    runner, explainer = ModelRunner(graph, weights, INPUTS), ModelExplainer(graph, weights)
    walked = walk(ROWS, rng)
    check_answers(runner, explainer, walked)

    rows = [np.ascontiguousarray(row[None]) for row in walked]
    batches = [np.ascontiguousarray(batch) for batch in np.split(walked, len(walked) // BATCH)]
    single, many = endless(rows), endless(batches)
    batch_s, row_s = time_pair(
        lambda: runner.run(next(many)), lambda: runner.run(next(single)), loops=LOOPS // 10, rounds=ROUNDS
    )
    told, plain = endless(rows), endless(rows)
    explained_s, plain_s = time_pair(
        lambda: explainer.run(next(told)), lambda: runner.run(next(plain)), loops=LOOPS, rounds=ROUNDS
    )
    return [
        Figure(
            "predict-batch", batch_s / BATCH / row_s, "ratio", floor=0.7, aim=0.3,
            note=f"{batch_s / BATCH * 1e6:.1f} us a row among {BATCH}, {row_s * 1e6:.1f} us alone",
        ),
        Figure(
            "explain", explained_s / plain_s, "ratio", floor=3.0, aim=2.0,
            note=f"{explained_s * 1e6:.1f} us with contributions, {plain_s * 1e6:.1f} us without",
        ),
    ]  # fmt: skip


if __name__ == "__main__":
    for figure in measure():
        figure.report()
