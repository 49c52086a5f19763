"""The quoted spread over a window of data time, each spread weighted by how long it stood."""

from collections import deque
from dataclasses import dataclass

from foretick.common.units import BPS_PER_UNIT, NS_PER_S

BUCKET_NS = NS_PER_S
"""The window moves by this: a bucket holds sums, so that memory does not depend on the market's pace."""


@dataclass(frozen=True, slots=True)
class SpreadStatistics:
    """The quoted spread, best ask minus best bid.

    spread_quote, spread_ticks, spread_bps: now; in quote currency, in ticks, and in 1e-4 of the mid
    mean_ticks, mean_bps: over the window, weighted by time
    lowest_ticks, highest_ticks: in the window
    known_s: for how long of the window the spread was known: the rest had no sound book
    window_s: the window's length
    """

    spread_quote: float
    spread_ticks: float
    spread_bps: float
    mean_ticks: float
    mean_bps: float
    lowest_ticks: float
    highest_ticks: float
    known_s: float
    window_s: float


@dataclass(slots=True)
class _Bucket:
    """What a second of data time holds: integrals over time, so that a mean is one division."""

    number: int
    known_ns: int = 0
    quote_ns: float = 0.0
    bps_ns: float = 0.0
    lowest_quote: float = float("inf")
    highest_quote: float = float("-inf")

    def add(self, length_ns: int, spread_quote: float, spread_bps: float) -> None:
        self.known_ns += length_ns
        self.quote_ns += spread_quote * length_ns
        self.bps_ns += spread_bps * length_ns
        self.lowest_quote = min(self.lowest_quote, spread_quote)
        self.highest_quote = max(self.highest_quote, spread_quote)


class SpreadWindow:
    """Folds best bids and asks, in order of data time, into statistics of the last ``window_s`` seconds.

    The window ends with the bucket under way and holds whole buckets before it: from ``window_s - 1`` to ``window_s``
    seconds. Work is O(1) a change, and O(window) after a silence; memory O(window).
    """

    def __init__(self, window_s: int = 60) -> None:
        if window_s < 1:
            raise ValueError(f"a window lasts at least a second, not {window_s}")
        self._window_s = window_s
        self._buckets: deque[_Bucket] = deque(maxlen=window_s)
        self._spread: tuple[float, float] | None = None  # in quote currency, and in bps
        self._since_ns = 0

    @property
    def is_known(self) -> bool:
        """Whether there is a spread now."""
        return self._spread is not None

    def observe(self, now_ns: int, bid: float, ask: float) -> None:
        """Take note of the best prices from ``now_ns`` on. A time before the last one counts as the last one."""
        self._extend(now_ns)
        self._spread = ask - bid, (ask - bid) / ((bid + ask) / 2) * BPS_PER_UNIT

    def interrupt(self, now_ns: int) -> None:
        """Take note that from ``now_ns`` on the spread is not known."""
        self._extend(now_ns)
        self._spread = None

    def read(self, now_ns: int, tick_size: float) -> SpreadStatistics | None:
        """Return the statistics as of ``now_ns``; None while the spread is not known."""
        self._extend(now_ns)
        if self._spread is None:
            return None
        spread_quote, spread_bps = self._spread
        first = self._since_ns // BUCKET_NS - self._window_s
        buckets = [bucket for bucket in self._buckets if bucket.number > first]
        known_ns = sum(bucket.known_ns for bucket in buckets)
        mean_quote, mean_bps = spread_quote, spread_bps
        if known_ns:
            mean_quote = sum(bucket.quote_ns for bucket in buckets) / known_ns
            mean_bps = sum(bucket.bps_ns for bucket in buckets) / known_ns
        lowest_quote = min([spread_quote, *(bucket.lowest_quote for bucket in buckets)])
        highest_quote = max([spread_quote, *(bucket.highest_quote for bucket in buckets)])
        return SpreadStatistics(
            spread_quote, _in_ticks(spread_quote, tick_size), spread_bps, _in_ticks(mean_quote, tick_size), mean_bps,
            _in_ticks(lowest_quote, tick_size), _in_ticks(highest_quote, tick_size), known_ns / NS_PER_S,
            float(self._window_s),
        )  # fmt: skip

    def _extend(self, now_ns: int) -> None:
        """Let the spread stand until ``now_ns``."""
        since_ns, self._since_ns = self._since_ns, max(self._since_ns, now_ns)
        if self._spread is None:
            return
        from_ns = max(since_ns, (now_ns // BUCKET_NS - self._window_s) * BUCKET_NS)
        while from_ns < now_ns:
            number = from_ns // BUCKET_NS
            until_ns = min(now_ns, (number + 1) * BUCKET_NS)
            if not self._buckets or self._buckets[-1].number != number:
                self._buckets.append(_Bucket(number))
            self._buckets[-1].add(until_ns - from_ns, *self._spread)
            from_ns = until_ns


def _in_ticks(spread_quote: float, tick_size: float) -> float:
    """Return a spread in ticks, without what the subtraction of two floats leaves behind."""
    return round(spread_quote / tick_size, 6)
