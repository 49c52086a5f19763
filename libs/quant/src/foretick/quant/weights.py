"""Weights of ensemble members that follow what each is worth: fixed share (Herbster and Warmuth 1998).

After each outcome a member's weight is multiplied by ``exp(-eta * loss)``, and then a share of all goes back to a fixed
distribution, so that none dies and a member that becomes the best is believed soon.
"""

from collections import deque
from collections.abc import Sequence
from math import exp

_UNIT = 1 << 40


class FixedShare:
    """The weights of N members.

    With log losses of at least 0 and 0 < eta <= 1 the loss is exp-concave, so that whatever comes the log loss of the
    weighted mean probability is at most that of any sequence of members plus ``-ln(prior of the sequence) / eta``,
    where a sequence begins at i with ``start[i]``, stays with ``1 - share + share * base[i]`` and goes to j with
    ``share * base[j]`` (Cesa-Bianchi and Lugosi 2006, theorems 3.2 and 5.1).

    Args:
        start: the weights to begin with, N shares of 1
        eta: how much an outcome says, above 0, at most 1
        share: of all weight that goes back after each outcome, 0 to 1
        spread: the part of what goes back that is spread evenly; the rest goes as ``start``. No weight falls below
            ``share * spread / N``

    Raises:
        ValueError: the settings are none of these.
    """

    __slots__ = ("_base", "_eta", "_share", "weights")

    def __init__(self, start: Sequence[float], eta: float = 1.0, share: float = 1e-3, spread: float = 0.5) -> None:
        if not (start and min(start) >= 0.0 and abs(sum(start) - 1.0) < 1e-6):
            raise ValueError(f"weights {list(start)} are no shares of 1")
        if not (0.0 < eta <= 1.0 and 0.0 <= share <= 1.0 and 0.0 <= spread <= 1.0):
            raise ValueError(f"eta {eta}, share {share}, spread {spread}")
        self.weights = list(start)
        self._eta = eta
        self._share = share
        self._base = [(1.0 - spread) * weight + spread / len(start) for weight in start]

    def observe(self, losses: Sequence[float]) -> None:
        """Take the members' losses of one outcome, in order: nats, 0 or more."""
        least = min(losses)
        raw = [weight * exp(-self._eta * (loss - least)) for weight, loss in zip(self.weights, losses, strict=True)]
        total = sum(raw)
        if total <= 0.0:  # the members that had any weight were so far behind that nothing of it is left
            self.weights = list(self._base)
            return
        keep = (1.0 - self._share) / total
        self.weights = [keep * one + self._share * base for one, base in zip(raw, self._base, strict=True)]

    def go_on_at(self, weights: Sequence[float]) -> None:
        """Take over the weights of a predecessor."""
        self.weights = list(weights)


class RegretWindow:
    """The mean regret against the member that was best over the latest ``capacity`` outcomes, known afterwards.

    Losses are summed as whole numbers of 2^-40 nats, so that what leaves takes off exactly what it added.
    """

    __slots__ = ("_capacity", "_losses", "_sums")

    def __init__(self, capacity: int, members: int) -> None:
        self._capacity = capacity
        self._losses: deque[tuple[int, ...]] = deque()
        self._sums = [0] * (members + 1)

    def add(self, loss: float, of_members: Sequence[float]) -> None:
        """Take an outcome: the loss of what was said, and of each member, nats."""
        row = tuple(round(one * _UNIT) for one in (loss, *of_members))
        self._losses.append(row)
        gone = self._losses.popleft() if len(self._losses) > self._capacity else (0,) * len(row)
        self._sums = [total + new - old for total, new, old in zip(self._sums, row, gone, strict=True)]

    def read(self) -> float | None:
        """Return the mean regret, nats an outcome; below 0 the pool beat every member. None before the first."""
        ours, *members = self._sums
        return (ours - min(members)) / _UNIT / len(self._losses) if self._losses else None
