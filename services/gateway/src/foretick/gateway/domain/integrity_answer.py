"""The answer about a book's trust: whether it may be believed, by what proof, and what it went through."""

from foretick.common.contracts import BookCounts, BookProof, Contract, Origin, Trust
from foretick.common.subjects import TICKS
from foretick.common.units import micros_from_nanos
from foretick.gateway.domain.directory import Directory
from foretick.gateway.domain.freshness import age_ms_of, is_stale
from foretick.gateway.domain.instrument_view import InstrumentView
from foretick.gateway.domain.integrity_log import IntegrityEvent


class IntegrityAnswer(Contract, frozen=True, kw_only=True, gc=False):
    """Whether an instrument's book may be believed, and what its trust went through.

    trust, reason: now, and why it is not LIVE
    stale: nothing of the instrument arrived within the time to live
    proof: how the venue lets the book be verified; null before it is listed
    counts: what the book went through since its feed began; null where that has not been told
    since_us: wall clock from which on this gateway has seen every change; null before the first word on the book
    events: the latest changes since then, oldest first, at most 50
    """

    venue: str
    symbol: str
    origin: Origin | None
    trust: Trust
    reason: str
    stale: bool
    age_ms: int | None
    proof: BookProof | None
    counts: BookCounts | None
    since_us: int | None
    events: list[IntegrityEvent]


def answer_integrity(view: InstrumentView, directory: Directory, now_ns: int) -> IntegrityAnswer:
    """Return the trust of ``view``'s book and its latest changes."""
    book, log = view.book, view.integrity
    listing = directory.listing((view.venue, view.symbol))
    age_ms = age_ms_of(view.market_arrived_ns, now_ns)
    return IntegrityAnswer(
        venue=view.venue,
        symbol=view.symbol,
        origin=None if book.is_empty else book.origin,
        trust=book.trust,
        reason=book.reason,
        stale=is_stale(age_ms, TICKS.ttl_ms),
        age_ms=age_ms,
        proof=listing and listing.proof,
        counts=book.counts,
        since_us=None if log.since_ns is None else micros_from_nanos(log.since_ns),
        events=list(log.events),
    )
