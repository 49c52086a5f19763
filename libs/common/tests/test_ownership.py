"""Every instrument has one owner, and a new shard moves only what it takes over."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretick.common.ownership import Shard, owner_of

SYMBOLS = [f"S{n}" for n in range(400)]


@given(st.text(min_size=1, max_size=12), st.text(min_size=1, max_size=12), st.integers(1, 12))
def test_any_instrument_has_exactly_one_owner(venue, symbol, count):
    owners = [index for index in range(count) if Shard(index, count).owns(venue, symbol)]
    assert owners == [owner_of(venue, symbol, count)]


def test_one_more_shard_moves_instruments_only_to_it():
    three = [owner_of("sim", symbol, 3) for symbol in SYMBOLS]
    four = [owner_of("sim", symbol, 4) for symbol in SYMBOLS]
    assert set(three) == {0, 1, 2}
    assert all(after in (before, 3) for before, after in zip(three, four, strict=True))
    assert 50 < four.count(3) < 150  # a quarter of 400, within 6 standard deviations


@pytest.mark.parametrize("venue", ["sim", "binance"])
def test_shares_are_alike(venue):
    counts = [sum(Shard(index, 4).owns(venue, symbol) for symbol in SYMBOLS) for index in range(4)]
    assert all(50 < count < 150 for count in counts)


def test_owner_does_not_change_between_versions():
    """Services of two versions run side by side while one is replaced: they must agree on who owns what."""
    weights = [hashlib.blake2b(f"sim BTCUSDT {shard}".encode(), digest_size=8).hexdigest() for shard in range(5)]
    assert owner_of("sim", "BTCUSDT", 5) == weights.index(max(weights))


def test_a_single_shard_owns_everything():
    assert all(Shard().owns("sim", symbol) for symbol in SYMBOLS)
