"""Reliability, Brier score and coverage by regime over a window of outcomes, each outcome O(1) and without drift.

Sums are whole numbers, of probabilities in units of 2^-40: what leaves the window takes off exactly what it added.
"""

from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

from foretick.quant.scoring.tallies import RELIABILITY_BINS

_UNIT = 1 << 40
_BRIER, _HELD, _INTERVALS = range(3)


class Told(NamedTuple):
    """What of an outcome is calibrated by.

    group: index of its regime
    confidence: the largest probability; is_right: it was given to what came; brier: 0 to 2
    held: whether the interval held; None without one
    """

    group: int
    confidence: float
    is_right: bool
    brier: float
    held: bool | None


@dataclass(frozen=True, slots=True)
class Reliability:
    """What the outcomes of a group say; bins are equal parts of the confidence from 0 to 1.

    bin_count, bin_confidence_frac, bin_accuracy_frac: of each bin; None where it is empty
    ece_frac: mean distance of confidence and accuracy over bins, weighted by count (Guo et al. 2017)
    coverage_frac: share of ``intervals`` that held; None without any
    """

    count: int
    brier: float | None
    ece_frac: float | None
    bin_count: list[int]
    bin_confidence_frac: list[float | None]
    bin_accuracy_frac: list[float | None]
    intervals: int
    coverage_frac: float | None


class ReliabilityWindow:
    """The latest ``capacity`` outcomes of all of ``groups`` groups together.

    Raises:
        ValueError: there is no room for an outcome, or no group.
    """

    __slots__ = ("_bins", "_capacity", "_sums", "_told")

    def __init__(self, capacity: int, groups: int) -> None:
        if capacity < 1 or groups < 1:
            raise ValueError(f"capacity {capacity}, groups {groups}")
        self._capacity = capacity
        self._told: deque[tuple[int, int, int, int, int, int, int]] = deque()
        self._bins = [[[0, 0, 0] for _ in range(RELIABILITY_BINS)] for _ in range(groups)]
        self._sums = [[0, 0, 0] for _ in range(groups)]

    def __len__(self) -> int:
        """Return how many outcomes are in the window."""
        return len(self._told)

    def add(self, told: Told) -> None:
        """Take an outcome; the oldest leaves once the window is full."""
        place = min(int(told.confidence * RELIABILITY_BINS), RELIABILITY_BINS - 1)
        row = (
            told.group, place, round(told.confidence * _UNIT), int(told.is_right), round(told.brier * _UNIT),
            int(told.held is True), int(told.held is not None),
        )  # fmt: skip
        self._told.append(row)
        self._count(row, 1)
        if len(self._told) > self._capacity:
            self._count(self._told.popleft(), -1)

    def read(self, *groups: int) -> Reliability:
        """Return what the outcomes of ``groups`` say, of all groups if none is named."""
        chosen = groups or range(len(self._sums))
        bins = [
            [sum(column) for column in zip(*cells, strict=True)]
            for cells in zip(*map(self._bins.__getitem__, chosen), strict=True)
        ]
        sums = [sum(column) for column in zip(*map(self._sums.__getitem__, chosen), strict=True)]
        count = sum(bin_[0] for bin_ in bins)
        apart = sum(abs(confidence - right * _UNIT) for _, confidence, right in bins)
        return Reliability(
            count=count,
            brier=sums[_BRIER] / _UNIT / count if count else None,
            ece_frac=apart / _UNIT / count if count else None,
            bin_count=[number for number, _, _ in bins],
            bin_confidence_frac=[confidence / _UNIT / number if number else None for number, confidence, _ in bins],
            bin_accuracy_frac=[right / number if number else None for number, _, right in bins],
            intervals=sums[_INTERVALS],
            coverage_frac=sums[_HELD] / sums[_INTERVALS] if sums[_INTERVALS] else None,
        )

    def _count(self, row: tuple[int, int, int, int, int, int, int], sign: int) -> None:
        group, place, confidence, right, brier, held, judged = row
        cell, sums = self._bins[group][place], self._sums[group]
        cell[0] += sign
        cell[1] += sign * confidence
        cell[2] += sign * right
        sums[_BRIER] += sign * brier
        sums[_HELD] += sign * held
        sums[_INTERVALS] += sign * judged
