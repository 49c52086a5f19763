"""The compiled book from text: against a naive book, against the plain book on real data, and what it refuses."""

import gzip
import io
import json
import re
from decimal import Decimal

import msgspec
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from foretick.common.errors import Malformed
from foretick.market.book import OrderBook, PriceGrid
from foretick.market.compiled_book import CompiledBook
from foretick.market.level_text import LevelText
from foretick.market.recording import RecordedFrame, read_recording

GRID = PriceGrid(tick_size=0.01, lot_size=0.00001)

steps = st.tuples(st.integers(1, 400), st.integers(0, 3).map(lambda n: n * 12_500))
sides = st.lists(steps, max_size=40)
spelling = st.tuples(st.booleans(), st.integers(0, 3))


def spell(levels: list[tuple[int, int]], quoted: bool, zeros: int) -> bytes:
    """As venues write levels: quoted or not, with or without zeros at the end."""

    def number(value: Decimal) -> str:
        text = f"{value:f}" + ("0" * zeros if "." in f"{value:f}" else "")
        return f'"{text}"' if quoted else text

    rows = (f"[{number(t * Decimal('0.01'))},{number(n * Decimal('0.00001'))}]" for t, n in levels)
    return f"[{','.join(rows)}]".encode()


def as_floats(levels: list[tuple[int, int]]) -> list[tuple[float, float]]:
    return [(float(t * Decimal("0.01")), float(n * Decimal("0.00001"))) for t, n in levels]


def set_levels(side: dict[int, int], levels: list[tuple[int, int]]) -> None:
    for ticks, lots in levels:
        if lots:
            side[ticks] = lots
        else:
            side.pop(ticks, None)


@given(updates=st.lists(st.tuples(sides, sides, spelling, st.integers(0, 9)), max_size=40), bound=st.integers(1, 300))
@settings(max_examples=150, deadline=None)
def test_text_and_floats_in_any_mix_equal_a_naive_book(updates, bound):
    book = CompiledBook(GRID, bound)
    naive: tuple[dict[int, int], dict[int, int]] = ({}, {})
    for bids, asks, (quoted, zeros), kind in updates:
        levels = [LevelText(spell(side, quoted, zeros)) for side in (bids, asks)]
        if kind == 0:
            book.apply_snapshot(*levels)
            naive = ({}, {})
        elif kind < 7:
            book.apply_delta(*levels)
        else:
            book.apply_delta(as_floats(bids), as_floats(asks))
        for side, given_levels, sign in zip(naive, (bids, asks), (-1, 1), strict=True):
            set_levels(side, given_levels)
            for ticks in sorted(side, key=lambda ticks: sign * ticks)[bound:]:
                del side[ticks]
        expected = sorted(naive[0].items(), reverse=True), sorted(naive[1].items())
        assert book.top_steps(1000) == expected
        assert book.top(3) == (as_floats(expected[0][:3]), as_floats(expected[1][:3]))
        assert book.depth == (len(naive[0]), len(naive[1]))
        assert book.is_crossed == bool(naive[0] and naive[1] and max(naive[0]) >= min(naive[1]))
        best = max(naive[0], default=0), min(naive[1], default=0)
        assert book.mid == ((GRID.price(best[0]) + GRID.price(best[1])) / 2 if all(naive) else None)


@given(bids=sides, asks=sides, spelled=spelling)
@settings(max_examples=60, deadline=None)
def test_applied_text_is_told_as_json_numbers(bids, asks, spelled):
    levels = LevelText(spell(bids, *spelled)), LevelText(spell(asks, *spelled))
    CompiledBook(GRID).apply_delta(*levels)
    for side, text in zip((bids, asks), levels, strict=True):
        assert len(text) == len(side)
        assert msgspec.json.decode(text.to_json(), type=list[tuple[float, float]]) == as_floats(side)
        assert not re.search(rb"\.\d*0[],]", text.to_json())  # as the decoder's floats would be told
        assert text == as_floats(side)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        (b'[["61837.63000000","1.54698000"],["5.00","0.00000000"]]', b"[[61837.63,1.54698],[5,0]]"),
        (b'[["411.8","10","0","4"]]', b"[[411.8,10]]"),
        (b"[[100,20]]", b"[[100,20]]"),
        (b"[]", b"[]"),
    ],
)
def test_text_loses_quotes_zeros_and_further_columns(text, numbers):
    levels = LevelText(text)
    CompiledBook(GRID).apply_delta(levels, LevelText(b"[]"))
    assert levels.to_json() == numbers


UNUSUAL = {
    "exponent": b"[[1.5e2,2]]",
    "quoted exponent": b'[["1.5E+2","2"]]',
    "blanks": b'[ [ "150.0" , "2" ] ]',
    "many digits": b'[["150.00000000000000000000","2.0000000000000000"]]',
    "escape": b'[["15\\u0030","2"]]',
}


@pytest.mark.parametrize("text", UNUSUAL.values(), ids=UNUSUAL.keys())
def test_unusual_text_is_read_all_the_same(text):
    book, levels = CompiledBook(GRID), LevelText(text)
    book.apply_delta(LevelText(b"[]"), levels)
    assert book.top(5) == ([], [(150.0, 2.0)])
    assert json.loads(levels.to_json()) == [[150.0, 2.0]]


BAD_TEXT = {
    "off-tick price": b'[["1.005","1"]]',
    "off-lot quantity": b'[["1.0","0.000015"]]',
    "zero price": b'[["0.00","1"]]',
    "negative quantity": b'[["1.0","-1"]]',
    "negative price": b'[["-1.0","1"]]',
    "not a number": b'[["nan","1"]]',
    "infinite": b'[["1","inf"]]',
    "huge price": b'[["1e300","1"]]',
    "price beyond an integer": b'[["99999999999999999999","1"]]',
    "price that an integer would take for 150": b'[["18446744073709551766","1"]]',
    "no digits after the point": b'[["1.","1"]]',
    "two points": b'[["1.0.0","1"]]',
    "leading zero": b"[[01.5,1]]",
    "one column": b'[["1.5"]]',
    "no row": b'["1.5","1"]',
    "empty row": b"[[]]",
    "empty string": b'[["","1"]]',
    "nested": b'[["1.5","1",["2"]',
    "cut short": b'[["1.5","1"]',
    "cut in a number": b'[["1.5","1',
    "comma at the end": b'[["1.5","1"],]',
    "more after the end": b'[["1.5","1"]]]',
    "an object": b'{"1.5":"1"}',
    "null": b"null",
    "a zero byte": b'[["1.5","1"],\x00',
    "broken UTF-8": b'[["1.5","\xff"]]',
    "nothing": b"",
}


@pytest.mark.parametrize("text", BAD_TEXT.values(), ids=BAD_TEXT.keys())
@pytest.mark.parametrize("kind", ["snapshot", "delta"])
@pytest.mark.parametrize("side", ["bids", "asks"])
def test_malformed_text_raises_and_changes_nothing(text, kind, side):
    book = CompiledBook(GRID)
    book.apply_snapshot([(1.0, 1.0)], [(2.0, 1.0)])
    before = book.integrity_hash()
    good, bad = LevelText(b'[["1.5","3"]]'), LevelText(text)
    apply = book.apply_snapshot if kind == "snapshot" else book.apply_delta
    with pytest.raises(Malformed):
        apply(*((bad, good) if side == "bids" else (good, bad)))
    assert book.integrity_hash() == before


def is_json(text: bytes) -> bool:
    try:
        msgspec.json.decode(text)
    except msgspec.DecodeError:
        return False
    return True


@given(text=st.lists(st.sampled_from([b"[", b"]", b",", b'"', b".", b"0", b"1", b"27", b" ", b"-", b"e"]), max_size=24))
@settings(max_examples=400, deadline=None)
def test_any_json_is_read_as_the_plain_book_reads_it(text):
    raw = b"[[" + b"".join(text) + b"]]"
    book = CompiledBook(PriceGrid(1.0, 0.001))
    try:
        expected = OrderBook(book.grid)
        expected.apply_delta(LevelText(raw), [])
    except Malformed:
        if is_json(raw):
            with pytest.raises(Malformed):
                book.apply_delta(LevelText(raw), LevelText(b"[]"))
    else:
        book.apply_delta(LevelText(raw), LevelText(b"[]"))
        assert book.integrity_hash() == expected.integrity_hash()


@pytest.mark.parametrize("qty", ["1234567890123.00", "123456789012345.5", "9876543210987654"])
def test_quantity_of_more_lots_than_an_integer_holds_is_the_float_of_its_text(qty):
    book = CompiledBook(PriceGrid(1e-8, 1e-8))
    book.apply_delta(LevelText(f'[["0.00001234","{qty}"]]'.encode()), LevelText(b"[]"))
    assert book.top(1)[0] == [(0.00001234, float(qty))]
    book.apply_delta([(0.00001234, float(qty))], [])
    assert book.top(1)[0] == [(0.00001234, float(qty))]


@pytest.mark.parametrize("level", [LevelText(b'[["99999997.00000000","0.5"]]'), [(99999997.0, 0.5)]])
def test_price_of_more_ticks_than_a_float_tells_apart_is_held(level):
    book = CompiledBook(PriceGrid(1e-8, 1e-8))
    book.apply_snapshot(LevelText(b"[]") if isinstance(level, LevelText) else [], level)
    assert book.top_steps(1) == ([], [(9_999_999_700_000_000, 50_000_000)])
    assert book.top(1) == ([], [(99999997.0, 0.5)])


def test_grid_that_is_no_ratio_of_exact_floats_still_holds_a_book():
    grid = PriceGrid(1e-30, 1.0)
    book = CompiledBook(grid)
    book.apply_delta([(7e-30, 2.0)], [])
    assert book.top_steps(1) == ([(7, 2)], [])
    with pytest.raises(Malformed, match="too large"):
        book.apply_delta([(1.0, 2.0)], [])


def test_price_that_comes_and_goes_at_the_far_end_of_a_full_book_keeps_the_bound():
    book = CompiledBook(PriceGrid(1.0, 1.0), max_levels=100)
    book.apply_snapshot([(float(t), 1.0) for t in range(1000, 1100)], [])
    for price in range(1100, 3000):
        book.apply_delta([(float(price), 1.0), (float(price - 50), 0.0)], [])
    held = [*range(2999, 2949, -1), *range(1049, 999, -1)]
    assert book.top_steps(1000)[0] == [(t, 1) for t in held]
    assert book.depth == (100, 0)


@pytest.mark.recordings
@pytest.mark.parametrize(
    ("name", "tick_size", "lot_size"),
    [("binance_usdm_btcusdt_20240808", 0.1, 0.001), ("binance_spot_btcusdt_20240808", 0.01, 1e-8)],
)
def test_recorded_deltas_give_the_plain_book(shared_data, name, tick_size, lot_size):
    payload = gzip.decompress(shared_data(f"recordings/{name}.gz").read_bytes())
    decoder = msgspec.json.Decoder(_Recorded)
    books = [book_type(PriceGrid(tick_size, lot_size)) for book_type in (OrderBook, CompiledBook)]
    deltas = 0
    for frame in read_recording(io.BytesIO(payload), name):
        assert isinstance(frame, RecordedFrame)
        message = decoder.decode(frame.payload)
        if message.bids:
            for book in books:
                book.apply_snapshot(LevelText(bytes(message.bids)), LevelText(bytes(message.asks)))
        elif message.data.b and message.stream.partition("@")[2].startswith("depth"):
            for book in books:
                book.apply_delta(LevelText(bytes(message.data.b)), LevelText(bytes(message.data.a)))
            deltas += 1
            if deltas % 250 == 0:
                assert books[0].top(5000) == books[1].top(5000)
    assert deltas > 3000
    assert books[0].integrity_hash() == books[1].integrity_hash()


class _Levels(msgspec.Struct, frozen=True):
    b: msgspec.Raw = msgspec.Raw()
    a: msgspec.Raw = msgspec.Raw()


class _Recorded(msgspec.Struct):
    stream: str = ""
    data: _Levels = _Levels()
    bids: msgspec.Raw = msgspec.Raw()
    asks: msgspec.Raw = msgspec.Raw()


@pytest.mark.recordings
def test_recorded_full_books_of_coinbase_give_the_plain_book(shared_data):
    grid = PriceGrid(0.01, 1e-8)
    books = {}
    deepest = 0
    for side_updates, product, is_snapshot in _coinbase_updates(shared_data("venue_captures/COINBASE.jsonl.zst")):
        pair = books.setdefault(product, (OrderBook(grid, 40_000), CompiledBook(grid, 40_000)))
        for book in pair:
            (book.apply_snapshot if is_snapshot else book.apply_delta)(*side_updates)
        deepest = max(deepest, *pair[1].depth)
    assert deepest > 20_000
    for plain, compiled in books.values():
        assert plain.top_steps(40_000) == compiled.top_steps(40_000)


def _coinbase_updates(path):
    with path.open("rb") as stream:
        text = zstandard.ZstdDecompressor().stream_reader(stream).read().decode()
    for line in text.splitlines():
        entry = json.loads(line)
        if entry["t"] != "recv" or "l2_data" not in entry.get("data", ""):
            continue
        for event in json.loads(entry["data"])["events"]:
            sides = {"bid": [], "offer": []}
            for update in event["updates"]:
                sides[update["side"]].append((float(update["price_level"]), float(update["new_quantity"])))
            yield (sides["bid"], sides["offer"]), event["product_id"], event["type"] == "snapshot"
