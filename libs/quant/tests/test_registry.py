"""The registry is what contract, model and document say."""

from dataclasses import replace
from pathlib import Path

from foretick.quant.registry import FEATURE_NAMES, FEATURES, SCHEMA_HASH, Group, hash_schema, render_markdown

DOCUMENT = Path(__file__).parents[3] / "docs" / "models" / "features.md"


def test_twenty_four_features_of_which_ten_are_microstructure():
    assert len(FEATURES) == 24
    assert sum(feature.group is Group.MICROSTRUCTURE for feature in FEATURES) >= 10


def test_names_labels_and_formulas_are_unique():
    for field in ("name", "label", "formula"):
        assert len({getattr(feature, field) for feature in FEATURES}) == len(FEATURES), field
    assert all(name.isidentifier() and name == name.lower() for name in FEATURE_NAMES)


def test_hash_follows_names_formulas_units_and_order():
    first, *rest = FEATURES
    changed = [
        (replace(first, name="other"), *rest),
        (replace(first, formula="other"), *rest),
        (replace(first, unit=rest[0].unit), *rest),
        (*rest, first),
    ]
    assert len({SCHEMA_HASH, *(hash_schema(features) for features in changed)}) == 5
    assert hash_schema((replace(first, label="other"), *rest)) == SCHEMA_HASH


def test_committed_document_is_the_registrys():
    assert DOCUMENT.read_text() == render_markdown(), "run: python -m foretick.quant.registry > docs/models/features.md"
