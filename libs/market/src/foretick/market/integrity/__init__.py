"""Order books that are verified by their venue's own rule: what venues tell, the rules, and the local copy."""

from foretick.market.integrity.local_book import BookChange, BookCounters, LocalBook
from foretick.market.integrity.rules import (
    REQUESTED_CONTIGUOUS,
    REQUESTED_LINKED,
    TOP_ONLY,
    Anchor,
    BookRule,
    ChainRule,
    ContiguousIds,
    LinkedIds,
    Unnumbered,
)
from foretick.market.integrity.updates import Delta, Snapshot, Top

__all__ = [
    "REQUESTED_CONTIGUOUS",
    "REQUESTED_LINKED",
    "TOP_ONLY",
    "Anchor",
    "BookChange",
    "BookCounters",
    "BookRule",
    "ChainRule",
    "ContiguousIds",
    "Delta",
    "LinkedIds",
    "LocalBook",
    "Snapshot",
    "Top",
    "Unnumbered",
]
