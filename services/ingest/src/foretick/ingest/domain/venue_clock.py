"""Estimates how a venue's clock differs from ours, and how long its messages take. Ours is never corrected by it.

Asked for its time, a venue answers with an instant that lies between our sending and receiving: half the round trip
bounds the error (Cristian 1989, "Probabilistic clock synchronization"). Without that, the shortest difference between a
message's two clocks bounds the offset from one side only: it holds the shortest latency too.
"""

from collections import deque
from dataclasses import dataclass

from foretick.common.units import NS_PER_MS, NS_PER_S, NS_PER_US

ANSWER_AGE_NS = 600 * NS_PER_S
"""Answers older than this are forgotten: clocks drift."""

_WINDOW_NS = 60 * NS_PER_S
_SAMPLES = 512
_HEAR_NS = 10 * NS_PER_MS
_STEPS_NS = (NS_PER_S, NS_PER_MS, NS_PER_US, 1)


@dataclass(frozen=True, slots=True)
class ClockEstimate:
    """The venue's clock minus ours, ms; half the width of what it is known to, None where only messages tell."""

    offset_ms: float
    error_ms: float | None


class VenueClock:
    """What is known of one venue's clock. Times are ns; ``now_ns`` is our wall clock."""

    def __init__(self) -> None:
        self._answers: deque[tuple[int, int, int]] = deque()
        self._least: tuple[int, int] | None = None
        self._last_least: int | None = None
        self._samples: deque[tuple[int, int]] = deque(maxlen=_SAMPLES)
        self._sample_ns = 0
        self.due_ns = 0

    def hear(self, recv_ns: int, event_ns: int) -> None:
        """Take note of a message: when it was received by our clock, and when it was sent by the venue's.

        Hundred a second are enough: of those before ``due_ns`` nobody has to tell.
        """
        self.due_ns = recv_ns + _HEAR_NS
        late_ns = recv_ns - event_ns
        if self._least is None or late_ns < self._least[1] or recv_ns - self._least[0] > _WINDOW_NS:
            self._last_least = None if self._least is None else self._least[1]
            self._least = recv_ns, late_ns
        if recv_ns >= self._sample_ns:
            self._sample_ns = recv_ns + _WINDOW_NS // _SAMPLES
            self._samples.append((recv_ns, late_ns))

    def answer(self, sent_ns: int, received_ns: int, venue_ns: int) -> None:
        """Take note of the venue's time ``venue_ns``, asked for at ``sent_ns`` and received at ``received_ns``.

        A time in whole milliseconds was any instant up to the next one: that adds to the error, as of other steps.
        """
        half_ns = (received_ns - sent_ns) // 2
        half_step_ns = next(step_ns for step_ns in _STEPS_NS if venue_ns % step_ns == 0) // 2
        offset_ns = venue_ns + half_step_ns - sent_ns - half_ns
        self._answers.append((received_ns, offset_ns, half_ns + half_step_ns))

    def estimate(self, now_ns: int) -> ClockEstimate | None:
        """Return the best estimate at ``now_ns``, or None before there is one."""
        while self._answers and now_ns - self._answers[0][0] > ANSWER_AGE_NS:
            self._answers.popleft()
        if self._answers:
            _, offset_ns, error_ns = min(self._answers, key=lambda each: each[2])
            return ClockEstimate(offset_ns / NS_PER_MS, error_ns / NS_PER_MS)
        if self._least is None:
            return None
        least_ns = self._least[1] if self._last_least is None else min(self._least[1], self._last_least)
        return ClockEstimate(-least_ns / NS_PER_MS, None)

    def latency_ms(self, now_ns: int) -> float | None:
        """Return the median latency of the last minute's messages, the offset taken out; None without any."""
        estimate = self.estimate(now_ns)
        late_ns = sorted(late for recv_ns, late in self._samples if now_ns - recv_ns <= _WINDOW_NS)
        if estimate is None or not late_ns:
            return None
        return late_ns[len(late_ns) // 2] / NS_PER_MS + estimate.offset_ms
