"""What the bridge hands on of ccxt's structures, and what it makes of ccxt's markets."""

import json

import pytest

from foretick.common.contracts import BookProof
from foretick.common.errors import Malformed
from foretick.ingest.adapters.ccxt.connector import rules_of
from foretick.ingest.adapters.ccxt.parse import CcxtWire, fees_of, listings_of
from foretick.ingest.adapters.ccxt.session import LEVELS, encode_book, encode_trades
from foretick.ingest.domain.events import Trade
from foretick.ingest.domain.listing import Fees
from foretick.market.integrity import Snapshot

T_MS = 1_800_000_000_000
BOOK = {
    "symbol": "BTC/USDT", "timestamp": T_MS, "datetime": "2027-01-15T08:00:00.000Z", "nonce": 7,
    "bids": [[100.0, 1.5, 3], [99.5, 2.0, 1]], "asks": [[100.5, 0.5, 1]],
}  # fmt: skip


def trade(**fields) -> dict:
    usual = {
        "id": "42", "timestamp": T_MS, "symbol": "BTC/USDT", "side": "buy", "price": 100.5, "amount": 0.25,
        "takerOrMaker": None, "cost": 25.125, "fee": None, "info": {"raw": "message"},
    }  # fmt: skip
    return usual | fields


def parse(payload: bytes) -> list:
    return list(CcxtWire("ccxt-gate").parse(payload))


def told(*trades: dict, since_ms: int = T_MS, last: int = 9) -> list[Trade]:
    return [event for _, event in parse(encode_trades("BTC/USDT", trades, since_ms, last))]


def test_book_is_whole_and_its_levels_are_price_and_quantity():
    expected = Snapshot(0, [(100.0, 1.5), (99.5, 2.0)], [(100.5, 0.5)], T_MS * 1_000_000)
    assert parse(encode_book("BTC/USDT", BOOK)) == [("BTC/USDT", expected)]


def test_book_without_a_time_is_read():
    assert parse(encode_book("BTC/USDT", BOOK | {"timestamp": None}))[0][1].ts_event_ns is None


def test_only_the_best_levels_are_handed_on():
    deep = BOOK | {"bids": [[100.0 - step / 100, 1.0] for step in range(3 * LEVELS)]}
    ((_, book),) = parse(encode_book("BTC/USDT", deep))
    assert (len(book.bids), book.bids[-1][0]) == (LEVELS, 100.0 - (LEVELS - 1) / 100)


def test_trade_goes_by_its_id():
    assert told(trade()) == [Trade(100.5, 0.25, 1, None, T_MS * 1_000_000, text_id="42")]


def test_trades_without_an_id_are_never_taken_for_one_another():
    names = [each.text_id for each in told(trade(id=None), trade(id=None), last=12)]
    assert names == ["#11", "#12"]


@pytest.mark.parametrize(("side", "sign"), [("buy", 1), ("sell", -1), (None, 0)])
def test_side_is_that_of_who_took(side, sign):
    assert told(trade(side=side))[0].side == sign


def test_trades_of_before_we_watched_are_history():
    assert [each.is_history for each in told(trade(timestamp=T_MS - 1), trade(timestamp=T_MS))] == [True, False]


MALFORMED = {
    "not json": b"hello",
    "no such channel": b'{"channel":"ticker","symbol":"BTC/USDT"}',
    "nan price": encode_book("BTC/USDT", BOOK | {"bids": [[float("nan"), 1.0]]}),
    "infinite price": encode_book("BTC/USDT", BOOK | {"bids": [[float("inf"), 1.0]]}),
    "negative price": encode_book("BTC/USDT", BOOK | {"bids": [[-1.0, 1.0]]}),
    "price as text": encode_book("BTC/USDT", BOOK | {"bids": [["1.0", 1.0]]}),
    "no quantity": encode_book("BTC/USDT", BOOK | {"bids": [[1.0]]}),
    "no such side": encode_trades("BTC/USDT", [trade(side="long")], 0, 1),
    "zero trade": encode_trades("BTC/USDT", [trade(amount=0.0)], 0, 1),
    "trade without a price": encode_trades("BTC/USDT", [trade(price=None)], 0, 1),
}


@pytest.mark.parametrize("payload", MALFORMED.values(), ids=MALFORMED.keys())
def test_what_ccxt_tells_is_read_as_warily_as_any_venue(payload):
    with pytest.raises(Malformed) as caught:
        parse(payload)
    assert caught.value.payload == payload


def test_book_is_declared_unproven():
    assert rules_of(None).book.proof is BookProof.NONE


def market(**fields) -> dict:
    usual = {
        "id": "BTC_USDT", "symbol": "BTC/USDT", "base": "BTC", "quote": "USDT", "type": "spot", "active": True,
        "precision": {"price": 0.1, "amount": 0.0001}, "limits": {"amount": {"min": 0.001, "max": None}},
        "contractSize": None, "inverse": None, "info": {"any": "thing"},
    }  # fmt: skip
    return usual | fields


def listed(*markets: dict, mode: int = 4) -> list:
    return listings_of({each["symbol"]: each for each in markets}, mode, "ccxt-gate")


def test_listing_has_the_markets_grid_and_quantities_finer_than_orders():
    (listing,) = listed(market())
    assert (listing.symbol, listing.base, listing.quote, listing.kind) == ("BTC/USDT", "BTC", "USDT", "spot")
    assert (listing.grid.tick_size, listing.grid.lot_size) == (0.1, 1e-8)
    assert (listing.order_step_qty, listing.min_order_qty) == (0.0001, 0.001)
    assert listing.aliases == ["BTC_USDT", "BTC-USDT", "BTCUSDT"]


def test_precision_may_be_told_in_digits():
    (listing,) = listed(market(precision={"price": 2, "amount": 6}), mode=2)
    assert (listing.grid.tick_size, listing.order_step_qty) == (0.01, 1e-6)


@pytest.mark.parametrize(
    ("fields", "mode"),
    [
        ({"precision": {"price": None, "amount": 1}}, 4),
        ({"precision": {"price": 0.0}}, 4),
        ({"precision": {"price": 5, "amount": 5}}, 3),
        ({"active": False}, 4),
        ({"type": "option"}, 4),
    ],
)
def test_market_without_a_grid_or_that_is_closed_is_not_listed(fields, mode):
    assert listed(market(**fields), mode=mode) == []


def test_spot_comes_before_contracts_of_the_same_pair():
    swap = market(symbol="BTC/USDT:USDT", type="swap", contractSize=0.001, inverse=False)
    spot, perpetual = listed(swap, market())
    assert (spot.kind, perpetual.kind, perpetual.contract_size) == ("spot", "perpetual", 0.001)


def test_market_that_breaks_its_structure_is_malformed():
    with pytest.raises(Malformed, match="markets"):
        listed(market(precision="fine"))


def test_fees_are_fractions_of_ccxts_table():
    assert fees_of({"trading": {"maker": 0.002, "taker": 0.001, "percentage": True}}) == Fees(20.0, 10.0)
    assert fees_of({"trading": {"maker": 1.0, "taker": 1.0, "percentage": False}}) is None
    assert fees_of({"trading": {"maker": None, "taker": None}}) is None
    assert fees_of(json.loads("{}")) is None
