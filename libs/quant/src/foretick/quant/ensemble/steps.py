"""The steps of a row through a tree, by the leaf that it ends in: what each says, and by which feature.

What a step says is by how much it moves the mean of the leaves below, over the rows trained on (Saabas 2014). It
depends on the leaf alone, so that it is listed once, and an explanation has nothing to walk.
"""

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from foretick.quant.ensemble.compiled import walk_trees, write_keys
from foretick.quant.ensemble.layout import CHILD_BITS, FEATURE_BITS, Layout
from foretick.quant.ensemble.output import CLASSES

_CHILD = (1 << CHILD_BITS) - 1
_FEATURE = (1 << FEATURE_BITS) - 1


class Steps(NamedTuple):
    """The steps to every leaf, those by one feature as one.

    slots: int64 (trees), the place of a tree's member and class among all scores; below 0 where it adds to several
        classes: -1 - member
    spans: uint32 (nodes, 2), where the steps to a leaf begin and end: in ``lone_*`` those of trees of one class
    lone_feature, lone_step: uint8, float64 (steps), which feature, and by how much it moves the one class
    feature, step: uint8 (steps), float64 (steps, 3), and by how much it moves each class
    """

    slots: NDArray[np.int64]
    spans: NDArray[np.uint32]
    lone_feature: NDArray[np.uint8]
    lone_step: NDArray[np.float64]
    feature: NDArray[np.uint8]
    step: NDArray[np.float64]


def list_all_steps(layout: Layout, means: NDArray[np.float64], member: NDArray[np.int64]) -> Steps:
    """Return the steps of ``layout``; ``means`` (nodes, 3) as of ``fold_means``, ``member`` (trees) of each tree."""
    nodes, roots = layout.nodes, layout.roots.astype(np.int64)
    ends = np.append(roots[1:], len(nodes))[: len(roots)]
    slots, spans = np.empty(len(roots), np.int64), np.zeros((len(nodes), 2), np.uint32)
    depth = len(layout.active)
    room = int((nodes & _CHILD == np.arange(len(nodes))).sum()) * max(depth, 1)
    lists = [(np.zeros(room, np.uint8), np.zeros((room, CLASSES))) for _ in range(2)]
    filled, parent = [0, 0], np.zeros(len(nodes), np.int64)
    lone_kind = np.zeros(room, np.int64)
    for tree, (root, end) in enumerate(zip(roots, ends, strict=True)):
        kinds = np.flatnonzero(layout.value[root:end].any(axis=0))
        several = int(len(kinds) != 1)
        slots[tree] = -1 - member[tree] if several else member[tree] * CLASSES + kinds[0]
        before = filled[several]
        filled[several] = list_steps(nodes, means, root, end, parent, spans, *lists[several], before)
        if not several:
            lone_kind[before : filled[0]] = kinds[0]
    (lone_feature, lone_step), (feature, step) = lists
    lone, rest = slice(filled[0]), slice(filled[1])
    moved = lone_step[np.arange(filled[0]), lone_kind[lone]]
    return Steps(slots, spans, lone_feature[lone].copy(), moved, feature[rest].copy(), step[rest].copy())


@numba.njit(cache=True, nogil=True, error_model="numpy")
def count_rows(nodes, roots, active, features, held):  # noqa: ANN001, ANN201 - compiled
    """Add, for each row of ``features`` float32 (n, features), 1 to each leaf of ``held`` int64 (nodes) it ends in."""
    keys, at = np.empty(features.shape[1], np.int32), np.empty(len(roots), np.uint32)
    for i in range(len(features)):
        write_keys(features[i], keys)
        walk_trees(nodes, roots, active, keys, at)
        for tree in range(len(roots)):
            held[at[tree]] += 1


@numba.njit(cache=True, nogil=True, error_model="numpy")
def fold_means(nodes, value, held):  # noqa: ANN001, ANN201 - compiled
    """Return the means (nodes, 3) of the leaves below each node over its rows; halves where it holds none.

    Children come after their parents. ``held`` int64 (nodes): rows of the leaves; those of inner nodes are filled in.
    """
    means = np.empty((len(nodes), CLASSES))
    for node in range(len(nodes) - 1, -1, -1):
        left = nodes[node] & _CHILD
        if left == node:
            means[node] = value[node]
            continue
        held[node] = held[left] + held[left + 1]
        share = held[left] / held[node] if held[node] else 0.5
        for kind in range(CLASSES):
            means[node, kind] = share * means[left, kind] + (1.0 - share) * means[left + 1, kind]
    return means


@numba.njit(cache=True, nogil=True, error_model="numpy")
def list_steps(nodes, means, root, end, parent, spans, feature, step, filled):  # noqa: ANN001, ANN201, PLR0913 - compiled
    """List, for each leaf of the tree from ``root`` to ``end``, the steps to it, those by one feature as one.

    parent: scratch, int64 (nodes); spans: uint32 (nodes, 2), where the steps to a leaf begin and end; feature, step:
    uint8 (steps), float64 (steps, 3), filled so far up to ``filled``. Returns up to where they are filled.
    """
    for node in range(root, end):
        left = nodes[node] & _CHILD
        if left == node:
            spans[node, 0] = filled
            below = node
            while below != root:
                above = parent[below]
                by = (nodes[above] >> CHILD_BITS) & _FEATURE
                at = np.int64(spans[node, 0])
                while at < filled and feature[at] != by:
                    at += 1
                if at == filled:
                    feature[at], step[at] = by, 0.0
                    filled += 1
                step[at] += means[below] - means[above]
                below = above
            spans[node, 1] = filled
        else:
            parent[left], parent[left + 1] = node, node
    return filled


def warm() -> None:
    """Compile what counts rows and lists steps, or load it from numba's cache."""
    none, rows = np.zeros(0, np.int64), np.zeros((1, 1), np.float32)
    count_rows(none, np.zeros(0, np.uint32), none, rows, none)
    means = fold_means(none, np.zeros((0, CLASSES), np.float32), none)
    spans, feature, step = np.zeros((0, 2), np.uint32), np.zeros(0, np.uint8), np.zeros((0, CLASSES))
    list_steps(none, means, np.int64(0), np.int64(0), none, spans, feature, step, 0)
