"""One client's conversation, independent of what carries it."""

from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from foretick.common.contracts import UNDECODABLE
from foretick.common.errors import Refused
from foretick.common.units import NS_PER_US, micros_from_nanos
from foretick.gateway.domain.board import Board
from foretick.gateway.domain.channels import CHANNELS, DEFAULT_CHANNELS, SYSTEM, Scope
from foretick.gateway.domain.directory import Identity
from foretick.gateway.domain.outbox import CloseCode, Outbox, OutboxLimits
from foretick.gateway.domain.principal import Principal
from foretick.gateway.domain.protocol import (
    MAX_MESSAGE_BYTES,
    MAX_SUBSCRIPTIONS,
    PROTOCOL_VERSION,
    Ack,
    ChannelList,
    Error,
    Limits,
    Pong,
    PredictionReply,
    Reply,
    Request,
    RequestId,
    RequestIdOnly,
    SymbolRef,
    Welcome,
    encode,
)
from foretick.gateway.domain.rate_limit import TokenBucket
from foretick.gateway.domain.topic import Topic

ACTIONS = ("subscribe", "unsubscribe", "get_prediction", "channels", "ping")
_request = msgspec.json.Decoder(Request)
_request_id = msgspec.json.Decoder(RequestIdOnly)


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """Bounds on one client.

    rate_per_s, burst: requests in the long run, and at once
    max_refusals: requests beyond the rate, in a row, before the socket is closed
    """

    rate_per_s: float = 50
    burst: float = 200
    max_refusals: int = 100
    max_message_bytes: int = MAX_MESSAGE_BYTES
    max_subscriptions: int = MAX_SUBSCRIPTIONS
    outbox: OutboxLimits = field(default_factory=OutboxLimits)


class Session:
    """Reads requests with ``receive`` and answers into ``outbox``; whoever carries it sends what the outbox gives."""

    def __init__(self, board: Board, principal: Principal, limits: SessionLimits, wake: Callable[[], None]) -> None:
        self.principal = principal
        self.limits = limits
        self.outbox = Outbox(limits.outbox, board.fanout, wake)
        self._board = board
        self._bucket = TokenBucket(limits.rate_per_s, limits.burst, 0)
        self._refusals = 0
        self._actions: dict[str, Callable[[Request, int], None]] = {
            "subscribe": self._subscribe,
            "unsubscribe": self._unsubscribe,
            "get_prediction": self._get_prediction,
            "channels": self._list_channels,
            "ping": self._ping,
        }

    def open(self, now_ns: int) -> None:
        """Join the audience and say welcome, or say why not and close."""
        board = self._board
        try:
            board.audience.admit(self.outbox)
        except Refused as refusal:
            self._refuse(refusal, None)
            self.outbox.close(CloseCode.TRY_LATER, refusal.message)
            return
        self._reply(
            Welcome(
                protocol=PROTOCOL_VERSION,
                server_ts_us=micros_from_nanos(now_ns),
                run_id=board.identification.run_id,
                origin=board.origin,
                principal=self.principal.name,
                instruments=board.directory.labels,
                channels=list(CHANNELS.values()),
                features=list(board.identification.features),
                limits=Limits(
                    max_message_bytes=self.limits.max_message_bytes, max_subscriptions=self.limits.max_subscriptions
                ),
            )
        )

    def leave(self) -> None:
        """End: nothing is sent any more."""
        self._board.audience.leave(self.outbox)

    def receive(self, message: str | bytes, now_ns: int) -> None:
        """Carry out one message of the client; whatever it holds, it is answered."""
        if self.outbox.closing is not None:
            return
        if not self._bucket.allow(now_ns):
            self._refuse_flood()
            return
        self._refusals = 0
        payload = message.encode(errors="surrogatepass") if isinstance(message, str) else message
        if len(payload) > self.limits.max_message_bytes:
            limit = f"a message has at most {self.limits.max_message_bytes} bytes"
            self._refuse(Refused("too_large", f"{limit}, this one {len(payload)}", "ask in several messages"), None)
            self.outbox.close(CloseCode.TOO_LARGE, limit)
            return
        if isinstance(message, bytes):
            self._refuse(Refused("malformed", "this was a binary frame", "send JSON as a text frame"), None)
            return
        self._handle(payload, now_ns)

    def _handle(self, payload: bytes, now_ns: int) -> None:
        try:
            request = _request.decode(payload)
        except UNDECODABLE as error:
            hint = 'send a JSON object such as {"action":"subscribe","symbols":["BTCUSDT"]}'
            self._refuse(Refused("malformed", str(error), hint), _request_id_of(payload))
            return
        action = self._actions.get(request.action)
        try:
            if action is None:
                raise Refused(
                    "unknown_action", f"there is no action {request.action[:64]!r}", f"known: {', '.join(ACTIONS)}"
                )
            action(request, now_ns)
        except Refused as refusal:
            self._refuse(refusal, request.req_id)

    def _subscribe(self, request: Request, _now_ns: int) -> None:
        identities, topics = self._targets(request)
        known = set(self.outbox.topics)
        count = len(known.union(topics))
        if count > self.limits.max_subscriptions:
            raise Refused(
                "too_many_subscriptions",
                f"this makes {count} subscriptions, {self.limits.max_subscriptions} are allowed",
                "unsubscribe from some, or open another connection",
            )
        points = {topic: request.since.get(topic.key) for topic in topics}
        resumed = [
            topic.key
            for topic, point in points.items()
            if self.outbox.subscribe(topic, None if point is None else (point.epoch, point.seq))
        ]
        self._acknowledge(request, identities, topics, resumed)

    def _unsubscribe(self, request: Request, _now_ns: int) -> None:
        if request.channels is None and request.symbols is None:
            topics = tuple(self.outbox.topics)
            identities = list(dict.fromkeys((topic.venue, topic.symbol) for topic in topics if topic.venue != SYSTEM))
        else:
            identities, topics = self._targets(request, default_channels=tuple(CHANNELS))
        self.outbox.unsubscribe(topics)
        self._acknowledge(request, identities, topics, [])

    def _get_prediction(self, request: Request, now_ns: int) -> None:
        names = [request.symbol] if request.symbol is not None else (request.symbols or [])
        if len(names) != 1:
            raise Refused("malformed", "symbol is missing", '{"action":"get_prediction","symbol":"BTCUSDT"}')
        venue, symbol = self._board.directory.resolve(names[0])
        view = self._board.view((venue, symbol))
        data = view.prediction
        age_us = None if data is None else max(0, now_ns - view.prediction_topic.arrived_ns) // NS_PER_US
        reason = "" if data is not None else "there is no prediction yet: the predictor has sent none in this run"
        self._reply(
            PredictionReply(
                req_id=request.req_id, venue=venue, symbol=symbol, age_us=age_us, data=data, reason=reason
            )
        )  # fmt: skip

    def _list_channels(self, request: Request, _now_ns: int) -> None:
        self._reply(ChannelList(req_id=request.req_id, channels=list(CHANNELS.values())))

    def _ping(self, request: Request, now_ns: int) -> None:
        self._reply(Pong(req_id=request.req_id, server_ts_us=micros_from_nanos(now_ns)))

    def _targets(
        self, request: Request, default_channels: tuple[str, ...] = DEFAULT_CHANNELS
    ) -> tuple[list[Identity], tuple[Topic, ...]]:
        channels = request.channels if request.channels is not None else list(default_channels)
        unknown = [name for name in channels if name not in CHANNELS]
        if unknown or not channels:
            raise Refused(
                "unknown_channel",
                f"there is no channel {unknown[0][:64]!r}" if unknown else "channels is empty",
                f"known: {', '.join(CHANNELS)}",
            )
        by_symbol = [name for name in channels if CHANNELS[name].scope is not Scope.SYSTEM]
        if by_symbol and not request.symbols:
            raise Refused("malformed", "symbols is missing or empty", 'send "symbols":["BTCUSDT"]')
        directory = self._board.directory
        identities = list(dict.fromkeys(map(directory.resolve, request.symbols or ())))
        topics = [
            self._board.topic(name, identity)
            for identity in identities
            for name in by_symbol
            if request.channels is not None or CHANNELS[name].scope is not Scope.PAIR or directory.listing(identity)
        ]
        topics.extend(self._board.system[name] for name in channels if CHANNELS[name].scope is Scope.SYSTEM)
        return identities, tuple(dict.fromkeys(topics))

    def _acknowledge(
        self, request: Request, identities: list[Identity], topics: tuple[Topic, ...], resumed: list[str]
    ) -> None:
        self._reply(
            Ack(
                action=request.action,
                req_id=request.req_id,
                symbols=[SymbolRef(venue=venue, symbol=symbol) for venue, symbol in identities],
                channels=list(dict.fromkeys(topic.channel.name for topic in topics)),
                resumed=resumed,
            )
        )

    def _refuse_flood(self) -> None:
        self._refusals += 1
        if self._refusals > self.limits.max_refusals:
            self.outbox.close(CloseCode.POLICY, "too many requests")
            return
        rate = f"at most {self.limits.rate_per_s:g} requests a second"
        self._refuse(Refused("rate_limited", f"{rate}, {self.limits.burst:g} at once", "ask more slowly"), None)

    def _refuse(self, refusal: Refused, req_id: RequestId) -> None:
        self._reply(Error(code=refusal.code, message=refusal.message, hint=refusal.hint, req_id=req_id))

    def _reply(self, reply: Reply) -> None:
        self.outbox.reply(encode(reply))


def _request_id_of(payload: bytes) -> RequestId:
    try:
        return _request_id.decode(payload).req_id
    except UNDECODABLE:
        return None
