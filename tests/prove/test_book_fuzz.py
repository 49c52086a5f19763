"""A million updates of each venue's protocol through a bad channel: no divergence is ever published as LIVE.

Each update is lost, repeated, reordered or damaged with 1e-3 each. They run through the venue's wire format, the feed's
handler and engine and the local book; full books are answered late, some as of before they were asked for, some not or
damaged. Every book that is published as LIVE is held, all of it, against the true book after the same update: by the
venue's number of it, or by the frame that told it. Nor may it be more than 60 updates behind.

What is damaged is cut short or has a byte that is no UTF-8: the frame cannot be read. In half of the damaged frames of
Kraken, and of OKX as it was while it sent checksums, a digit of a level is another one instead; there, what must be
right is what the checksum is of: ten levels a side on Kraken, 25 on OKX. No other protocol can see a wrong digit in a
well-formed frame with the right number; the short twin, services/ingest/tests/venues/test_book_fuzz, shows that, and
has the controls. Bitstamp sends the whole book each time, so that a loss costs nothing but age.
"""

import os

import pytest
from services.ingest.tests.venues.book_fuzz.protocols import PROTOCOLS
from services.ingest.tests.venues.book_fuzz.run import Fuzz

from .conftest import tell

UPDATES = int(os.environ.get("PROVE_UPDATES", "1000000"))
SEED = int(os.environ.get("PROVE_SEED", "1"))


@pytest.mark.parametrize("name", PROTOCOLS)
def test_bad_channel_never_publishes_a_live_book_that_differs(name: str) -> None:
    tell("")
    report = Fuzz(PROTOCOLS[name](), SEED).run(UPDATES, tell)
    report.assert_sound()
