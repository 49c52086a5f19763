"""What an explanation compares with: the rows that a model was trained on, kept in its file.

Of each leaf, how many of them it holds; of each feature, its mean. They are metadata of the ONNX file, which its hash
covers and which no runtime reads.
"""

import base64
import binascii
import json
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from foretick.quant.ensemble.graph import EnsembleGraph, TreeNodes
from foretick.quant.ensemble.output import ModelRefused

Number = TypeVar("Number", np.float32, np.int32)

_KEY = "foretick.reference"


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """The rows that a model was trained on, as far as explaining needs them.

    features: float32 (features), their means
    leaf_rows: of each member of trees, in order, how many rows each of its nodes that is a leaf holds; int32 (leaves)
    """

    features: NDArray[np.float32]
    leaf_rows: tuple[NDArray[np.int32], ...]


def write_reference(payload: bytes, reference: Reference) -> bytes:
    """Return the serialised graph ``payload`` with ``reference`` in its metadata."""
    import onnx  # heavy, and only needed while a model is made or loaded

    model = onnx.load_model_from_string(payload)
    kept = {one.key: one.value for one in model.metadata_props}
    kept[_KEY] = json.dumps(
        {"features": _to_text(reference.features), "leaf_rows": [_to_text(rows) for rows in reference.leaf_rows]}
    )
    onnx.helper.set_model_props(model, kept)
    return model.SerializeToString(deterministic=True)


def read_reference(payload: bytes, graph: EnsembleGraph) -> Reference | None:
    """Return the reference that is kept in ``payload``, the file of ``graph``; None where there is none.

    Raises:
        ModelRefused: there is one that is not of this graph.
    """
    import onnx

    kept = {one.key: one.value for one in onnx.load_model_from_string(payload).metadata_props}
    if _KEY not in kept:
        return None
    try:
        raw = json.loads(kept[_KEY])
        reference = Reference(
            _from_text(raw["features"], np.float32), tuple(_from_text(rows, np.int32) for rows in raw["leaf_rows"])
        )
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise ModelRefused(f"the graph's reference is not readable: {error!r}") from error
    found = (len(reference.features), *(len(rows) for rows in reference.leaf_rows))
    wanted = (graph.feature_count, *(int(member.is_leaf.sum()) for member in trees_of(graph)))
    if found != wanted or any((rows < 0).any() for rows in reference.leaf_rows):
        raise ModelRefused(f"the graph's reference is of {found} features and leaves, not {wanted}")
    return reference


def trees_of(graph: EnsembleGraph) -> list[TreeNodes]:
    """Return the members of trees, in order."""
    return [member for member in graph.members if isinstance(member, TreeNodes)]


def _to_text(values: NDArray[np.generic]) -> str:
    return base64.b64encode(values.astype(values.dtype.newbyteorder("<")).tobytes()).decode("ascii")


def _from_text(text: str, kind: type[Number]) -> NDArray[Number]:
    raw = np.frombuffer(base64.b64decode(text, validate=True), np.dtype(kind).newbyteorder("<"))
    return raw.astype(kind)
