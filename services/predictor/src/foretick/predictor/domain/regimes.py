"""Which regime a vector was made in, and where in a vector that and the unit of intervals are told."""

from collections.abc import Sequence
from dataclasses import dataclass

from foretick.common.contracts import Regime
from foretick.quant.parameters import EFFICIENCY_BARS

TREND_EFFICIENCY = EFFICIENCY_BARS**-0.5
"""The efficiency ratio of a random walk: its distance grows with the root of the steps, its path with the steps."""

LEAST_VOLATILITY_BPS = 0.01
"""Of a price that has not moved: so an interval's width stays a number, and its first move a large one."""

_REGIMES = (Regime.CALM_CHOPPY, Regime.CALM_TRENDING, Regime.ROUGH_CHOPPY, Regime.ROUGH_TRENDING)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a vector says beside its features: regime and volatility, None where they are missing."""

    regime: Regime | None = None
    volatility_bps: float | None = None


@dataclass(frozen=True, slots=True)
class Places:
    """Places of three features in a vector; None where the schema lacks one."""

    volatility: int | None
    volatility_log_ratio: int | None
    efficiency_ratio: int | None

    @classmethod
    def of(cls, names: Sequence[str]) -> "Places":
        """Return the places in vectors of the features ``names``."""
        at = {name: place for place, name in enumerate(names)}
        return cls(*map(at.get, ("realised_volatility_bps", "volatility_log_ratio", "efficiency_ratio")))

    def read(self, values: Sequence[float | None]) -> Reading:
        """Return what ``values`` say."""
        volatility = _at(values, self.volatility)
        ratio, efficiency = _at(values, self.volatility_log_ratio), _at(values, self.efficiency_ratio)
        return Reading(
            None if ratio is None or efficiency is None else regime_of(ratio, efficiency),
            None if volatility is None else max(volatility, LEAST_VOLATILITY_BPS),
        )


def regime_of(volatility_log_ratio: float, efficiency_ratio: float) -> Regime:
    """Return the regime.

    >>> regime_of(0.2, 0.3), regime_of(0.0, 0.9)
    (<Regime.ROUGH_CHOPPY: 'rough_choppy'>, <Regime.CALM_TRENDING: 'calm_trending'>)
    """
    return _REGIMES[2 * (volatility_log_ratio > 0.0) + (efficiency_ratio > TREND_EFFICIENCY)]


def _at(values: Sequence[float | None], place: int | None) -> float | None:
    return None if place is None or place >= len(values) else values[place]
