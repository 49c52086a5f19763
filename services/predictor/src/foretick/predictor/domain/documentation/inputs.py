"""The section on what a model looks at: its features, and how much it leans on each."""

from foretick.predictor.domain.documentation.dossier import Dossier
from foretick.predictor.domain.documentation.parts import Lengths, Paragraph, Section, Table
from foretick.predictor.domain.documentation.wording import code, number
from foretick.predictor.domain.model_record import ModelRecord
from foretick.quant.registry import FEATURES, INDEX, SCHEMA_HASH

_PICTURED = 30


def describe_features(dossier: Dossier, model: ModelRecord | None) -> Section:
    """Return the features by importance, the largest first, with the registry's words on each."""
    names = dossier.record.made_with.feature_names
    importance = model.importance if model else {}
    order = sorted(names, key=lambda name: (-importance.get(name, (0.0, 0.0))[1], names.index(name)))
    parts: list[Paragraph | Lengths | Table] = []
    if model is not None:
        shown = order[:_PICTURED]
        text = (
            "Importance is the mean size of a feature's contribution to P(up) - P(down), on the unseen part; the ring "
            "is the same over rows learnt from. Rank correlation of the two: "
            f"{number(model.importance_rank_correlation)} (1: it leans on the same features on both markets)."
        )
        title = f"Importance, the first {len(shown)} of {len(order)}" if len(shown) < len(order) else "Importance"
        figure = Lengths(
            title, "mean |contribution|",
            tuple(shown), tuple(importance[name][1] for name in shown), tuple(importance[name][0] for name in shown),
        )  # fmt: skip
        parts += [Paragraph(text), figure]
    if dossier.record.made_with.schema_hash != SCHEMA_HASH:
        parts.append(Paragraph(OTHER_SCHEMA, strong=True))
    rows = tuple((code(name), *_importance(importance.get(name)), *_words(name)) for name in order)
    head = ("feature", "importance, unseen", "learnt from", "label", "unit", "formula")
    return Section("Features and importance", (*parts, Table(head, rows)))


OTHER_SCHEMA = (
    "It was trained on another feature schema than this version has: labels, formulas and units below are this "
    "version's, where it has a feature of that name, and may have been others then. This version cannot serve it."
)


def _words(name: str) -> tuple[str, str, str]:
    if name not in INDEX:
        return "not in this version's registry", "", ""
    feature = FEATURES[INDEX[name]]
    return feature.label, feature.unit.value, code(feature.formula)


def _importance(pair: tuple[float, float] | None) -> tuple[str, str]:
    return ("not kept", "not kept") if pair is None else (number(pair[1]), number(pair[0]))
