"""Whether an announced model may be served here."""

import hashlib
from dataclasses import dataclass
from math import fsum, isclose

from foretick.common.contracts import ModelPublished
from foretick.predictor.domain.predicting import UNSEEN_SYMBOL


@dataclass(frozen=True, slots=True)
class ServingTerms:
    """What this service feeds a model and asks of it: the feature schema, the pace and the horizon.

    feature_names: those of a vector, in its order; a model takes some of them
    """

    schema_hash: str
    feature_names: tuple[str, ...]
    interval_ns: int
    horizon_steps: int

    def columns_of(self, model: ModelPublished) -> tuple[int, ...]:
        """Return where in a vector the inputs of ``model`` are.

        Raises:
            ValueError: it takes one that this service does not make; ``faults_of_terms`` says so.
        """
        return tuple(self.feature_names.index(name) for name in model.feature_names)


def fault_of_sequence(model: ModelPublished) -> str | None:
    """Return why ``model`` cannot be given what it asks for: a service keeps no vectors but the latest."""
    if model.sequence_length == 1:
        return None
    return f"it takes a sequence of {model.sequence_length} vectors, a service gives one"


def faults_of_terms(model: ModelPublished, terms: ServingTerms) -> list[str]:
    """Return why ``model`` does not fit this service; empty if it does."""
    faults: list[str] = []
    if model.schema_hash != terms.schema_hash:
        faults.append(f"it takes features {model.schema_hash[:12]}, this service makes {terms.schema_hash[:12]}")
    unknown = [name for name in model.feature_names if name not in terms.feature_names]
    if unknown:
        faults.append(f"it takes {', '.join(unknown)}, which this service does not make")
    if not model.feature_names or len(set(model.feature_names)) != len(model.feature_names):
        faults.append("its features are none, or one twice")
    if model.interval_ns != terms.interval_ns:
        faults.append(f"its step is {model.interval_ns} ns, SIGNAL_GENERATION_INTERVAL is {terms.interval_ns} ns")
    if model.horizon_steps != terms.horizon_steps:
        faults.append(f"it looks {model.horizon_steps} steps ahead, PREDICTION_HORIZON is {terms.horizon_steps}")
    sequence = fault_of_sequence(model)
    return [*faults, *([sequence] if sequence else []), *_faults_of_metadata(model)]


def faults_of_object(model: ModelPublished, payload: bytes) -> list[str]:
    """Return how the stored object differs from the announced one; empty if it is the same."""
    if len(payload) != model.size_bytes:
        return [f"the object has {len(payload)} bytes, {model.size_bytes} were announced"]
    digest = hashlib.sha256(payload).hexdigest()
    return [] if digest == model.sha256 else [f"the object's sha256 is {digest[:12]}, not {model.sha256[:12]}"]


def _faults_of_metadata(model: ModelPublished) -> list[str]:
    faults: list[str] = []
    if len(model.member_weights) != len(model.member_names) or not model.member_names:
        faults.append(f"{len(model.member_weights)} weights for {len(model.member_names)} members")
    if not isclose(fsum(model.member_weights), 1.0, abs_tol=1e-6) or min(model.member_weights, default=0.0) < 0.0:
        faults.append("its weights are not shares of 1")
    if UNSEEN_SYMBOL not in model.flat_bps:
        faults.append("it has no threshold for symbols that it has not seen")
    return faults
