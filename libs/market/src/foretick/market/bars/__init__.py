"""Bars of an instrument's events: by time, and by what was traded. The one place where live bars come from."""

from foretick.market.bars.bar import BarSums, Terms
from foretick.market.bars.engine import BarEngine, BarUpdate, EngineState
from foretick.market.bars.spec import TIMEFRAMES_S, BarSpec, Measure, parse_spec

__all__ = [
    "TIMEFRAMES_S",
    "BarEngine",
    "BarSpec",
    "BarSums",
    "BarUpdate",
    "EngineState",
    "Measure",
    "Terms",
    "parse_spec",
]
