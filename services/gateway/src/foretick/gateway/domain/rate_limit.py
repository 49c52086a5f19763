"""How much one client may ask."""

from foretick.common.units import NS_PER_S


class TokenBucket:
    """Allows ``burst`` requests at once and ``rate_per_s`` in the long run.

    >>> bucket = TokenBucket(rate_per_s=1, burst=2, now_ns=0)
    >>> [bucket.allow(0), bucket.allow(0), bucket.allow(0), bucket.allow(1_000_000_000)]
    [True, True, False, True]
    """

    __slots__ = ("_burst", "_rate_per_s", "_tokens", "_ts_ns")

    def __init__(self, rate_per_s: float, burst: float, now_ns: int) -> None:
        self._rate_per_s = rate_per_s
        self._burst = burst
        self._tokens = burst
        self._ts_ns = now_ns

    def allow(self, now_ns: int) -> bool:
        """Take a token if there is one."""
        earned = max(0, now_ns - self._ts_ns) / NS_PER_S * self._rate_per_s
        self._tokens = min(self._burst, self._tokens + earned)
        self._ts_ns = now_ns
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
