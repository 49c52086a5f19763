"""What a model says on average below each node of its trees, and of its reference: the ground explanations stand on."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foretick.quant.ensemble.graph import EnsembleGraph, Network
from foretick.quant.ensemble.layout import Count, Layout, Origin, origin_of, pack_sections
from foretick.quant.ensemble.reference import Reference
from foretick.quant.ensemble.steps import Steps, count_rows, fold_means, list_all_steps


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """What the kernel of explanations knows beside the layout.

    steps: of the trees
    centre: float64 (features), the mean features
    sums: float64 (networks, units), what enters each network's rectifiers there
    fans: float64 (networks, units, features), its first layer by unit
    base: float64 (members, 3), the members' probabilities at the reference
    """

    steps: Steps
    centre: NDArray[np.float64]
    sums: NDArray[np.float64]
    fans: NDArray[np.float64]
    base: NDArray[np.float64]

    def pack(self) -> NDArray[np.int64]:
        """Return all of it as one array, in the form of a packed layout, whose counts it leaves empty."""
        return pack_sections(
            np.zeros(len(Count), np.int64), [*self.steps, self.centre, self.sums, self.fans, self.base]
        )


def measure_reference(graph: EnsembleGraph, layout: Layout, features: NDArray[np.float32]) -> Reference:
    """Return the reference that ``features`` (n, features), the rows trained on, are for ``graph``, laid out.

    Raises:
        ValueError: there is no row.
    """
    if not len(features):
        raise ValueError("no rows to refer to")
    origin = origin_of(graph)
    held = np.zeros(len(layout.nodes), np.int64)
    count_rows(layout.nodes, layout.roots, layout.active, np.ascontiguousarray(features, np.float32), held)
    leaf_rows: list[NDArray[np.int32]] = []
    for index, member in enumerate(graph.members):
        if not isinstance(member, Network):
            of_member = np.zeros(len(member.node), np.int64)
            of_member[origin.row[origin.member == index]] = held[origin.member == index]
            leaf_rows.append(of_member[member.is_leaf].astype(np.int32))
    return Reference(features.mean(axis=0, dtype=np.float64).astype(np.float32), tuple(leaf_rows))


def ground_of(graph: EnsembleGraph, layout: Layout, reference: Reference) -> Ground:
    """Return the ground of explanations of ``graph``, laid out."""
    origin = origin_of(graph)
    means = fold_means(layout.nodes, layout.value, _rows_by_node(graph, origin, reference))
    centre = reference.features.astype(np.float64)
    sums = np.einsum("f,nfu->nu", centre, layout.hidden[:, :-1]) + layout.hidden[:, -1]
    scores = layout.scores.copy()
    np.add.at(scores, origin.trees, means[layout.roots])
    for place, index in enumerate(layout.networks):
        scores[index] += np.maximum(sums[place], 0.0) @ layout.output[place, :-1] + layout.output[place, -1]
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    return Ground(
        steps=list_all_steps(layout, means, origin.trees),
        centre=centre,
        sums=sums,
        fans=np.ascontiguousarray(layout.hidden[:, :-1].transpose(0, 2, 1)),
        base=np.where(layout.softmax[:, None] != 0, raised / raised.sum(axis=1, keepdims=True), scores),
    )


def _rows_by_node(graph: EnsembleGraph, origin: Origin, reference: Reference) -> NDArray[np.int64]:
    """Return how many rows each node of the layout holds; 0 for an inner one."""
    held = np.zeros(len(origin.row), np.int64)
    kept = iter(reference.leaf_rows)
    for index, member in enumerate(graph.members):
        if not isinstance(member, Network):
            of_member = np.zeros(len(member.node), np.int64)
            of_member[member.is_leaf] = next(kept)
            held[origin.member == index] = of_member[origin.row[origin.member == index]]
    return held
