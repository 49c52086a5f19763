"""The channels of the feed: what a client may subscribe to."""

from enum import StrEnum

from foretick.common.contracts import Contract
from foretick.common.subjects import (
    BAR_MESSAGES,
    CALIBRATION_MESSAGES,
    CONSOLIDATED_QUOTES,
    CORRELATION_MESSAGES,
    FEATURE_VECTORS,
    MODEL_LIVES,
    PARITY_CERTIFICATES,
    PREDICTION_MESSAGES,
    TICKS,
    VENUE_STATUSES,
)
from foretick.market.bars import TIMEFRAMES_S

BOOK_LEVELS = 20
"""Levels a side of the ``books`` channel."""

SYSTEM = "*"
"""Venue of a channel that is about all venues; of one that is about the whole system its symbol too."""


BAR_CHANNELS = {timeframe: f"bars_{timeframe}" for timeframe in TIMEFRAMES_S}
"""The channel that tells the bars of each timeframe."""


class ChannelKind(StrEnum):
    """A state may skip updates for a slow client; an event never does."""

    STATE = "state"
    EVENT = "event"


class Scope(StrEnum):
    """Whether a channel exists once for each instrument, for each pair of currencies, or once."""

    INSTRUMENT = "instrument"
    PAIR = "pair"
    SYSTEM = "system"


class Channel(Contract, frozen=True, kw_only=True, gc=False):
    """One channel, as ``welcome`` and ``channels`` tell it. ``ttl_ms``: data that is older is stale; 0 for never."""

    name: str
    kind: ChannelKind
    ttl_ms: int
    scope: Scope


def _state(name: str, ttl_ms: int | None, scope: Scope = Scope.INSTRUMENT) -> Channel:
    return Channel(name=name, kind=ChannelKind.STATE, ttl_ms=ttl_ms or 0, scope=scope)


def _event(name: str) -> Channel:
    return Channel(name=name, kind=ChannelKind.EVENT, ttl_ms=0, scope=Scope.INSTRUMENT)


CHANNELS: dict[str, Channel] = {
    channel.name: channel
    for channel in (
        _state("ticks", TICKS.ttl_ms),
        _state("books", 12_000),  # a quiet book still gets a full snapshot every 10 s of data time
        _state("features", FEATURE_VECTORS.ttl_ms),
        _state("predictions", PREDICTION_MESSAGES.ttl_ms),
        _state("calibration", CALIBRATION_MESSAGES.ttl_ms),
        *(_state(name, BAR_MESSAGES.ttl_ms) for name in BAR_CHANNELS.values()),
        _event("integrity"),
        _state("consolidated", CONSOLIDATED_QUOTES.ttl_ms, Scope.PAIR),
        _state("correlations", CORRELATION_MESSAGES.ttl_ms, Scope.SYSTEM),
        _state("certificate", PARITY_CERTIFICATES.ttl_ms, Scope.SYSTEM),
        _state("models", MODEL_LIVES.ttl_ms, Scope.SYSTEM),
        _state("feature_health", 3_000, Scope.SYSTEM),
        _state("metrics", 3_000, Scope.SYSTEM),
        _state("venues", VENUE_STATUSES.ttl_ms, Scope.SYSTEM),
    )
}

DEFAULT_CHANNELS = ("ticks", "predictions")


def topic_key(channel: str, venue: str, symbol: str) -> str:
    """Return the name of a topic as ``since`` of a subscription spells it.

    >>> topic_key("predictions", "sim", "BTCUSDT")
    'predictions:sim:BTCUSDT'
    """
    return f"{channel}:{venue}:{symbol}"
