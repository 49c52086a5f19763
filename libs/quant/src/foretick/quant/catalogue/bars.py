"""What features of 1-second bars have in common."""

from foretick.quant.feature import Feature, Group, Input, Unit, Warmup, WarmupUnit

Range = tuple[float | None, float | None]
ANY: Range = (None, None)
SHARE: Range = (0.0, 1.0)
SIGNED_SHARE: Range = (-1.0, 1.0)
INDEX: Range = (0.0, 100.0)
SIGNED_INDEX: Range = (-100.0, 100.0)
POSITIVE: Range = (0.0, None)


def of_bars(  # noqa: PLR0913 - one row of the catalogue
    group: Group, bars: int, name: str, label: str, formula: str, unit: Unit, bounds: Range, source: str
) -> Feature:
    """Return a feature of closed bars that is there once ``bars`` of them are."""
    low, high = bounds
    return Feature(name, label, formula, unit, low, high, Warmup(bars, WarmupUnit.BARS), group, (Input.BARS,), source)
