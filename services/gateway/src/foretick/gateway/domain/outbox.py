"""What waits to be sent to one client: bounded, whatever the client does."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum

from foretick.common.units import NS_PER_MS
from foretick.gateway.domain.topic import Tally, Topic, Update


class CloseCode(IntEnum):
    """Why a socket is closed (RFC 6455 and its registry)."""

    POLICY = 1008
    TOO_LARGE = 1009
    RESTART = 1012
    TRY_LATER = 1013


@dataclass(frozen=True, slots=True)
class Closing:
    """The decision to close: code and a reason for people."""

    code: CloseCode
    reason: str


@dataclass(frozen=True, slots=True)
class OutboxLimits:
    """Bounds of an outbox.

    max_replies: answers that may wait; a client that asks and doesn't read is closed beyond
    max_pending_updates: updates of one state topic that may wait; beyond, a snapshot takes their place
    max_pending_events: the same of an event topic; beyond, the socket is closed
    flush_interval_ns: shortest time between two writes of updates
    flush_bytes: what one write carries before the rest has to wait for it
    """

    max_replies: int = 1024
    max_pending_updates: int = 8
    max_pending_events: int = 1024
    flush_interval_ns: int = 10 * NS_PER_MS
    flush_bytes: int = 64 * 1024


class Outbox:
    """Answers and updates for one client.

    Each topic holds either the updates in order, or, once they were too many, the wish for a snapshot (None).
    """

    def __init__(self, limits: OutboxLimits, tally: Tally, wake: Callable[[], None]) -> None:
        self.limits = limits
        self.topics: dict[Topic, None] = {}
        self.closing: Closing | None = None
        self._tally = tally
        self._wake = wake
        self._replies: list[str] = []
        self._heartbeat: str | None = None
        self._pending: dict[Topic, list[Update] | None] = {}
        self._failed_resumes: set[Topic] = set()
        self._flushed_ns = -limits.flush_interval_ns
        self._flush_goes_on = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits."""
        return not (self._replies or self._pending or self._heartbeat)

    def close(self, code: CloseCode, reason: str) -> None:
        """Decide to close; what waits in answers still goes out, updates don't. The first reason stays."""
        if self.closing is None:
            self.closing = Closing(code, reason)
            self._pending.clear()
            self._wake()

    def reply(self, text: str) -> None:
        """Queue an answer."""
        if len(self._replies) >= self.limits.max_replies:
            self._replies.clear()
            self.close(CloseCode.TRY_LATER, "you ask without reading; reconnect after 1000 ms")
            return
        self._replies.append(text)
        self._wake()

    def beat(self, text: str) -> None:
        """Queue a heartbeat; one that still waits is replaced."""
        self._heartbeat = text
        self._wake()

    def subscribe(self, topic: Topic, since: tuple[int, int] | None = None) -> bool:
        """Follow ``topic``, from ``(epoch, seq)`` on if that is possible; return whether it was resumed there."""
        self.topics[topic] = None
        topic.subscribers[self] = None
        missed = None if since is None else topic.since(*since)
        if missed is not None and len(missed) <= self.limits.max_pending_updates:
            if missed:
                self._pending[topic] = missed
                self._wake()
            return True
        if since is not None:
            self._failed_resumes.add(topic)
        if topic.has_snapshot:
            self._want_snapshot(topic)
        return False

    def unsubscribe(self, topics: Iterable[Topic]) -> None:
        """Stop following ``topics``."""
        for topic in topics:
            self.topics.pop(topic, None)
            topic.subscribers.pop(self, None)
            self._pending.pop(topic, None)
            self._failed_resumes.discard(topic)

    def offer(self, topic: Topic, update: Update) -> None:
        """Take the next update of a followed topic."""
        if self.closing is not None:
            return
        pending = self._pending.get(topic, _NOTHING)
        if pending is _NOTHING:
            self._pending[topic] = [update]
            self._wake()
        elif pending is None:
            self._tally.conflated += 1
        elif topic.is_event:
            self._append_event(topic, pending, update)
        elif len(pending) < self.limits.max_pending_updates:
            pending.append(update)
        else:
            self._tally.conflated += len(pending) + 1
            self._pending[topic] = None

    def offer_snapshot(self, topic: Topic) -> None:
        """Learn that only the whole state of a followed topic will do."""
        if self.closing is None:
            self._want_snapshot(topic)

    def wait_ns(self, now_ns: int) -> int:
        """Return how long to wait before the next ``take``: 0 for answers, and for updates when idle long enough."""
        if self._replies or self._flush_goes_on or self.closing is not None:
            return 0
        elapsed_ns = now_ns - self._flushed_ns
        return max(0, self.limits.flush_interval_ns - elapsed_ns) if elapsed_ns >= 0 else 0

    def take(self, now_ns: int) -> list[str]:
        """Return the messages of the next write, in order: ``flush_bytes``, and at least one message."""
        texts, self._replies = self._replies, []
        if self._heartbeat is not None:
            texts.append(self._heartbeat)
            self._heartbeat = None
        room = self.limits.flush_bytes - sum(map(len, texts))
        while self._pending and room > 0:
            topic = next(iter(self._pending))
            messages = self._messages(topic, self._pending.pop(topic), now_ns)
            texts.extend(messages)
            room -= sum(map(len, messages))
        self._flush_goes_on = bool(self._pending)
        self._flushed_ns = now_ns
        self._tally.deliveries += len(texts)
        return texts

    def _messages(self, topic: Topic, pending: list[Update] | None, now_ns: int) -> list[str]:
        if pending is not None:
            return [update.text for update in pending]
        failed_resume = topic in self._failed_resumes
        self._failed_resumes.discard(topic)
        return [topic.snapshot_text(now_ns, failed_resume=failed_resume)]

    def _want_snapshot(self, topic: Topic) -> None:
        self._pending[topic] = None
        self._wake()

    def _append_event(self, topic: Topic, pending: list[Update], update: Update) -> None:
        if len(pending) < self.limits.max_pending_events:
            pending.append(update)
            return
        self._tally.overflowed += 1
        self.close(CloseCode.TRY_LATER, f"too slow for {topic.key}; reconnect after 1000 ms")


_NOTHING: list[Update] = []
