"""The messages on the bus, one file per area. See ``subjects`` for where each travels."""

from foretick.common.contracts._base import (
    UNDECODABLE,
    Contract,
    Message,
    Origin,
    Trust,
    describe_contracts,
    worst_trust,
)
from foretick.common.contracts.features import FeatureVector
from foretick.common.contracts.market import (
    BookEvent,
    BookEventKind,
    BookFrame,
    Instrument,
    Level,
    QuoteColumns,
    TickFrame,
    TradeColumns,
)
from foretick.common.contracts.predictions import (
    Direction,
    LiveScore,
    ModelPublished,
    Outcome,
    Prediction,
    Probabilities,
    Withheld,
)
from foretick.common.contracts.system import DeadLetter

__all__ = [
    "UNDECODABLE",
    "BookEvent",
    "BookEventKind",
    "BookFrame",
    "Contract",
    "DeadLetter",
    "Direction",
    "FeatureVector",
    "Instrument",
    "Level",
    "LiveScore",
    "Message",
    "ModelPublished",
    "Origin",
    "Outcome",
    "Prediction",
    "Probabilities",
    "QuoteColumns",
    "TickFrame",
    "TradeColumns",
    "Trust",
    "Withheld",
    "describe_contracts",
    "worst_trust",
]
