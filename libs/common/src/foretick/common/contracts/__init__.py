"""The messages on the bus, one file per area. See ``subjects`` for where each travels."""

from foretick.common.contracts._base import (
    UNDECODABLE,
    Contract,
    Encoded,
    Message,
    Origin,
    Trust,
    describe_contracts,
    encode,
    worst_trust,
)
from foretick.common.contracts.bars import Bar
from foretick.common.contracts.correlations import CorrelationMember, CorrelationPairs, Correlations
from foretick.common.contracts.explanations import CallRefusal, Explanation, ExplanationReply, FeatureContribution
from foretick.common.contracts.features import FeatureVector
from foretick.common.contracts.market import (
    BookCounts,
    BookEvent,
    BookEventKind,
    BookFrame,
    BookProof,
    DerivativeColumns,
    Instrument,
    InstrumentKind,
    Level,
    LiquidationColumns,
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
from foretick.common.contracts.venues import ConsolidatedQuote, VenueQuote, VenueState, VenueStatus

__all__ = [
    "UNDECODABLE",
    "Bar",
    "BookCounts",
    "BookEvent",
    "BookEventKind",
    "BookFrame",
    "BookProof",
    "CallRefusal",
    "ConsolidatedQuote",
    "Contract",
    "CorrelationMember",
    "CorrelationPairs",
    "Correlations",
    "DeadLetter",
    "DerivativeColumns",
    "Direction",
    "Encoded",
    "Explanation",
    "ExplanationReply",
    "FeatureContribution",
    "FeatureVector",
    "Instrument",
    "InstrumentKind",
    "Level",
    "LiquidationColumns",
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
    "VenueQuote",
    "VenueState",
    "VenueStatus",
    "Withheld",
    "describe_contracts",
    "encode",
    "worst_trust",
]
