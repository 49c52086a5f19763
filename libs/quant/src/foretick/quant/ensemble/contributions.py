"""The compiled explanation: what each feature adds to P(up) - P(down) of the calibrated answer, in one call with it.

Every stage between the features and the answer is replaced by the straight line between the reference and the row, the
rescale rule (DeepLIFT, Shrikumar et al. 2017; through stages of different kinds, Chen, Lundberg and Lee 2022): what
leaves a stage is its slopes times what enters it, exactly, so that contributions add up to the answer less that at the
reference. Last to first:

- a softmax: ``L_k (d_k - sum(L d) / sum(L))`` with L the logarithmic means of the probabilities before and after. It is
  the softmax's derivative with L in place of the probabilities, and exact: ``log p_k`` grows by ``d_k - c``, p_k by L_k
  times that, and c is what keeps the sum at 1
- temperature and logarithm: the secant; blend: the weights
- rectifiers: the secant; the layers beside them are linear
- trees: each step of a row's path moves the mean of the leaves below (``steps``)
"""

from collections.abc import Callable

import numba
import numpy as np

from foretick.quant.ensemble.compiled import (
    LEAST,
    OUT_HEAD,
    SOURCES,
    add_leaves,
    add_networks,
    blend_members,
    calibrate,
    empty_model,
    fingerprint_of,
    open_head,
    open_networks,
    open_trees,
    open_work,
    section,
    soften,
    walk_trees,
    work_words,
    write_keys,
    write_row,
)
from foretick.quant.ensemble.layout import Count, pack_sections
from foretick.quant.ensemble.output import CLASSES

CONTRIBUTION_TAIL = 2
"""Columns of a row of contributions after those of the features: the answer at the reference, and the answer."""

_DOWN, _UP = 0, 2
_NEAR = 1e-4


@numba.njit(error_model="numpy")
def log_mean(a, b):  # noqa: ANN001, ANN201 - compiled
    """Return the logarithmic mean (a - b) / (log a - log b), a where the two are equal; near that by its series."""
    apart = (a - b) / (a + b)
    if abs(apart) < _NEAR:
        return 0.5 * (a + b) * (1.0 - apart * apart / 3.0)
    return (a - b) / np.log(a / b)


@numba.njit(error_model="numpy")
def pull_through_softmax(after, before, slopes):  # noqa: ANN001, ANN201 - compiled
    """Turn slopes by the probabilities of a softmax into slopes by its scores, in place; all of shape (3)."""
    total, pull = 0.0, 0.0
    for kind in range(CLASSES):
        mean = log_mean(after[kind], before[kind])
        total += mean
        pull += mean * slopes[kind]
    for kind in range(CLASSES):
        slopes[kind] = log_mean(after[kind], before[kind]) * (slopes[kind] - pull / total)


@numba.njit(error_model="numpy")
def pull_through_log(after, before, temperature, slopes):  # noqa: ANN001, ANN201 - compiled
    """Turn slopes by log(max(blend, least)) / temperature into slopes by the blend, in place; all of shape (3)."""
    for kind in range(CLASSES):
        now, then = max(after[kind], LEAST), max(before[kind], LEAST)
        if now == then:
            secant = 1.0 / now if after[kind] >= LEAST else 0.0
        else:
            secant = (now - then) / (after[kind] - before[kind]) / log_mean(now, then)
        slopes[kind] *= secant / temperature


@numba.njit(error_model="numpy")
def add_steps(at, slots, steps, slopes, row):  # noqa: ANN001, ANN201 - compiled
    """Add what the steps to each tree's leaf say to the features they split by; slopes: by all members' scores."""
    spans, lone_feature, lone_step, feature, step = steps
    for tree in range(len(at)):
        first, end, slot = spans[at[tree], 0], spans[at[tree], 1], slots[tree]
        if slot >= 0:
            for one in range(first, end):
                row[lone_feature[one]] += slopes[slot] * lone_step[one]
        else:
            down, flat, up = slopes[-3 - 3 * slot], slopes[-2 - 3 * slot], slopes[-1 - 3 * slot]
            for one in range(first, end):
                row[feature[one]] += down * step[one, 0] + flat * step[one, 1] + up * step[one, 2]


@numba.njit(error_model="numpy")
def add_layers(layer, fans, last, features, centre, before, units, slopes, row):  # noqa: ANN001, ANN201, PLR0913 - compiled
    """Add what features say through one network; slopes: by its scores; fans: its layer by unit; units: scratch."""
    units[:] = layer[len(features)]
    for feature in range(len(features)):
        x, fan = np.float64(features[feature]), layer[feature]
        for unit in range(len(units)):
            units[unit] += x * fan[unit]
    for unit in range(len(units)):
        slope = 0.0
        for kind in range(CLASSES):
            slope += slopes[kind] * last[unit, kind]
        now, then = units[unit], before[unit]
        if now == then:
            secant = 1.0 if now > 0.0 else 0.0
        else:
            secant = (max(now, 0.0) - max(then, 0.0)) / (now - then)
        if slope * secant != 0.0:
            fan, slope = fans[unit], slope * secant
            for feature in range(len(features)):
                row[feature] += slope * fan[feature] * (features[feature] - centre[feature])


@numba.njit(error_model="numpy")
def answer_at(scores, weights, temperature, blend, answer):  # noqa: ANN001, ANN201 - compiled
    """Write the blend of the members' probabilities, and the calibrated answer."""
    blend_members(scores, weights, blend)
    answer[:] = blend
    if len(temperature):
        calibrate(answer, temperature[0])


@numba.njit(error_model="numpy")
def find_slopes(scores, base, weights, softmax, temperature, blends, answers, slopes):  # noqa: ANN001, ANN201, PLR0913 - compiled
    """Write the slopes of the answer by every member's scores; blends, answers: of the row, at the reference."""
    by_blend = slopes[len(scores)]
    by_blend[:] = 0.0
    by_blend[_DOWN], by_blend[_UP] = -1.0, 1.0
    if len(temperature):
        pull_through_softmax(answers[0], answers[1], by_blend)
        pull_through_log(blends[0], blends[1], temperature[0], by_blend)
    for member in range(len(scores)):
        slopes[member] = weights[member] * by_blend
        if softmax[member]:
            pull_through_softmax(scores[member], base[member], slopes[member])


@numba.njit(error_model="numpy")
def open_steps(ground, nodes):  # noqa: ANN001, ANN201 - compiled
    """Return the steps of a packed ground, as ``expectations.Steps`` has them."""
    spans = section(ground, 1).view(np.uint32).reshape((nodes, 2))
    lone_step, step = section(ground, 3).view(np.float64), section(ground, 5).view(np.float64).reshape((-1, CLASSES))
    return spans, section(ground, 2).view(np.uint8), lone_step, section(ground, 4).view(np.uint8), step


def _compile(fingerprint: int) -> Callable[..., int]:
    @numba.njit(cache=True, nogil=True, error_model="numpy")
    def explain(model, ground, weights, work, features, out, told):  # noqa: ANN001, ANN202, PLR0913 - compiled
        if not len(model):
            return fingerprint
        nodes, value, roots, active, places, runs = open_trees(model)
        networks, hidden, last = open_networks(model)
        start, softmax, head, temperature = open_head(model)
        keys, at, units, scores, _ = open_work(model, work)
        slots, steps = section(ground, 0), open_steps(ground, len(nodes))
        centre, base = section(ground, 6).view(np.float64), section(ground, 9).view(np.float64).reshape(scores.shape)
        sums = section(ground, 7).view(np.float64).reshape((len(networks), len(units)))
        fans = section(ground, 8).view(np.float64).reshape((len(networks), len(units), len(centre)))
        slopes = np.empty((len(scores) + 1, CLASSES))
        blends, answers = np.empty((2, CLASSES)), np.empty((2, CLASSES))
        answer_at(base, weights, temperature, blends[1:], answers[1:])
        width = len(centre)
        for i in range(len(features)):
            write_keys(features[i], keys)
            walk_trees(nodes, roots, active, keys, at)
            scores[:] = start
            add_leaves(value, places, runs, at, scores)
            add_networks(networks, hidden, last, features[i], units, scores)
            for member in range(len(scores)):
                if softmax[member]:
                    soften(scores, member)
            answer_at(scores, weights, temperature, blends[:1], answers[:1])
            write_row(answers[:1], scores, head, features[i, int(head[CLASSES])], out[i])
            find_slopes(scores, base, weights, softmax, temperature, blends, answers, slopes)
            told[i, :width] = 0.0
            add_steps(at, slots, steps, slopes.reshape(-1), told[i])
            for n in range(len(networks)):
                pulled = slopes[networks[n]]
                add_layers(hidden[n], fans[n], last[n], features[i], centre, sums[n], units, pulled, told[i])
            told[i, width] = answers[1, _UP] - answers[1, _DOWN]
            told[i, width + 1] = answers[0, _UP] - answers[0, _DOWN]
        return len(features)

    return explain


explain_rows = _compile(fingerprint_of(*SOURCES, __file__))
"""Predict and explain rows, and return how many: ``explain_rows(model, ground, weights, work, features, out, told)``.

``model``, ``weights``, ``work``, ``features``, ``out`` as for ``compiled.predict_rows``; ``ground`` int64, a packed
``expectations.Ground``; ``told`` float64 (n, features + ``CONTRIBUTION_TAIL``): contributions, answer at the reference,
answer. An empty ``model`` returns the fingerprint of the sources.
"""


def warm() -> None:
    """Compile the kernel, or load it from numba's cache."""
    model, none = empty_model(), np.zeros(0)
    ground = pack_sections(
        np.zeros(len(Count), np.int64), [none, none, none, none, none, none, np.zeros(1), *[none] * 3]
    )
    rows, work = np.zeros((1, 1), np.float32), np.zeros(work_words(model), np.int64)
    told = np.zeros((1, 1 + CONTRIBUTION_TAIL))
    explain_rows(model, ground, none, work, rows, np.zeros((1, OUT_HEAD), np.float32), told)
