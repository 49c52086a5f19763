"""A search over the members' sizes, and its ledger: every trial is kept, whatever came of it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import msgspec

Objective = Callable[[Mapping[str, float]], float]
"""The walk-forward log loss of members of these sizes, nats. It never sees the test part."""


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """One set of sizes that was tried.

    value_nats: walk-forward log loss of the members' pool; null where it failed
    state: ``complete`` or ``failed``; reason: why it failed
    """

    number: int
    sizes: dict[str, float]
    value_nats: float | None
    state: str
    seconds: float
    reason: str = ""


class Search(Protocol):
    """Proposes sizes, and is told what came of them."""

    def run(self, objective: Objective, trials: int, seed: int, tell: Callable[[Trial], None]) -> Sequence[Trial]:
        """Try the usual sizes, then ``trials - 1`` others; equal arguments propose equal sizes."""
        ...


def best_of(ledger: Sequence[Trial]) -> Trial | None:
    """Return the complete trial with the least loss, the first of equals; None where none is complete."""
    complete = [trial for trial in ledger if trial.value_nats is not None]
    return min(complete, key=lambda trial: (trial.value_nats, trial.number)) if complete else None
