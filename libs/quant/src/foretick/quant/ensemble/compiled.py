"""The compiled ensemble: n rows through every member, their blend and its calibration in one call, no allocation.

Sums are kept in double precision, so that the order in which trees are added makes no difference that matters; the
graph's onnxruntime session adds floats, and ``judge`` bounds what lies between the two. The cache is keyed by the
sources, as in ``kernel.compiled``. No fast math: a missing value must stay one.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path

import numba
import numpy as np
from numpy.typing import NDArray

from foretick.quant.ensemble import layout, output
from foretick.quant.ensemble.graph import EnsembleGraph
from foretick.quant.ensemble.layout import CHILD_BITS, FEATURE_BITS, KEY_SHIFT, RUN_COLUMNS, Count, lay_out
from foretick.quant.ensemble.output import CLASSES
from foretick.quant.scoring import tallies

OUT_HEAD = CLASSES + 1
"""Columns of a row of the result before the members': probabilities and expected return."""

LEAST = float(np.float32(tallies.LEAST_PROBABILITY))
_CHILD = (1 << CHILD_BITS) - 1
_FEATURE = (1 << FEATURE_BITS) - 1
_LOWEST = np.int32(-(2**31))
_POSITIVE = np.int32(2**31 - 1)
_FEATURES, _MEMBERS, _TREES, _UNITS = (int(count) for count in Count)
_STARTS = len(Count)


@numba.njit(inline="always", error_model="numpy")
def write_keys(row, keys):  # noqa: ANN001, ANN201 - compiled
    """Write the sort keys of a row's features; the scalar form of ``layout.sort_keys``."""
    bits = row.view(np.int32)
    for feature in range(len(row)):
        one = np.int32(0) if bits[feature] == _LOWEST else bits[feature]
        keys[feature] = one ^ ((one >> 31) & _POSITIVE)


@numba.njit(inline="always", error_model="numpy")
def walk_trees(nodes, roots, active, keys, at):  # noqa: ANN001, ANN201 - compiled
    """Send one row down every tree at once; ``at`` ends as the place of each tree's leaf."""
    for tree in range(len(roots)):
        at[tree] = roots[tree]
    for level in range(len(active)):
        for tree in range(active[level]):
            node = nodes[at[tree]]
            key = keys[np.uint64(node >> CHILD_BITS) & np.uint64(_FEATURE)]
            at[tree] = np.uint32(node & _CHILD) + np.uint32(key > (node >> KEY_SHIFT))


@numba.njit(inline="always", error_model="numpy")
def add_leaves(value, slots, runs, at, scores):  # noqa: ANN001, ANN201 - compiled
    """Add what each tree's leaf says to its member's score of a class; four sums, since one would wait for itself."""
    for run in range(len(runs)):
        first, end, kind = runs[run, 0], runs[run, 1], runs[run, 3]
        whole = first + (end - first) // 4 * 4
        a, b, c, d = 0.0, 0.0, 0.0, 0.0
        for slot in range(first, whole, 4):
            a += value[at[slots[slot]], kind]
            b += value[at[slots[slot + 1]], kind]
            c += value[at[slots[slot + 2]], kind]
            d += value[at[slots[slot + 3]], kind]
        for slot in range(whole, end):
            a += value[at[slots[slot]], kind]
        scores[runs[run, 2], kind] += (a + b) + (c + d)


@numba.njit(inline="always", error_model="numpy")
def add_networks(networks, hidden, output, row, active, scores):  # noqa: ANN001, ANN201 - compiled
    """Run each network on a row and add its outputs to its member's scores."""
    features, units = len(row), len(active)
    for place in range(len(networks)):
        layer, last = hidden[place], output[place]
        active[:] = layer[features]
        for feature in range(features):
            x, fan = np.float64(row[feature]), layer[feature]
            for unit in range(units):
                active[unit] += x * fan[unit]
        for kind in range(CLASSES):
            total = last[units, kind]
            for unit in range(units):
                total += max(active[unit], 0.0) * last[unit, kind]
            scores[networks[place], kind] += total


@numba.njit(inline="always", error_model="numpy")
def soften(scores, member):  # noqa: ANN001, ANN201 - compiled
    """Turn a member's scores into probabilities by a softmax."""
    highest = max(scores[member, 0], scores[member, 1], scores[member, 2])
    total = 0.0
    for kind in range(CLASSES):
        scores[member, kind] = np.exp(scores[member, kind] - highest)
        total += scores[member, kind]
    for kind in range(CLASSES):
        scores[member, kind] /= total


@numba.njit(inline="always", error_model="numpy")
def section(model, place):  # noqa: ANN001, ANN201 - compiled
    """Return the section of a packed layout, as words."""
    return model[model[_STARTS + place] : model[_STARTS + place + 1]]


@numba.njit(inline="always", error_model="numpy")
def blend_members(scores, weights, blend):  # noqa: ANN001, ANN201 - compiled
    """Write the members' weighted mean to the one row of ``blend``."""
    for kind in range(CLASSES):
        blend[0, kind] = 0.0
        for member in range(len(weights)):
            blend[0, kind] += weights[member] * scores[member, kind]


@numba.njit(inline="always", error_model="numpy")
def calibrate(blend, temperature):  # noqa: ANN001, ANN201 - compiled
    """Apply a temperature to the one row of ``blend``; a missing value stays one."""
    for kind in range(CLASSES):
        one = blend[0, kind]
        blend[0, kind] = np.log(LEAST if one < LEAST else one) / temperature
    soften(blend, 0)


@numba.njit(inline="always", error_model="numpy")
def write_row(blend, scores, head, volatility_bps, out):  # noqa: ANN001, ANN201 - compiled
    """Write a row of the result: probabilities, expected return, members."""
    expected = 0.0
    for kind in range(CLASSES):
        for member in range(len(scores)):
            out[OUT_HEAD + member * CLASSES + kind] = scores[member, kind]
        out[kind] = blend[0, kind]
        expected += blend[0, kind] * head[kind]
    out[CLASSES] = expected * volatility_bps


def fingerprint_of(*paths: str) -> int:
    """Return a fingerprint of source files, which a compiled function closes over: numba's cache is keyed by it."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(Path(path).read_bytes())
    return int.from_bytes(digest.digest()[:7], "big")


@numba.njit(inline="always", error_model="numpy")
def open_trees(model):  # noqa: ANN001, ANN201 - compiled
    """Return a packed layout's nodes, leaf values, roots, active trees by level, and the leaves' slots and runs."""
    nodes, words = section(model, 0), section(model, 1).view(np.float32)
    value = words[: CLASSES * len(nodes)].reshape((len(nodes), CLASSES))
    roots, active = section(model, 2).view(np.uint32)[: model[_TREES]], section(model, 3)
    return nodes, value, roots, active, section(model, 4).view(np.uint32), section(model, 5).reshape((-1, RUN_COLUMNS))


@numba.njit(inline="always", error_model="numpy")
def open_networks(model):  # noqa: ANN001, ANN201 - compiled
    """Return which members of a packed layout are networks, and their two layers."""
    networks, units = section(model, 8), model[_UNITS]
    hidden = section(model, 9).view(np.float64).reshape((len(networks), model[_FEATURES] + 1, units))
    return networks, hidden, section(model, 10).view(np.float64).reshape((len(networks), units + 1, CLASSES))


@numba.njit(inline="always", error_model="numpy")
def open_head(model):  # noqa: ANN001, ANN201 - compiled
    """Return what a packed layout's scores begin with, which members end in a softmax, its head and temperature."""
    start = section(model, 6).view(np.float64).reshape((model[_MEMBERS], CLASSES))
    return start, section(model, 7), section(model, 11).view(np.float64), section(model, 12).view(np.float64)


@numba.njit(inline="always", error_model="numpy")
def open_work(model, work):  # noqa: ANN001, ANN201 - compiled
    """Return the scratch of a packed layout: sort keys, trees' places, active units, members' scores, blend."""
    features, members, trees, units = model[_FEATURES], model[_MEMBERS], model[_TREES], model[_UNITS]
    keys, at = work[:features].view(np.int32), work[features : features + trees].view(np.uint32)
    sums = work[features + trees :].view(np.float64)
    scores = sums[units : units + CLASSES * members].reshape((members, CLASSES))
    return keys, at, sums[:units], scores, sums[units + CLASSES * members :][:CLASSES].reshape((1, CLASSES))


def _compile(fingerprint: int) -> Callable[..., int]:
    @numba.njit(cache=True, nogil=True, error_model="numpy")
    def predict(model, weights, work, features, out):  # noqa: ANN001, ANN202 - compiled
        if not len(model):
            return fingerprint
        nodes, value, roots, active, slots, runs = open_trees(model)
        networks, hidden, last = open_networks(model)
        start, softmax, head, temperature = open_head(model)
        keys, at, units, scores, blend = open_work(model, work)
        for i in range(len(features)):
            write_keys(features[i], keys)
            walk_trees(nodes, roots, active, keys, at)
            scores[:] = start
            add_leaves(value, slots, runs, at, scores)
            add_networks(networks, hidden, last, features[i], units, scores)
            for member in range(len(scores)):
                if softmax[member]:
                    soften(scores, member)
            blend_members(scores, weights, blend)
            if len(temperature):
                calibrate(blend, temperature[0])
            write_row(blend, scores, head, features[i, int(head[CLASSES])], out[i])
        return len(features)

    return predict


SOURCES = (__file__, output.__file__, layout.__file__, tallies.__file__)
"""What the kernel is made of."""

predict_rows = _compile(fingerprint_of(*SOURCES))
"""Predict rows and return how many: ``predict_rows(model, weights, work, features, out)``.

``model`` int64, a packed ``layout.Layout``; ``weights`` float64 (members); ``work`` int64, at least ``work_words``;
``features`` float32 (n, features); ``out`` float32 (n, ``OUT_HEAD`` + 3 members): probabilities, expected return in
bps, members. All contiguous. An empty ``model`` predicts nothing and returns the fingerprint of the kernel's sources.
"""


def work_words(model: NDArray[np.int64]) -> int:
    """Return how many words of scratch a packed layout needs."""
    return int(model[_FEATURES] + model[_TREES] + model[_UNITS] + CLASSES * (model[_MEMBERS] + 1))


def empty_model() -> NDArray[np.int64]:
    """Return the packed layout of a graph without members."""
    return lay_out(EnsembleGraph(1, (), np.zeros(CLASSES, np.float32), 0)).pack()


def warm() -> None:
    """Compile the kernel, or load it from numba's cache: do it in the build, not by several processes at start."""
    model = empty_model()
    work = np.zeros(work_words(model), np.int64)
    predict_rows(model, np.zeros(0), work, np.zeros((1, 1), np.float32), np.zeros((1, OUT_HEAD), np.float32))
