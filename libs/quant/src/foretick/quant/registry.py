"""The feature registry: what each number of a feature vector is, in order.

Contracts, model inputs and labels on the screen derive from here; the kernel computes what is written here. Every
feature is scale-free (basis points, ratios, indices), so that one model serves all symbols. One formula over another
window is not another feature. ``python -m foretick.quant.registry`` prints ``docs/models/features.md``.
"""

import hashlib
import sys

from foretick.quant import parameters as p
from foretick.quant.catalogue import CALENDAR, INDICATORS, MICROSTRUCTURE, RETURNS
from foretick.quant.feature import Feature, Group

SCHEMA_ID = "core-24"
"""Names the family of vectors; ``SCHEMA_HASH`` says exactly which."""

_HEADER = "| # | name | label | formula | unit | range | warm-up | from | source |"

FEATURES: tuple[Feature, ...] = (*MICROSTRUCTURE, *RETURNS, *INDICATORS, *CALENDAR)
FEATURE_NAMES: tuple[str, ...] = tuple(feature.name for feature in FEATURES)
FEATURE_COUNT = len(FEATURES)
INDEX: dict[str, int] = {name: index for index, name in enumerate(FEATURE_NAMES)}


def hash_schema(features: tuple[Feature, ...]) -> str:
    """Return the sha256 (hex) of names, formulas and units in order: what a vector's numbers mean."""
    digest = hashlib.sha256()
    for feature in features:
        digest.update("\x1f".join((feature.name, feature.formula, feature.unit)).encode() + b"\x1e")
    return digest.hexdigest()


SCHEMA_HASH = hash_schema(FEATURES)


def render_markdown() -> str:
    """Return the catalogue of features as Markdown: the text of ``docs/models/features.md``."""
    lines = [
        "# Features",
        "",
        "Generated from the registry by `python -m foretick.quant.registry`; do not edit.",
        "",
        f"Schema `{SCHEMA_ID}`, {FEATURE_COUNT} features; sha256 of names, formulas and units:",
        f"`{SCHEMA_HASH}`.",
        "",
        "Bars are closed 1 s bars of trades, of the mid where nothing traded. A prime marks the value before. Values",
        "made from the book are missing while it is not LIVE, and every value before its warm-up. After more than",
        f"{p.SILENCE_NS // 1_000_000_000} s without any event an instrument starts anew.",
    ]
    for group in Group:
        lines += ["", f"## {group.value.capitalize()}", "", _HEADER]
        lines.append("|---|---|---|---|---|---|---|---|---|")
        lines += [_markdown_row(index, feature) for index, feature in enumerate(FEATURES) if feature.group is group]
    return "\n".join(lines) + "\n"


def _markdown_row(index: int, feature: Feature) -> str:
    low = "-inf" if feature.low is None else f"{feature.low:g}"
    high = "inf" if feature.high is None else f"{feature.high:g}"
    cells = (
        str(index), f"`{feature.name}`", feature.label, f"`{feature.formula}`", feature.unit.value, f"{low} to {high}",
        f"{feature.warmup.count} {feature.warmup.unit.value}", ", ".join(feature.inputs), feature.source,
    )  # fmt: skip
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    sys.stdout.write(render_markdown())
