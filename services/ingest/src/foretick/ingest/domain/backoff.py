"""How long to wait before trying an outside thing again."""


def backoff_s(attempt: int, jitter_frac: float, first_s: float = 0.5, longest_s: float = 30.0) -> float:
    """Return the pause before try number ``attempt`` (from 1), s: doubling, bounded, spread over its upper half.

    ``jitter_frac`` in [0, 1) comes from the caller's random source, so that many clients don't return at once.

    >>> backoff_s(1, 0.0), backoff_s(3, 0.5), backoff_s(50, 0.999) < 30
    (0.25, 1.5, True)
    """
    full_s = min(longest_s, first_s * 2.0 ** min(attempt - 1, 30))
    return full_s * (0.5 + 0.5 * jitter_frac)
