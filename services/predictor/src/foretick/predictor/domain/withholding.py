"""When the predictor keeps silent, and why."""

from foretick.common.contracts import FeatureVector, ModelPublished, Trust, Withheld


def reason_to_withhold(vector: FeatureVector, model: ModelPublished | None) -> Withheld | None:
    """Return why no numbers may be given for ``vector``, the most basic reason first; None if they may."""
    if model is None:
        return Withheld.NO_MODEL
    if not fits_schema(vector, model):
        return Withheld.SCHEMA_MISMATCH
    if vector.trust is not Trust.LIVE:
        return Withheld.UNTRUSTED
    if vector.mid is None:
        return Withheld.NO_PRICE
    return None if vector.warm and None not in vector.values else Withheld.WARMING_UP


def fits_schema(vector: FeatureVector, model: ModelPublished) -> bool:
    """Return whether the model was made for vectors like this one: same features, same order, same pace."""
    return (
        vector.schema_hash == model.schema_hash
        and len(vector.values) == len(model.feature_names)
        and vector.interval_ns == model.interval_ns
    )
