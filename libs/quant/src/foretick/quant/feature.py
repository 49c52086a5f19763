"""What the registry says of a feature."""

from dataclasses import dataclass
from enum import StrEnum


class Unit(StrEnum):
    """What a value is measured in."""

    BPS = "bps"
    RATIO = "ratio"
    LOG_RATIO = "log ratio"
    INDEX = "index 0-100"
    SIGNED_INDEX = "index -100 to 100"
    PERCENT = "percent"
    SCORE = "score -1 to 1"
    DEPTHS = "average depths"
    DAY = "day, Monday 0"


class WarmupUnit(StrEnum):
    """What a warm-up counts, from the instrument's first event."""

    EVENTS = "events"
    SECONDS = "s"
    STEPS = "steps"
    BARS = "bars"
    BUCKETS = "volume buckets"
    PAIRS = "s with a basket"


class Input(StrEnum):
    """What a feature is made from."""

    QUOTES = "quotes"
    BOOK = "book"
    TRADES = "trades"
    BARS = "bars"
    CLOCK = "clock"
    BASKET = "all instruments"


class Needs(StrEnum):
    """What has to be there at the moment for a value not to be masked, beside its warm-up."""

    NOTHING = "nothing"
    TOP = "a two-sided quote"
    BOOK = "a LIVE book"
    BASKET = "a basket"


class Group(StrEnum):
    """Families of features, as the screen groups them."""

    MICROSTRUCTURE = "microstructure"
    RETURNS = "returns"
    INDICATORS = "indicators"
    TREND = "trend"
    MOMENTUM = "momentum"
    VOLATILITY = "volatility"
    VOLUME = "volume"
    CANDLES = "candles"
    REGIME = "regime"
    CALENDAR = "calendar"
    CROSS_ASSET = "cross-asset"


@dataclass(frozen=True, slots=True)
class Warmup:
    """How much of the instrument's history a feature needs; before that it is missing."""

    count: int
    unit: WarmupUnit


@dataclass(frozen=True, slots=True)
class Feature:
    """One entry of the vector. ``low`` and ``high`` bound it; None where it has no bound.

    ``needs``: it is missing while that is not there, whatever its warm-up.
    """

    name: str
    label: str
    formula: str
    unit: Unit
    low: float | None
    high: float | None
    warmup: Warmup
    group: Group
    inputs: tuple[Input, ...]
    source: str
    needs: Needs = Needs.NOTHING
