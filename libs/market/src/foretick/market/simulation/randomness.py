"""Random draws from a state that the market owns, so that it can be copied, saved and continued to the bit.

Numba's own generator is global to the process and cannot be saved. This is SplitMix64 (Steele, Lea, Flood 2014): one
64-bit word of state, 2**64 long, passes BigCrush.
"""

from math import cos, exp, log, pi, sqrt

import numpy as np
from numba import njit
from numpy.typing import NDArray

Rng = NDArray[np.uint64]
"""One word of SplitMix64 state, shape (1,)."""

_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31, _S11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)
_UNIT = 1.0 / (1 << 53)


@njit(cache=True)
def mix(word: np.uint64) -> np.uint64:
    """Return the SplitMix64 hash of a 64-bit word."""
    word = (word ^ (word >> _S30)) * _MIX_1
    word = (word ^ (word >> _S27)) * _MIX_2
    return word ^ (word >> _S31)


@njit(cache=True)
def uniform(rng: Rng) -> float:
    """Draw from [0, 1)."""
    rng[0] = rng[0] + _GAMMA
    return (mix(rng[0]) >> _S11) * _UNIT


@njit(cache=True)
def normal(rng: Rng) -> float:
    """Draw from the standard normal distribution (Box and Muller)."""
    radius = sqrt(-2.0 * log(1.0 - uniform(rng)))
    return radius * cos(2.0 * pi * uniform(rng))


@njit(cache=True)
def log_normal(rng: Rng, median: float, spread: float) -> float:
    """Draw from the log-normal distribution of this median; ``spread`` is the deviation of the logarithm."""
    return median * exp(spread * normal(rng))


@njit(cache=True)
def pareto(rng: Rng, least: float, exponent: float) -> float:
    """Draw from the Pareto distribution with this minimum and tail exponent."""
    return least * (1.0 - uniform(rng)) ** (-1.0 / exponent)


def seeded(seed: int) -> Rng:
    """Return the generator state of ``seed`` (any integer; taken modulo 2**64)."""
    return np.array([(seed * 0xD1342543DE82EF95 + 0x2545F4914F6CDD1D) % (1 << 64)], dtype=np.uint64)
