"""Books behind a channel that loses, repeats, reorders and damages frames: none is published as LIVE that differs.

Short twin of tests/prove/test_book_fuzz, which says what each protocol can see.
"""

import pytest

from foretick.ingest.adapters.coinbase.parse import CoinbaseWire
from foretick.ingest.domain.events import Numbered
from foretick.market.integrity import Unnumbered

from .book_fuzz.protocols import PROTOCOLS
from .book_fuzz.run import Fuzz, Report, weakened

UPDATES = 12_000
SEED = 1

CHAINED = ("binance", "binance-usdm", "bybit", "okx", "okx, checksums")
CHECKSUMMED = ("kraken", "okx, checksums")


@pytest.mark.parametrize("name", PROTOCOLS)
def test_bad_channel_never_publishes_a_live_book_that_differs(name: str) -> None:
    Fuzz(PROTOCOLS[name](), SEED).run(UPDATES).assert_sound()


def assert_found(report: Report) -> None:
    with pytest.raises(AssertionError, match="LIVE, but"):
        report.assert_sound()


@pytest.mark.parametrize("name", CHAINED)
def test_control_without_the_chain_a_loss_is_published(name: str) -> None:
    protocol = PROTOCOLS[name]()
    rules = weakened(protocol.venue.rules, chain=Unnumbered(), checksum=None)
    assert_found(Fuzz(protocol, SEED, rules=rules).run(UPDATES))


@pytest.mark.parametrize("name", CHECKSUMMED)
def test_control_without_the_checksum_a_wrong_digit_is_published(name: str) -> None:
    protocol = PROTOCOLS[name]()
    assert_found(Fuzz(protocol, SEED, rules=weakened(protocol.venue.rules, checksum=None)).run(UPDATES))


class Uncounted(CoinbaseWire):
    """Does not look at the numbers of a connection."""

    def parse(self, payload):
        return [each for each in super().parse(payload) if not isinstance(each[1], Numbered)]


def test_control_without_the_numbers_of_a_connection_a_loss_is_published() -> None:
    assert_found(Fuzz(PROTOCOLS["coinbase"](), SEED, wire=Uncounted("coinbase")).run(UPDATES))


@pytest.mark.parametrize("name", [name for name in PROTOCOLS if name not in CHECKSUMMED])
def test_wrong_digit_without_a_checksum_is_not_seen(name: str) -> None:
    """What these protocols cannot see, and that the comparison would have found it: docs/venues.md says so."""
    protocol = PROTOCOLS[name]()
    assert_found(Fuzz(protocol, SEED, damage=protocol.forge).run(UPDATES))
