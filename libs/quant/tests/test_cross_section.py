"""Cross-asset features against their definition in 50-digit decimals; bit for bit the same whoever folds; reasons."""

import math
import random

import numpy as np
import pytest

from foretick.quant import parameters as p
from foretick.quant.catalogue.cross import CROSS
from foretick.quant.cross_section import MEMORY_S, CrossFold, CrossReading, CrossReason
from foretick.quant.proof.cross import define_cross

NAMES = [feature.name for feature in CROSS]
BETA, CORRELATION, LEAD, RESIDUAL, BREADTH, DISPERSION = range(1, len(NAMES))
START = 1_700_000_000


def keys(n: int) -> list[tuple[str, str]]:
    return [("sim", chr(ord("A") + i)) for i in range(n)]


def fold(prices: np.ndarray, fold: CrossFold | None = None, first: int = 0) -> list[dict[str, CrossReading]]:
    """The cross-section of every second, by symbol; a price that is NaN is not known."""
    fold = fold or CrossFold()
    sections = []
    for second in range(first, len(prices)):
        known = {k: float(v) for k, v in zip(keys(prices.shape[1]), prices[second], strict=True) if v == v}
        sections.append({reading.key[1]: reading for reading in fold.fold(START + second, known)})
    return sections


def values(section: dict[str, CrossReading], n: int) -> np.ndarray:
    """Its values (n, features), NaN where there are none."""
    nothing = (math.nan,) * len(NAMES)
    return np.array([section[k].values or nothing if k in section else nothing for _, k in keys(n)])


def walk(seed: int, seconds: int, n: int, scale: float = 1e-4, price: float = 100.0, common: float = 1.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    moves = scale * (rng.standard_normal((seconds, n)) + common * rng.standard_normal((seconds, 1)))
    return price * np.exp(np.cumsum(moves, axis=0))


def with_holes(prices: np.ndarray, seed: int, share: float) -> np.ndarray:
    """Prices that are not known now and then, one by one and for stretches of time."""
    rng, prices = np.random.default_rng(seed), prices.copy()
    prices[rng.random(prices.shape) < share] = np.nan
    prices[200:230, 1] = np.nan
    prices[300:, -1] = np.nan
    return prices


def on_ticks(prices: np.ndarray, tick: float) -> np.ndarray:
    return np.round(prices / tick) * tick


def constant(prices: np.ndarray, column: int) -> np.ndarray:
    prices = prices.copy()
    prices[:, column] = 77.7
    return prices


SERIES = {
    "a walk": walk(1, 720, 4),
    "two instruments": walk(2, 400, 2),
    "holes": with_holes(walk(3, 500, 5), 3, 0.002),
    "ticks that stand still": on_ticks(walk(4, 400, 3, 3e-5), 0.01),
    "one that is constant": constant(walk(5, 300, 3), 0),
    "all constant": np.full((200, 3), 12.5),
    "a huge offset": 2.0**30 + np.round(walk(6, 300, 3, 1e-3, 1_000.0)) * 2.0**-18,
    "a spike": np.vstack([walk(7, 200, 3), 50.0 * walk(8, 1, 3), walk(9, 100, 3)]),
    "tiny prices": walk(10, 300, 3, 1e-4, 1e-9),
}


@pytest.mark.parametrize("name", SERIES)
def test_features_are_their_definition(name):
    prices = SERIES[name]
    n, chosen = prices.shape[1], sorted({*range(55, 75, 3), *range(70, len(prices), 53), len(prices) - 1})
    got = np.array([values(section, n) for section in fold(prices)])[chosen]
    wanted = define_cross(prices, chosen)
    assert np.array_equal(np.isnan(got), np.isnan(wanted))
    assert np.isfinite(wanted).any()
    for feature in range(len(NAMES)):
        there = wanted[..., feature][np.isfinite(wanted[..., feature])]
        atol = 1e-9 * max(1e-3, np.abs(there).max())
        np.testing.assert_allclose(
            got[..., feature], wanted[..., feature], rtol=1e-9, atol=atol, err_msg=NAMES[feature]
        )


def test_values_are_in_the_ranges_of_the_registry():
    for prices in SERIES.values():
        rows = np.concatenate([values(section, prices.shape[1]) for section in fold(prices)])
        for column, feature in zip(rows.T, CROSS, strict=True):
            there = column[np.isfinite(column)]
            assert feature.low is None or there.min() >= feature.low, feature.name
            assert feature.high is None or there.max() <= feature.high, feature.name


def test_what_was_before_the_memory_and_the_order_of_instruments_change_no_bit():
    prices = with_holes(walk(11, 900, 6), 4, 0.01)
    whole, cut = fold(prices), 900 - MEMORY_S - 20
    late = fold(prices, CrossFold(), first=cut)
    assert late[MEMORY_S - 1 :] == whole[cut + MEMORY_S - 1 :]
    shuffled = CrossFold()
    for second, section in enumerate(whole):
        known = [(k, float(v)) for k, v in zip(keys(6), prices[second], strict=True) if v == v]
        random.Random(second).shuffle(known)
        assert {reading.key[1]: reading for reading in shuffled.fold(START + second, dict(known))} == section


def test_fold_that_knows_less_than_the_memory_tells_other_bits():
    """Control: the test above would see a dependence."""
    prices = walk(11, 900, 6)
    assert fold(prices, CrossFold(), first=900 - MEMORY_S + 40)[-1] != fold(prices)[-1]


def test_future_changes_nothing():
    a, b = walk(12, 300, 3), walk(13, 300, 3)
    b[:200] = a[:200]
    assert fold(a)[:200] == fold(b)[:200]
    assert fold(a)[200] != fold(b)[200]


def test_beta_and_correlation_of_a_market_that_moves_together():
    """A moves twice as far as the basket of the other two, which move alike: beta 2, no residual, correlation 1."""
    moves = 1e-4 * np.random.default_rng(14).standard_normal(400)
    paths = np.cumsum(np.column_stack([2.0 * moves, moves, moves]), axis=0)
    last = values(fold(100.0 * np.exp(paths))[-1], 3)
    np.testing.assert_allclose(last[0, [BETA, CORRELATION]], [2.0, 1.0], rtol=1e-9)
    assert abs(last[0, RESIDUAL]) < 1e-6
    np.testing.assert_allclose(last[1, BETA], 1.5 / 1.5**2, rtol=1e-9)  # of the mean of 2 and 1
    up = math.copysign(1.0, moves[-p.CROSS_RETURN_S :].sum())
    assert last[:, BREADTH].tolist() == [up] * 3
    ten = 1e4 * abs(moves[-p.CROSS_RETURN_S :].sum())
    np.testing.assert_allclose(last[:, DISPERSION], ten * math.sqrt(2.0) / 3.0, rtol=1e-6)  # of 2, 1 and 1 times it


@pytest.mark.parametrize(("shift", "sign"), [(1, 1.0), (-1, -1.0)], ids=["basket leads", "basket follows"])
def test_lead_has_the_sign_of_who_moves_first(shift, sign):
    moves = 1e-4 * np.random.default_rng(15).standard_normal(600)
    own = np.roll(moves, shift)
    last = values(fold(100.0 * np.exp(np.cumsum(np.column_stack([own, moves, moves]), axis=0)))[-1], 3)
    assert sign * last[0, LEAD] > 0.9


def test_reasons_say_why_there_is_nothing():
    n = p.CROSS_MIN_PAIRS
    prices = walk(16, 400, 3)
    prices[100:105, 1] = np.nan  # its second is not known, then its returns reach over it
    prices[200:, 1:] = np.nan  # nobody else is left
    sections = fold(prices)
    assert {r.reason for r in sections[0].values()} == {CrossReason.WARMING_UP}
    assert [sections[n - 1]["A"].reason, sections[n]["A"].reason] == [CrossReason.WARMING_UP, None]
    assert (sections[n]["A"].pairs, sections[n - 1]["A"].pairs) == (n, n - 1)
    assert [sections[s]["B"].reason for s in (99, 100, 104, 105, 114, 115)] == [
        None, CrossReason.NO_PRICE, CrossReason.NO_PRICE, *[CrossReason.INTERRUPTED] * 2, None,
    ]  # fmt: skip
    assert sections[100]["A"].reason is None  # C is its basket
    assert [sections[s]["A"].reason for s in (199, 200, 399)] == [None, CrossReason.ALONE, CrossReason.ALONE]
    assert all(bool(r.values) is (r.reason is None) for section in sections for r in section.values())


def test_single_instrument_is_alone():
    assert {section["A"].reason for section in fold(walk(17, 100, 1))} == {CrossReason.ALONE}


def test_who_was_not_seen_for_the_memory_is_forgotten_and_a_long_pause_forgets_all():
    prices = walk(18, MEMORY_S + 102, 3)
    prices[100:, 2] = np.nan
    sections = fold(prices)
    assert "C" in sections[100 + MEMORY_S - 2]
    assert "C" not in sections[100 + MEMORY_S - 1]
    folded = CrossFold()
    fold(walk(19, 100, 3), folded)
    assert {r.pairs for r in folded.fold(START + 100 + MEMORY_S, {key: 1.0 for key in keys(3)})} == {0}
    assert len(folded.fold(START + 150 + MEMORY_S, {keys(3)[0]: 1.0})) == 3


@pytest.mark.parametrize(
    ("second", "price"), [(START, 1.0), (START + 1, 0.0), (START + 1, math.nan), (START + 1, math.inf)]
)
def test_second_that_is_not_next_and_price_that_is_none_are_refused(second, price):
    folded = CrossFold()
    folded.fold(START, {keys(1)[0]: 1.0})
    with pytest.raises(ValueError, match=r"comes after|above zero"):
        folded.fold(second, {keys(1)[0]: price})
