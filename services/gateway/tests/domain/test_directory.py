"""What a client's name for an instrument means."""

import pytest

from foretick.common.errors import Refused
from foretick.common.testing.builders import instrument
from foretick.gateway.domain.directory import Directory


def test_bare_symbol_resolves_by_the_order_of_venues():
    directory = Directory(("binance", "sim"), ())
    directory.enlist(instrument(venue="sim"))
    directory.enlist(instrument(venue="binance"))
    assert directory.resolve("BTCUSDT") == ("binance", "BTCUSDT")
    assert directory.resolve("sim:BTCUSDT") == ("sim", "BTCUSDT")


def test_listed_instrument_goes_before_one_that_is_only_promised():
    directory = Directory(("binance", "sim"), ("BTCUSDT",))
    assert directory.resolve("BTCUSDT") == ("binance", "BTCUSDT")
    directory.enlist(instrument(venue="sim"))
    assert directory.resolve("BTCUSDT") == ("sim", "BTCUSDT")


def test_alias_and_lower_case_resolve():
    directory = Directory(("sim",), ())
    directory.enlist(instrument(aliases=("BTC/USDT",)))
    assert {directory.resolve(name) for name in ("btcusdt", "BTC/USDT", "sim:btc/usdt")} == {("sim", "BTCUSDT")}


def test_unknown_symbol_is_refused_with_the_known_ones():
    directory = Directory(("sim",), ("BTCUSDT", "ETHUSDT"))
    with pytest.raises(Refused) as refusal:
        directory.resolve("NOPE")
    assert refusal.value.code == "unknown_symbol"
    assert "BTCUSDT, ETHUSDT" in refusal.value.hint


def test_labels_come_in_the_order_of_the_settings():
    directory = Directory(("sim",), ("ETHUSDT", "BTCUSDT"))
    for symbol in ("AAA", "BTCUSDT", "ETHUSDT"):
        directory.enlist(instrument(symbol=symbol))
    assert [label.symbol for label in directory.labels] == ["ETHUSDT", "BTCUSDT", "AAA"]


def test_same_listing_again_is_nothing_new():
    directory = Directory(("sim",), ())
    assert directory.enlist(instrument())
    assert not directory.enlist(instrument(epoch=2))
    assert directory.enlist(instrument(tick_size=0.1))
