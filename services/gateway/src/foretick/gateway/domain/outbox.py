"""What waits to be sent to one client: bounded, whatever the client does."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum

from foretick.common.units import NS_PER_MS
from foretick.gateway.domain.topic import Tally, Topic, Update


class CloseCode(IntEnum):
    """Why a socket is closed (RFC 6455 and its registry)."""

    NOT_TEXT = 1007
    POLICY = 1008
    TOO_LARGE = 1009
    FAULT = 1011
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

    max_replies, max_reply_bytes: answers that may wait, the first whatever its size; a client that asks and doesn't
        read is closed beyond
    max_pending_updates: updates of one state topic that may wait; beyond, a snapshot takes their place
    max_pending_events: the same of an event topic; beyond, the socket is closed
    flush_interval_ns: shortest time between two writes of updates, unless more wait than the limits above allow
    flush_bytes: what one write carries before the rest has to wait for it
    """

    max_replies: int = 1024
    max_reply_bytes: int = 1024 * 1024
    max_pending_updates: int = 8
    max_pending_events: int = 1024
    flush_interval_ns: int = 10 * NS_PER_MS
    flush_bytes: int = 64 * 1024


class Outbox:
    """Answers, snapshots and updates that wait for one client, as frames.

    Whoever writes it keeps its state: ``queued``, it has asked to be written; ``cooling``, it was written less than the
    flush interval ago; ``blocked``, its connection takes nothing; ``idle``, none of these, so that the next update asks
    to be written. While the connection takes what is written and no more come in one turn than the limits allow, no
    update is skipped; else at most ``bound`` wait, and a snapshot of each topic that has too many.
    """

    __slots__ = (
        "_announcement", "_failed_resumes", "_heartbeat", "_replies", "_reply_bytes", "_tally", "_wake", "_wanted",
        "blocked", "bound", "closing", "cooling", "idle", "limits", "pending", "queued", "topics",
    )  # fmt: skip

    def __init__(self, limits: OutboxLimits, tally: Tally, wake: Callable[[], None]) -> None:
        self.limits = limits
        self.topics: dict[Topic, None] = {}
        self.closing: Closing | None = None
        self.pending: list[Update] = []
        self.bound = 0
        self.queued = self.cooling = self.blocked = False
        self.idle = True
        self._tally = tally
        self._wake = wake
        self._replies: list[bytes] = []
        self._reply_bytes = 0
        self._announcement: bytes | None = None
        self._heartbeat: bytes | None = None
        self._wanted: dict[Topic, None] = {}
        self._failed_resumes: set[Topic] = set()

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits."""
        return not (self.pending or self._replies or self._wanted or self._heartbeat or self._announcement)

    @property
    def has_only_updates(self) -> bool:
        """Whether ``pending`` is all that waits."""
        return not (self._replies or self._wanted or self._heartbeat or self._announcement or self.closing)

    @property
    def waiting(self) -> int:
        """How many messages wait; a snapshot that is due is not made before it is sent, and counts as one."""
        singles = (self._heartbeat is not None) + (self._announcement is not None)
        return len(self.pending) + len(self._replies) + len(self._wanted) + singles

    def rouse(self) -> None:
        """Ask to be written."""
        if not self.queued:
            self.queued = True
            self.idle = False
            self._wake()

    def rest(self) -> None:
        """Note that nothing is left to do: the next update rouses, unless the connection takes nothing."""
        self.cooling = False
        self.idle = not (self.blocked or self.queued)

    def close(self, code: CloseCode, reason: str) -> None:
        """Decide to close; what waits in answers still goes out, updates don't. The first reason stays."""
        if self.closing is None:
            self.closing = Closing(code, reason)
            self.unsubscribe(tuple(self.topics))
            self.rouse()

    def reply(self, frame: bytes) -> None:
        """Queue an answer."""
        is_too_much = self._reply_bytes + len(frame) > self.limits.max_reply_bytes
        if len(self._replies) >= self.limits.max_replies or (self._replies and is_too_much):
            self._drop_replies()
            self.close(CloseCode.TRY_LATER, "you ask without reading; reconnect after 1000 ms")
            return
        self._replies.append(frame)
        self._reply_bytes += len(frame)
        self.rouse()

    def announce(self, frame: bytes) -> None:
        """Queue what all are told and nobody asked for, whole; an older one that still waits is replaced."""
        self._announcement = frame
        self.rouse()

    def beat(self, frame: bytes) -> None:
        """Queue a heartbeat; one that still waits is replaced."""
        self._heartbeat = frame
        if self.idle:
            self.rouse()

    def subscribe(self, topic: Topic, since: tuple[int, int] | None = None) -> bool:
        """Follow ``topic``, from ``(epoch, seq)`` on if that is possible; return whether it was resumed there."""
        self.unsubscribe((topic,))
        self.topics[topic] = None
        topic.subscribers[self] = None
        self.bound += self._room_of(topic)
        missed = None if since is None else topic.since(*since)
        if missed is not None and len(missed) <= self.limits.max_pending_updates:
            if missed:
                self.pending.extend(missed)
                self.rouse()
            return True
        if since is not None:
            self._failed_resumes.add(topic)
        if topic.has_snapshot:
            self.want_snapshot(topic)
        return False

    def unsubscribe(self, topics: Iterable[Topic]) -> None:
        """Stop following ``topics``."""
        gone = {topic for topic in topics if topic in self.topics}
        for topic in gone:
            del self.topics[topic]
            topic.subscribers.pop(self, None)
            topic.laggards.pop(self, None)
            self.bound -= self._room_of(topic)
            self._wanted.pop(topic, None)
            self._failed_resumes.discard(topic)
        if gone and self.pending:
            self.pending = [update for update in self.pending if update.topic not in gone]

    def want_snapshot(self, topic: Topic) -> None:
        """Take the whole state of a followed topic at the next write, and none of its updates until then."""
        topic.subscribers.pop(self, None)
        topic.laggards[self] = None
        self._wanted[topic] = None
        if self.pending:
            self.pending = [update for update in self.pending if update.topic is not topic]
        if self.idle:
            self.rouse()

    def relieve(self) -> None:
        """Get rid of what is too much: by a write ahead of time, or, where none helps, by snapshots or the end."""
        if not (self.blocked or self.queued):
            self.rouse()
            return
        for topic, count in Counter(update.topic for update in self.pending).items():
            if count <= self._room_of(topic):
                continue
            if topic.is_event:
                self._tally.overflowed += 1
                self.close(CloseCode.TRY_LATER, f"too slow for {topic.key}; reconnect after 1000 ms")
                return
            self._tally.conflated += count
            self.want_snapshot(topic)

    def take(self, now_ns: int) -> list[bytes]:
        """Return the frames of the next write, in order: about ``flush_bytes``, and at least one frame."""
        frames = self._replies
        self._drop_replies()
        if self._announcement is not None:
            frames.append(self._announcement)
            self._announcement = None
        if self._heartbeat is not None:
            frames.append(self._heartbeat)
            self._heartbeat = None
        room = self.limits.flush_bytes - sum(map(len, frames))
        while self._wanted and room > 0:
            frames.append(self._take_snapshot(now_ns))
            room -= len(frames[-1])
        taken = 0
        for update in self.pending:
            if room <= 0:
                break
            frames.append(update.frame)
            room -= len(update.frame)
            taken += 1
        if taken:
            self.pending = self.pending[taken:]
        return frames

    def _drop_replies(self) -> None:
        self._replies = []
        self._reply_bytes = 0

    def _take_snapshot(self, now_ns: int) -> bytes:
        topic = next(iter(self._wanted))
        del self._wanted[topic]
        del topic.laggards[self]
        topic.subscribers[self] = None
        failed_resume = topic in self._failed_resumes
        self._failed_resumes.discard(topic)
        return topic.snapshot_frame(now_ns, failed_resume=failed_resume)

    def _room_of(self, topic: Topic) -> int:
        return self.limits.max_pending_events if topic.is_event else self.limits.max_pending_updates
