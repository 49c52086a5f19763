"""The system at a glance: latency, throughput, the live score of the model."""

import math
from collections import deque
from collections.abc import Iterable

from foretick.common.contracts import LiveScore
from foretick.common.units import NS_PER_S

WINDOW_S = 60
RATE_WINDOW_S = 10
_BUCKETS_PER_OCTAVE = 32
_BUCKETS = 32 * _BUCKETS_PER_OCTAVE  # up to 2**32 us, over an hour


class LatencyWindow:
    """Quantiles of the latencies of the last ``WINDOW_S`` seconds, in fixed memory.

    A histogram with 32 buckets an octave for each second: a quantile is exact within 1.1 %.
    """

    def __init__(self) -> None:
        self._total = [0] * _BUCKETS
        self._seconds: deque[tuple[int, dict[int, int]]] = deque()

    def add(self, latency_us: float, now_ns: int) -> None:
        """Count one latency. One below a microsecond counts as one."""
        self._expire(now_ns)
        second = now_ns // NS_PER_S
        if not self._seconds or self._seconds[-1][0] != second:
            self._seconds.append((second, {}))
        bucket = min(int(math.log2(max(latency_us, 1.0)) * _BUCKETS_PER_OCTAVE), _BUCKETS - 1)
        counts = self._seconds[-1][1]
        counts[bucket] = counts.get(bucket, 0) + 1
        self._total[bucket] += 1

    def quantiles_us(self, fracs: Iterable[float], now_ns: int) -> list[int | None]:
        """Return the latency below or at which each share of the latencies lies; None when there are none."""
        self._expire(now_ns)
        total = sum(self._total)
        return [self._quantile_us(math.ceil(frac * total)) if total else None for frac in fracs]

    def count(self, now_ns: int) -> int:
        """Return how many latencies the window holds."""
        self._expire(now_ns)
        return sum(self._total)

    def _quantile_us(self, rank: int) -> int:
        seen = 0
        for bucket, count in enumerate(self._total):
            seen += count
            if seen >= rank:
                return round(2 ** ((bucket + 0.5) / _BUCKETS_PER_OCTAVE))
        raise ValueError(f"rank {rank} is beyond {seen} latencies")

    def _expire(self, now_ns: int) -> None:
        oldest = now_ns // NS_PER_S - WINDOW_S
        while self._seconds and self._seconds[0][0] <= oldest:
            for bucket, count in self._seconds.popleft()[1].items():
                self._total[bucket] -= count


class RateWindow:
    """Events a second, over the last ``RATE_WINDOW_S`` whole seconds."""

    def __init__(self) -> None:
        self._seconds: deque[list[int]] = deque()
        self._since: int | None = None

    def add(self, count: int, now_ns: int) -> None:
        """Count ``count`` events."""
        second = now_ns // NS_PER_S
        if self._since is None:
            self._since = second
        if not self._seconds or self._seconds[-1][0] != second:
            self._seconds.append([second, 0])
        self._seconds[-1][1] += count
        self._expire(second)

    def per_s(self, now_ns: int) -> float:
        """Return the mean rate over the whole seconds of the window that have passed since the first event."""
        second = now_ns // NS_PER_S
        self._expire(second)
        if self._since is None or self._since == second:
            return 0.0
        span_s = min(RATE_WINDOW_S, second - self._since)
        return sum(count for number, count in self._seconds if number != second) / span_s

    def _expire(self, second: int) -> None:
        while self._seconds and self._seconds[0][0] < second - RATE_WINDOW_S:
            self._seconds.popleft()


def pooled_score(scores: Iterable[LiveScore]) -> LiveScore | None:
    """Return the score over several instruments: each weighs by its joined outcomes; None without any."""
    counted = [score for score in scores if score.count > 0]
    count = sum(score.count for score in counted)
    if count == 0:
        return None

    def mean(field: str) -> float:
        return sum(getattr(score, field) * score.count for score in counted) / count

    decided = sum(score.decided for score in counted)
    right = sum(score.decided * (score.decided_accuracy_frac or 0.0) for score in counted)
    right_abstained = sum((score.count - score.decided) * (score.abstained_accuracy_frac or 0.0) for score in counted)
    return LiveScore(
        count=count,
        accuracy_frac=mean("accuracy_frac"),
        prior_accuracy_frac=mean("prior_accuracy_frac"),
        log_loss=mean("log_loss"),
        prior_log_loss=mean("prior_log_loss"),
        decided=decided,
        decided_accuracy_frac=right / decided if decided else None,
        abstained_accuracy_frac=right_abstained / (count - decided) if count > decided else None,
    )
