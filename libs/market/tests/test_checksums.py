"""Checksums of order books, against the venues' documented examples."""

import zlib

import pytest

from foretick.market.book import OrderBook, PriceGrid
from foretick.market.integrity.checksums import kraken_crc32, okx_crc32

KRAKEN_BIDS = [
    ("45283.5", "0.10000000"), ("45283.4", "1.54582015"), ("45282.1", "0.10000000"), ("45281.0", "0.10000000"),
    ("45280.3", "1.54592586"), ("45279.0", "0.07990000"), ("45277.6", "0.03310103"), ("45277.5", "0.30000000"),
    ("45277.3", "1.54602737"), ("45276.6", "0.15445238"),
]  # fmt: skip
KRAKEN_ASKS = [
    ("45285.2", "0.00100000"), ("45286.4", "1.54571953"), ("45286.6", "1.54571109"), ("45289.6", "1.54560911"),
    ("45290.2", "0.15890660"), ("45291.8", "1.54553491"), ("45294.7", "0.04454749"), ("45296.1", "0.35380000"),
    ("45297.5", "0.09945542"), ("45299.5", "0.18772827"),
]  # fmt: skip
KRAKEN_DOCUMENTED = 3310070434
"""Kraken, "Book checksum (WebSocket v2)", the example of BTC/USD: prices with one digit, quantities with eight."""


def numbers(levels) -> list[tuple[float, float]]:
    return [(float(price), float(qty)) for price, qty in levels]


@pytest.fixture
def kraken_book() -> OrderBook:
    book = OrderBook(PriceGrid(0.1, 1e-8), max_levels=1000)
    book.apply_snapshot(numbers(KRAKEN_BIDS), numbers(KRAKEN_ASKS))
    return book


def test_documented_book_has_its_documented_checksum(kraken_book):
    assert kraken_crc32(kraken_book) == KRAKEN_DOCUMENTED


def test_eleventh_level_does_not_count(kraken_book):
    kraken_book.apply_delta([(45270.0, 1.0)], [(45300.0, 1.0)])
    assert kraken_crc32(kraken_book) == KRAKEN_DOCUMENTED


@pytest.mark.parametrize(
    ("bids", "asks"), [([(45283.5, 0.1 + 1e-8)], []), ([(45276.6, 0.0)], []), ([], [(45285.1, 1e-8)])]
)
def test_smallest_change_of_the_ten_best_shows(kraken_book, bids, asks):
    kraken_book.apply_delta(bids, asks)
    assert kraken_crc32(kraken_book) != KRAKEN_DOCUMENTED


def test_book_of_one_side_has_a_checksum():
    book = OrderBook(PriceGrid(0.00001, 1e-8))
    book.apply_snapshot([(0.05005, 0.000005)], [])
    assert kraken_crc32(book) == zlib.crc32(b"5005500")


def signed(text: bytes) -> int:
    checksum = zlib.crc32(text)
    return checksum - 2**32 if checksum >= 2**31 else checksum


OKX_BIDS, OKX_ASKS = [(3366.1, 7.0), (3366.0, 6.0)], [(3366.8, 9.0), (3368.0, 8.0)]
OKX_DOCUMENTED = b"3366.1:7:3366.8:9:3366:6:3368:8"
"""OKX V5, "Order book channel", "Checksum": the example of more than one level a side."""


@pytest.fixture
def okx_book() -> OrderBook:
    book = OrderBook(PriceGrid(0.1, 1.0), max_levels=400)
    book.apply_snapshot(OKX_BIDS, OKX_ASKS)
    return book


def test_bids_and_asks_alternate_in_their_documented_text(okx_book):
    assert okx_crc32(okx_book) == signed(OKX_DOCUMENTED) == -1881014294


def test_longer_side_goes_on_alone(okx_book):
    okx_book.apply_delta([], [(3372.0, 8.0), (3368.0, 0.0), (3370.5, 1.0)])
    assert okx_crc32(okx_book) == signed(b"3366.1:7:3366.8:9:3366:6:3370.5:1:3372:8")


def test_small_numbers_are_written_without_an_exponent():
    book = OrderBook(PriceGrid(1e-8, 1e-8))
    book.apply_snapshot([(0.00000012, 0.00000001)], [(0.00001, 1_000_000.0)])
    assert okx_crc32(book) == signed(b"0.00000012:0.00000001:0.00001:1000000")


def test_twenty_sixth_level_does_not_count():
    book = OrderBook(PriceGrid(0.1, 1.0))
    book.apply_snapshot([(1000.0 - i, 1.0) for i in range(25)], [(2000.0 + i, 1.0) for i in range(25)])
    before = okx_crc32(book)
    book.apply_delta([(900.0, 1.0)], [(3000.0, 1.0)])
    assert okx_crc32(book) == before
    book.apply_delta([(976.0, 2.0)], [])
    assert okx_crc32(book) != before
