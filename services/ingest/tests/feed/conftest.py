"""What the tests of one feed share."""

import pytest

from foretick.common.contracts import Trust

from .binance_frames import book, depth


@pytest.fixture
def live(feed):
    """A feed with a LIVE book as of update 11; what was published until then is forgotten."""
    feed.play([depth(11, 11), book(10)])
    assert feed.outlet.book_events()[-1].trust is Trust.LIVE
    feed.outlet.published.clear()
    return feed
