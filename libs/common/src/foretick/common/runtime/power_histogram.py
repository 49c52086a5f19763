"""A histogram for hot paths: whole numbers, buckets by powers of two, no lock."""


class PowerHistogram:
    """Counts of whole numbers by powers of two: bucket k holds those above 2^(k-1) up to 2^k, the last all above."""

    __slots__ = ("_counts", "_total")

    def __init__(self, powers: int) -> None:
        self._counts = [0] * (powers + 2)
        self._total = 0

    def observe(self, value: int) -> None:
        """Count ``value``, at least 0."""
        power = (value - 1).bit_length() if value > 1 else 0
        self._counts[power if power < len(self._counts) else -1] += 1
        self._total += value

    def buckets(self, unit: float = 1.0) -> list[tuple[str, float]]:
        """Return Prometheus' cumulative buckets, bounds times ``unit``; the last one holds all."""
        buckets: list[tuple[str, float]] = []
        running = 0
        for power, count in enumerate(self._counts[:-1]):
            running += count
            buckets.append((repr(float(2**power * unit)), running))
        return [*buckets, ("+Inf", running + self._counts[-1])]

    @property
    def total(self) -> int:
        """The sum of what was counted."""
        return self._total
