"""The messages of the feed beside snapshots and deltas. ``docs/websocket-protocol.md`` explains them."""

from typing import Any

import msgspec

from foretick.common.contracts import Contract, Origin
from foretick.gateway.domain.channels import Channel
from foretick.gateway.domain.directory import InstrumentLabel
from foretick.gateway.domain.frame import make_frame
from foretick.gateway.domain.payloads import PredictionData

PROTOCOL_VERSION = 1
MAX_MESSAGE_BYTES = 65_536
MAX_SUBSCRIPTIONS = 1_024

RequestId = str | int | None


class ResumePoint(Contract, frozen=True, kw_only=True, gc=False):
    """The last state that a client holds of a topic."""

    epoch: int
    seq: int


class Request(Contract, frozen=True, kw_only=True, gc=False):
    """Anything that a client sends; which fields count depends on ``action``."""

    action: str
    req_id: RequestId = None
    symbols: list[str] | None = None
    symbol: str | None = None
    channels: list[str] | None = None
    since: dict[str, ResumePoint] = msgspec.field(default_factory=dict[str, ResumePoint])


class RequestIdOnly(Contract, frozen=True, kw_only=True, gc=False):
    """What can be read of a request that is otherwise wrong, so that its answer finds the asker."""

    req_id: RequestId = None


class FeatureLabel(Contract, frozen=True, kw_only=True, gc=False):
    """One entry of the feature vector, for people."""

    name: str
    label: str
    unit: str
    group: str
    formula: str


class Limits(Contract, frozen=True, kw_only=True, gc=False):
    """What a client must keep to."""

    max_message_bytes: int = MAX_MESSAGE_BYTES
    max_subscriptions: int = MAX_SUBSCRIPTIONS


class SymbolRef(Contract, frozen=True, kw_only=True, gc=False):
    """An instrument that a request meant."""

    venue: str
    symbol: str


class Reply(Contract, frozen=True, kw_only=True, gc=False, tag_field="type"):
    """Base of what the gateway sends; ``type`` names it."""


class Welcome(Reply, frozen=True, kw_only=True, gc=False, tag="welcome"):
    """First message of a connection."""

    protocol: int
    server_ts_us: int
    run_id: str
    origin: Origin | None
    principal: str
    instruments: list[InstrumentLabel]
    channels: list[Channel]
    features: list[FeatureLabel]
    limits: Limits


class Instruments(Reply, frozen=True, kw_only=True, gc=False, tag="instruments"):
    """The list of instruments has changed."""

    instruments: list[InstrumentLabel]


class Ack(Reply, frozen=True, kw_only=True, gc=False, tag="ack"):
    """A request was carried out. ``resumed``: the topics that go on where ``since`` left them."""

    action: str
    req_id: RequestId
    symbols: list[SymbolRef]
    channels: list[str]
    resumed: list[str]


class Error(Reply, frozen=True, kw_only=True, gc=False, tag="error"):
    """A request was refused; nothing of it was carried out."""

    code: str
    message: str
    hint: str
    req_id: RequestId


class ChannelList(Reply, frozen=True, kw_only=True, gc=False, tag="channels"):
    """Every channel."""

    req_id: RequestId
    channels: list[Channel]


class Pong(Reply, frozen=True, kw_only=True, gc=False, tag="pong"):
    """Answer to a ping."""

    req_id: RequestId
    server_ts_us: int


class PredictionReply(Reply, frozen=True, kw_only=True, gc=False, tag="prediction"):
    """The latest prediction; ``reason`` says why there is none."""

    req_id: RequestId
    venue: str
    symbol: str
    age_us: int | None
    data: PredictionData | None
    reason: str


class Heartbeat(Reply, frozen=True, kw_only=True, gc=False, tag="heartbeat"):
    """The gateway lives."""

    server_ts_us: int
    connections: int


_encoder = msgspec.json.Encoder()


def encode(reply: Reply) -> bytes:
    """Return ``reply`` as a frame."""
    return make_frame(_encoder.encode(reply))


def encode_any(value: Any) -> bytes:
    """Return any contract, or list of them, as JSON."""
    return _encoder.encode(value)
