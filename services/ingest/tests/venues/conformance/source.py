"""What a venue brings to the suite: what a client of it wrote down, and how its messages are read without the product.

A venue takes part by a folder with a ``sources.py`` that holds

    SOURCES   name -> function that loads a ``Source`` (and skips the test where its recording is absent)
    CAPTURES  file in the shared data -> the protocol version it holds, and functions that load all of it as sources
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from foretick.common.contracts import BookProof
from foretick.ingest.domain.events import Received
from foretick.ingest.domain.listing import Listing
from foretick.ingest.domain.rules import MarketRules
from foretick.ingest.ports import WireFormat
from foretick.market.integrity import Anchor, Unnumbered

from .told import BookTold, Told

Level = str | None | list


@dataclass
class VenueBook:
    """A book as the venue has it: price -> quantity. ``id`` is the venue's number of its last update."""

    bids: dict[float, float] = field(default_factory=dict)
    asks: dict[float, float] = field(default_factory=dict)
    id: int = 0
    is_known: bool = False


@dataclass(frozen=True)
class Source:
    """Frames of one venue, in order of receipt, and the venue's own words for what the suite asks of it.

    frames: what a client wrote down; the body of a request names its symbol
    read: what a frame says, by plain JSON
    with_level: the bytes of a book update with one more level: side ``bids`` or ``asks``, price and quantity as decimal
        text, or as something that is neither text nor number
    full_books: how the venue answers when these books are wanted after the frame ``at``. Of a numbered connection the
        last answer has the number of ``at``
    with_checksum: the bytes of a book update with another checksum; None where there is none
    ignored: the kinds of messages in ``frames`` that the connector counts as unknown
    is_connection_numbered: whether each message has its number among all of its connection
    proven_levels: levels a side that what the venue sends proves
    kept_levels: levels a side after which a client must forget, as the venue says; None for all
    """

    name: str
    rules: MarketRules
    new_wire: Callable[[], WireFormat]
    listings: Sequence[Listing]
    frames: Sequence[Received]
    read: Callable[[Received], Sequence[Told]]
    with_level: Callable[[bytes, str, Level, Level], bytes]
    full_books: Callable[[Mapping[str, VenueBook], Received], Sequence[Received]]
    with_checksum: Callable[[bytes, int], bytes] | None = None
    ignored: frozenset[str] = frozenset()
    is_connection_numbered: bool = False
    proven_levels: int = 25
    kept_levels: int | None = None

    @cached_property
    def told(self) -> list[Sequence[Told]]:
        """What each frame says."""
        return [self.read(frame) for frame in self.frames]

    @cached_property
    def updates(self) -> dict[int, str]:
        """The frames that update a book without being all of it (or, where each is all of it, all but the first)."""
        found: dict[int, str] = {}
        known: set[str] = set()
        for at, told in enumerate(self.told):
            for each in told:
                if isinstance(each, BookTold):
                    if not each.is_full or (self.is_whole and each.symbol in known):
                        found[at] = each.symbol
                    known.add(each.symbol)
        return found

    @property
    def symbols(self) -> list[str]:
        return [listing.symbol for listing in self.listings]

    @property
    def is_whole(self) -> bool:
        """Whether each message about a book is all of it: what was lost is made good by the next."""
        return self.rules.book.proof in (BookProof.FULL, BookProof.TOP_ONLY)

    @property
    def is_requested(self) -> bool:
        return self.rules.book.anchor is Anchor.REQUEST

    @property
    def is_loss_seen(self) -> bool:
        """Whether the protocol can prove that an update was lost."""
        rule = self.rules.book
        return not isinstance(rule.chain, Unnumbered) or rule.checksum is not None or self.is_connection_numbered


def with_json_level(payload: bytes, path: Sequence[str | int], level: object) -> bytes:
    """Return a JSON message with ``level`` put first into the list at ``path``."""
    message = json.loads(payload)
    levels = message
    for key in path:
        levels = levels[key]
    levels.insert(0, level)
    return json.dumps(message).encode()
