"""Fitted tree ensembles as arrays, so exact that the exported graph takes the same branch on every float32 input.

The libraries compare a float32 feature with thresholds of their own kind: scikit-learn and LightGBM ``x <= t`` with a
double t, XGBoost ``x < t`` with a float. An ONNX graph holds floats. The converters of onnxmltools round LightGBM's
doubles to the *nearest* float (about half of them upwards), which sends an input that equals the rounded threshold down
the wrong branch. Here a double is rounded *down*, and ``x < t`` becomes ``x <=`` the next float below t: both are the
same test on every float32 x. One comparison throughout also lets ONNX Runtime take its fast path.
"""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

CLASSES = 3
_DOWNWARDS = np.float32(-np.inf)


@dataclass(frozen=True, slots=True, eq=False)
class Trees:
    """Nodes of all trees of an ensemble, n in all; the score of a class is the sum of the leaves that a row ends in.

    tree, node: (n) which tree, and which node of it; node 0 is the root
    feature, threshold: (n) an inner node sends ``x[feature] <= threshold`` left; threshold float32
    left, right: (n) children within the tree; -1 in a leaf
    value: float32 (n, 3) what a leaf adds to each class; 0 in inner nodes
    base: float32 (3) added to each class once
    """

    tree: NDArray[np.int64]
    node: NDArray[np.int64]
    feature: NDArray[np.int64]
    threshold: NDArray[np.float32]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    value: NDArray[np.float32]
    base: NDArray[np.float32]

    @property
    def is_leaf(self) -> NDArray[np.bool_]:
        """Which nodes are leaves."""
        return self.left < 0


@dataclass(frozen=True, slots=True, eq=False)
class _Tree:
    feature: NDArray[np.int64]
    threshold: NDArray[np.float32]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    value: NDArray[np.float32]


def floor_to_float32(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the largest float32 that is not above each value: ``x <= t`` keeps its meaning for float32 x."""
    with np.errstate(over="ignore"):
        nearest = values.astype(np.float32)
    return np.where(nearest.astype(np.float64) > values, np.nextafter(nearest, _DOWNWARDS), nearest)


def trees_of_forest(forest: Any) -> Trees:
    """Return a fitted scikit-learn RandomForestClassifier: leaves hold class shares over the number of trees."""
    parts: list[_Tree] = []
    for estimator in forest.estimators_:
        tree = estimator.tree_
        leaf = tree.children_left < 0
        shares = tree.value[:, 0, :] / tree.value[:, 0, :].sum(axis=1, keepdims=True)
        value = np.where(leaf[:, None], shares / len(forest.estimators_), 0.0)
        parts.append(
            _Tree(
                tree.feature.astype(np.int64),
                floor_to_float32(tree.threshold),
                tree.children_left.astype(np.int64),
                tree.children_right.astype(np.int64),
                value.astype(np.float32),
            )
        )
    return _join(parts, np.zeros(CLASSES, np.float32))


def trees_of_lightgbm(booster: Any) -> Trees:
    """Return a fitted multiclass LightGBM booster: scores before the softmax."""
    infos = booster.dump_model()["tree_info"]
    parts = [_lightgbm_tree(info["tree_structure"], index % CLASSES) for index, info in enumerate(infos)]
    return _join(parts, np.zeros(CLASSES, np.float32))


def trees_of_xgboost(booster: Any) -> Trees:
    """Return a fitted multi:softprob XGBoost booster with one tree a class and round: scores before the softmax."""
    learner = json.loads(bytes(booster.save_raw("json")))["learner"]
    model = learner["gradient_booster"]["model"]
    parts: list[_Tree] = []
    for raw, kind in zip(model["trees"], model["tree_info"], strict=True):
        left = np.array(raw["left_children"], np.int64)
        condition = np.array(raw["split_conditions"], np.float32)
        value = np.zeros((len(left), CLASSES), np.float32)
        value[:, kind] = np.where(left < 0, condition, np.float32(0))
        parts.append(
            _Tree(
                np.array(raw["split_indices"], np.int64),
                np.nextafter(condition, _DOWNWARDS),
                left,
                np.array(raw["right_children"], np.int64),
                value,
            )
        )
    base = np.atleast_1d(np.array(json.loads(learner["learner_model_param"]["base_score"]), np.float32))
    return _join(parts, np.broadcast_to(base, CLASSES).astype(np.float32))


def _lightgbm_tree(root: dict[str, Any], kind: int) -> _Tree:
    """Flatten LightGBM's nested tree, parents before children."""
    nodes, order = [root], [root]
    left, right = [-1], [-1]
    while order:
        at = len(nodes) - len(order)
        node = order.pop(0)
        if "split_feature" not in node:
            continue
        if node["decision_type"] != "<=":
            raise ValueError(f"a split by {node['decision_type']!r} is not numeric")
        left[at], right[at] = len(nodes), len(nodes) + 1
        for child in (node["left_child"], node["right_child"]):
            nodes.append(child)
            order.append(child)
            left.append(-1)
            right.append(-1)
    value = np.zeros((len(nodes), CLASSES), np.float32)
    value[:, kind] = [0.0 if "split_feature" in node else node["leaf_value"] for node in nodes]
    return _Tree(
        np.array([node.get("split_feature", 0) for node in nodes], np.int64),
        floor_to_float32(np.array([node.get("threshold", 0.0) for node in nodes], np.float64)),
        np.array(left, np.int64),
        np.array(right, np.int64),
        value,
    )


def _join(parts: list[_Tree], base: NDArray[np.float32]) -> Trees:
    sizes = [len(part.left) for part in parts]
    return Trees(
        tree=np.repeat(np.arange(len(parts)), sizes),
        node=np.concatenate([np.arange(size) for size in sizes]),
        feature=np.concatenate([part.feature for part in parts]),
        threshold=np.concatenate([part.threshold for part in parts]),
        left=np.concatenate([part.left for part in parts]),
        right=np.concatenate([part.right for part in parts]),
        value=np.concatenate([part.value for part in parts]),
        base=base,
    )
