"""One stream of updates that clients share: encoded once, however many listen."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from foretick.common.units import NS_PER_US
from foretick.gateway.domain.channels import Channel, ChannelKind, topic_key
from foretick.gateway.domain.frame import make_frame

RING_UPDATES = 64
"""Updates kept for a client that comes back with ``since``."""

_encoder = msgspec.json.Encoder()


@dataclass(slots=True)
class Tally:
    """Running counts of the fan-out.

    updates_encoded never exceeds updates, however many clients there are: an update is encoded when the first client
    needs it and shared from then on. writes never exceeds deliveries: one write carries all that a client waits for.
    """

    updates: int = 0
    updates_encoded: int = 0
    snapshots_encoded: int = 0
    deliveries: int = 0
    writes: int = 0
    conflated: int = 0
    overflowed: int = 0


class Subscriber(Protocol):
    """Who is told of a topic's updates.

    pending: updates that wait, of all topics, in order
    idle: nothing waits and nothing was sent just now: the first update must ``rouse``
    bound: how many may wait before it must be ``relieved``
    """

    pending: "list[Update]"
    idle: bool
    bound: int

    def rouse(self) -> None:
        """Ask to be written."""
        ...

    def relieve(self) -> None:
        """See to it that what waits gets less: more than ``bound`` do."""
        ...

    def want_snapshot(self, topic: "Topic") -> None:
        """Learn that only the whole state will do."""
        ...


class Update:
    """One step of a topic. ``prev`` is the ``seq`` of the step before."""

    __slots__ = ("_data", "_frame", "_tally", "epoch", "prev", "seq", "topic")

    def __init__(self, topic: "Topic", epoch: int, seq: int, data: Any, tally: Tally) -> None:
        self.epoch = epoch
        self.seq = seq
        self.prev = topic.seq
        self.topic = topic
        self._data = data
        self._tally = tally
        self._frame: bytes | None = None

    @property
    def frame(self) -> bytes:
        """The message for the client: the same object for every one of them."""
        if self._frame is None:
            self._tally.updates_encoded += 1
            prev = b"null" if self.prev is None else b"%d" % self.prev
            self._frame = make_frame(
                b'{"type":"delta",%b,"epoch":%d,"seq":%d,"prev":%b,"data":%b}'
                % (self.topic.identity, self.epoch, self.seq, prev, _encoder.encode(self._data))
            )
            self._data = None
        return self._frame


class Topic:
    """A channel of one instrument, or of the system.

    ``epoch`` and ``seq`` name the state that ``build_snapshot`` returns; ``seq`` is None until there is one.
    ``subscribers`` get every update. ``laggards`` are those who wait for a snapshot: until they have got it, updates
    cost them, and us, nothing.
    """

    __slots__ = (
        "_build_snapshot", "_ring", "_snapshot", "_tally", "arrived_ns", "channel", "epoch", "identity", "key",
        "laggards", "seq", "subscribers", "symbol", "venue",
    )  # fmt: skip

    def __init__(
        self, channel: Channel, venue: str, symbol: str, build_snapshot: Callable[[], Any], tally: Tally
    ) -> None:
        self.channel = channel
        self.venue = venue
        self.symbol = symbol
        self.key = topic_key(channel.name, venue, symbol)
        identity = _encoder.encode({"channel": channel.name, "venue": venue, "symbol": symbol})
        self.identity = identity[1:-1]
        self.epoch = 0
        self.seq: int | None = None
        self.arrived_ns = 0
        self.subscribers: dict[Subscriber, None] = {}
        self.laggards: dict[Subscriber, None] = {}
        self._build_snapshot = build_snapshot
        self._ring: deque[Update] = deque(maxlen=RING_UPDATES)
        self._snapshot: bytes | None = None
        self._tally = tally

    @property
    def is_event(self) -> bool:
        """Whether no client may miss an update."""
        return self.channel.kind is ChannelKind.EVENT

    @property
    def has_snapshot(self) -> bool:
        """Whether there is a state to tell."""
        return self.seq is not None and not self.is_event

    def publish(self, epoch: int, seq: int, data: Any, arrived_ns: int) -> None:
        """Tell every subscriber of a new state; ``data`` is its difference to the state before.

        The first state, and the first of an epoch, go out whole: what a client holds of another epoch is void.
        """
        self._snapshot = None
        self.arrived_ns = arrived_ns
        self._tally.updates += 1
        if not self.is_event and (self.seq is None or epoch != self.epoch):
            self._ring.clear()
            self.epoch, self.seq = epoch, seq
            for subscriber in tuple(self.subscribers):
                subscriber.want_snapshot(self)
            return
        update = Update(self, epoch, seq, data, self._tally)
        self._ring.append(update)
        self.epoch, self.seq = epoch, seq
        self._tally.conflated += len(self.laggards)
        self._offer(update)

    def since(self, epoch: int, seq: int) -> list[Update] | None:
        """Return the updates that follow ``(epoch, seq)``; None when the way from there is not known."""
        if epoch != self.epoch or self.seq is None:
            return None
        if seq == self.seq:
            return []
        updates = list(self._ring)
        for index, update in enumerate(updates):
            if update.prev == seq and update.epoch == epoch:
                return updates[index:]
        return None

    def snapshot_frame(self, now_ns: int, *, failed_resume: bool = False) -> bytes:
        """Return the whole state as a message. The state is encoded once; only its age differs between clients."""
        if self._snapshot is None:
            self._tally.snapshots_encoded += 1
            self._snapshot = _encoder.encode(self._build_snapshot())
        age_us = max(0, now_ns - self.arrived_ns) // NS_PER_US
        resumed = b'"resumed":false,' if failed_resume else b""
        return make_frame(
            b'{"type":"snapshot",%b,"epoch":%d,"seq":%d,"age_us":%d,%b"data":%b}'
            % (self.identity, self.epoch, self.seq, age_us, resumed, self._snapshot)
        )

    def _offer(self, update: Update) -> None:
        """Hand one update to every subscriber: the one loop that runs once for each client and update."""
        overfull: list[Subscriber] = []
        for subscriber in self.subscribers:
            subscriber.pending.append(update)
            if subscriber.idle:
                subscriber.rouse()
            elif len(subscriber.pending) > subscriber.bound:
                overfull.append(subscriber)
        for subscriber in overfull:  # relief may end subscriptions
            subscriber.relieve()
