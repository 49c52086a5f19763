"""When the predictor keeps silent, and why."""

from collections.abc import Sequence

from foretick.common.contracts import FeatureVector, ModelPublished, Trust, Withheld


def reason_to_withhold(vector: FeatureVector, model: ModelPublished | None, columns: Sequence[int]) -> Withheld | None:
    """Return why no numbers may be given for ``vector``, the most basic reason first; None if they may.

    columns: which of its values the model takes
    """
    if model is None:
        return Withheld.NO_MODEL
    if not fits_schema(vector, model) or max(columns, default=0) >= len(vector.values):
        return Withheld.SCHEMA_MISMATCH
    if vector.trust is not Trust.LIVE:
        return Withheld.UNTRUSTED
    if vector.mid is None:
        return Withheld.NO_PRICE
    values = vector.values
    is_whole = None not in values or all(values[at] is not None for at in columns)
    return None if vector.warm and is_whole else Withheld.WARMING_UP


def fits_schema(vector: FeatureVector, model: ModelPublished) -> bool:
    """Return whether the model was made for vectors like this one: same features, same order, same pace."""
    return vector.schema_hash == model.schema_hash and vector.interval_ns == model.interval_ns
