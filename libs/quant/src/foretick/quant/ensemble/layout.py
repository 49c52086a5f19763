"""The members of a graph as the flat arrays that the kernel walks.

All trees of all members are walked in lock step: one level of every tree, then the next. The walks do not depend on
each other, so the processor overlaps their waits; a library that ends one tree before the next waits at each node.
Trees are ordered deepest first, so that the ones still walking at a level are always a prefix. Siblings lie side by
side, and a leaf is its own left child behind a threshold nothing exceeds: a step has no branch to mispredict.

A node is one int64: the threshold's sort key, the feature, and the left child's place (see ``sort_keys``).
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from foretick.quant.ensemble.graph import EnsembleGraph, Network, TreeNodes
from foretick.quant.ensemble.output import CLASSES, ModelRefused

CHILD_BITS, FEATURE_BITS = 24, 8
KEY_SHIFT = CHILD_BITS + FEATURE_BITS
NEVER = np.int64(2**31 - 1)
"""Key above that of every number, infinity and missing values included."""

RUN_COLUMNS = 4
"""A run: first slot, end, place of its sum among the scores, class."""


class Count(IntEnum):
    """Places of the counts at the head of a packed layout."""

    FEATURES = 0
    MEMBERS = 1
    TREES = 2
    UNITS = 3


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """What the kernel knows of a graph.

    nodes: int64 (nodes); value: float32 (nodes, 3), the leaves'
    roots: uint32 (trees), deepest tree first; active: int64 (levels), how many trees walk at each level
    slots: uint32 (...), positions in ``roots`` by run; runs: int64 (runs, ``RUN_COLUMNS``)
    scores: float64 (members, 3), what each member's sums begin with; softmax: int64 (members)
    networks: int64 (networks), which members are networks; unused units are all zero
    hidden: float64 (networks, features + 1, units); output: float64 (networks, units + 1, 3); the last row is the bias
    head: float64 (4), the slopes and the index of the volatility feature
    temperature: float64 (1), or none where the blend is the answer
    """

    nodes: NDArray[np.int64]
    value: NDArray[np.float32]
    roots: NDArray[np.uint32]
    active: NDArray[np.int64]
    slots: NDArray[np.uint32]
    runs: NDArray[np.int64]
    scores: NDArray[np.float64]
    softmax: NDArray[np.int64]
    networks: NDArray[np.int64]
    hidden: NDArray[np.float64]
    output: NDArray[np.float64]
    head: NDArray[np.float64]
    temperature: NDArray[np.float64]

    def pack(self) -> NDArray[np.int64]:
        """Return all of it as one array, since each array that is handed to compiled code costs 0.2 us a call.

        First the counts of ``Count``, then where each section starts and the last ends, then the sections: the fields
        in order, each filled up to whole words.
        """
        counts = np.zeros(len(Count), np.int64)
        counts[Count.FEATURES], counts[Count.MEMBERS] = self.hidden.shape[1] - 1, len(self.scores)
        counts[Count.TREES], counts[Count.UNITS] = len(self.roots), self.hidden.shape[2]
        return pack_sections(counts, [getattr(self, field.name) for field in fields(self)])


@dataclass(frozen=True, slots=True, eq=False)
class _Tree:
    member: int
    depth: int
    rows: NDArray[np.int64]
    nodes: NDArray[np.int64]
    value: NDArray[np.float32]


def pack_sections(counts: NDArray[np.int64], arrays: Sequence[NDArray[np.generic]]) -> NDArray[np.int64]:
    """Return ``counts``, where each section starts and the last ends, and the sections, as one array of words."""
    sections = [_as_words(array) for array in arrays]
    first = len(counts) + len(sections) + 1
    starts = first + np.cumsum([0, *(len(section) for section in sections)])
    return np.concatenate([counts, starts, *sections])


def sort_keys(values: NDArray[np.float32]) -> NDArray[np.int32]:
    """Return integers in the order of the floats, -0 and 0 alike: integers compare without a detour over float units.

    >>> sort_keys(np.array([-1.0, -0.0, 0.0, 2.0], np.float32)).tolist()
    [-1065353217, 0, 0, 1073741824]
    """
    bits = (values + np.float32(0.0)).view(np.int32)
    return bits ^ ((bits >> 31) & np.int32(0x7FFFFFFF))


def lay_out(graph: EnsembleGraph) -> Layout:
    """Return ``graph`` as the kernel's arrays.

    Raises:
        ModelRefused: it has more features or nodes than a packed node can name, or a tree that is not one.
    """
    if graph.feature_count > 1 << FEATURE_BITS:
        raise ModelRefused(f"the kernel takes {1 << FEATURE_BITS} features, the graph {graph.feature_count}")
    trees = _trees_of(graph)
    sizes = np.array([0, *(len(tree.nodes) for tree in trees)])
    starts = np.cumsum(sizes)[:-1]
    if sizes.sum() >= 1 << CHILD_BITS:
        raise ModelRefused(f"the graph has {sizes.sum()} nodes, the kernel takes {1 << CHILD_BITS}")
    depths = np.array([tree.depth for tree in trees], np.int64)
    slots, runs = _runs_of(trees)
    networks, hidden, output = _networks_of(graph)
    return Layout(
        nodes=np.concatenate([np.zeros(0, np.int64), *(t.nodes + at for t, at in zip(trees, starts, strict=True))]),
        value=np.concatenate([np.zeros((0, CLASSES), np.float32), *(tree.value for tree in trees)]),
        roots=starts.astype(np.uint32),
        active=np.array([np.count_nonzero(depths > level) for level in range(depths.max(initial=0))], np.int64),
        slots=slots,
        runs=runs,
        scores=np.array([_base_of(member) for member in graph.members], np.float64).reshape(-1, CLASSES),
        softmax=np.array([isinstance(m, Network) or m.softmax for m in graph.members], np.int64),
        networks=networks,
        hidden=hidden,
        output=output,
        head=np.array([*graph.slopes, graph.volatility_feature], np.float64),
        temperature=np.array([] if graph.temperature is None else [graph.temperature], np.float64),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Origin:
    """Where the nodes of a layout come from.

    member, row: int64 (nodes), of which member, and which of its nodes in ``TreeNodes``
    trees: int64 (trees), each tree's member
    """

    member: NDArray[np.int64]
    row: NDArray[np.int64]
    trees: NDArray[np.int64]


def origin_of(graph: EnsembleGraph) -> Origin:
    """Return where the nodes of ``lay_out(graph)`` come from."""
    trees = _trees_of(graph)
    none = np.zeros(0, np.int64)
    return Origin(
        member=np.concatenate([none, *(np.full(len(tree.rows), tree.member) for tree in trees)]),
        row=np.concatenate([none, *(tree.rows for tree in trees)]),
        trees=np.array([tree.member for tree in trees], np.int64),
    )


def _base_of(member: TreeNodes | Network) -> NDArray[np.float32]:
    return np.zeros(CLASSES, np.float32) if isinstance(member, Network) else member.base


def _as_words(values: NDArray[np.generic]) -> NDArray[np.int64]:
    raw = np.ascontiguousarray(values).tobytes()
    return np.frombuffer(raw + bytes(-len(raw) % 8), np.int64)


def _trees_of(graph: EnsembleGraph) -> list[_Tree]:
    trees: list[_Tree] = []
    for index, member in enumerate(graph.members):
        if not isinstance(member, Network):
            order = np.lexsort((member.node, member.tree))
            cuts = np.flatnonzero(np.diff(member.tree[order])) + 1
            trees += [_lay_out_tree(index, member, rows) for rows in np.split(order, cuts)]
    return sorted(trees, key=lambda tree: -tree.depth)


def _lay_out_tree(index: int, member: TreeNodes, rows: NDArray[np.int64]) -> _Tree:
    """Number a tree's nodes level by level, siblings side by side. ``rows``: its nodes, in order of their number."""
    leaf, left, right = member.is_leaf[rows], member.left[rows], member.right[rows]
    if not np.array_equal(member.node[rows], np.arange(len(rows))):
        raise ModelRefused("the nodes of a tree are not numbered from 0 on")
    if not (0 <= left.min() and 0 <= right.min() and max(left.max(), right.max()) < len(rows)):
        raise ModelRefused("a child is no node of its tree")
    level, levels, found = np.zeros(1, np.int64), [], 0
    while len(level) and found <= len(rows):
        levels.append(level)
        found += len(level)
        inner = level[~leaf[level]]
        level = np.column_stack([left[inner], right[inner]]).ravel()
    order = np.concatenate(levels)
    if len(order) != len(rows) or len(np.unique(order)) != len(rows):
        raise ModelRefused("the nodes of a tree do not hang together as one")
    place = np.empty(len(rows), np.int64)
    place[order] = np.arange(len(rows))
    child = np.where(leaf, np.arange(len(rows)), left)[order]
    key = np.where(leaf, NEVER, sort_keys(member.threshold[rows]).astype(np.int64))[order]
    feature = np.where(leaf, 0, member.feature[rows])[order]
    nodes = (key << KEY_SHIFT) | (feature << CHILD_BITS) | place[child]
    return _Tree(index, len(levels) - 1, rows[order], nodes, member.value[rows][order])


def _runs_of(trees: list[_Tree]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Return which trees add to which class of which member: a run of slots for each that any tree adds to."""
    slots: list[int] = []
    runs: list[tuple[int, ...]] = []
    for member in sorted({tree.member for tree in trees}):
        for kind in range(CLASSES):
            of_class = [n for n, tree in enumerate(trees) if tree.member == member and tree.value[:, kind].any()]
            if of_class:
                runs.append((len(slots), len(slots) + len(of_class), member, kind))
                slots += of_class
    return np.array(slots, np.uint32), np.array(runs, np.int64).reshape(-1, RUN_COLUMNS)


def _networks_of(graph: EnsembleGraph) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Return which members are networks, and their layers, as wide as the widest of them."""
    found = {index: member for index, member in enumerate(graph.members) if isinstance(member, Network)}
    units = max((len(network.hidden_bias) for network in found.values()), default=0)
    hidden = np.zeros((len(found), graph.feature_count + 1, units))
    output = np.zeros((len(found), units + 1, CLASSES))
    for place, network in enumerate(found.values()):
        own = len(network.hidden_bias)
        hidden[place, :-1, :own], hidden[place, -1, :own] = network.hidden, network.hidden_bias
        output[place, :own], output[place, -1] = network.output, network.output_bias
    return np.array(list(found), np.int64), hidden, output
