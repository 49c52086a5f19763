"""Tick, volume, dollar and imbalance bars: where they close, by arithmetic and by a second, plain implementation."""

import math
import random

import msgspec
import pytest

from foretick.common.contracts import TradeColumns
from foretick.common.errors import Malformed
from foretick.common.testing import tick_frame
from foretick.market.bars import BarEngine, BarSpec, EngineState, Measure, Terms, parse_spec

FAR_NS = 10**15


def trades(rows: list[tuple[float, float, int]], seq: int = 1):
    price, qty, side = (list(column) for column in zip(*rows, strict=True))
    columns = TradeColumns(price=price, qty=qty, side=side, trade_id=[None] * len(rows))
    return tick_frame("T" * len(rows), seq=seq, trades=columns, spacing_ns=1_000_000)


def closed(name: str, rows, terms: Terms | None = None):
    spec = parse_spec(name)
    updates = BarEngine((spec,), FAR_NS, terms).fold_ticks(trades(rows), 0)
    return [update for update in updates if update.name == spec.name and update.is_closed]


def test_tick_bar_closes_with_its_last_trade():
    rows = [(100.0 + k, 1.0, 1) for k in range(8)]
    bars = closed("tick-3", rows)
    assert [(u.asof_seq, u.bar.first_seq, u.bar.last_seq, u.bar.open, u.bar.close) for u in bars] == [
        (3, 1, 3, 100.0, 102.0), (6, 4, 6, 103.0, 105.0),
    ]  # fmt: skip
    assert [u.bar.is_whole for u in bars] == [True, True]


def test_volume_bar_closes_at_its_volume_and_keeps_what_is_over():
    bars = closed("volume-10", [(100.0, 4.0, 1), (100.0, 5.0, -1), (100.0, 25.0, 1), (100.0, 9.0, 1), (100.0, 1.0, 1)])
    assert [(u.bar.trades, u.bar.volume_qty, u.bar.buy_volume_qty) for u in bars] == [(3, 34.0, 29.0), (2, 10.0, 10.0)]


@pytest.mark.parametrize(
    ("terms", "counts"), [(None, [2, 1]), (Terms(2.0), [1, 1, 1]), (Terms(100.0, is_inverse=True), [1, 1, 1])]
)
def test_dollar_bar_closes_at_its_value(terms, counts):
    rows = [(100.0, 5.0, 1), (200.0, 3.0, 1), (100.0, 10.0, 1)]  # 500, 600, 1000 quote; inverse: 500, 300, 1000
    size = {None: 1000, 2.0: 1000, 100.0: 300}[terms and terms.contract_size]
    assert [u.bar.trades for u in closed(f"dollar-{size}", rows, terms)] == counts


def plain_imbalance(rows, measure: Measure, size: int) -> list[int]:
    """Bar lengths of the rule in ``TradeBars``' docstring, with all that was traded at hand and no running state."""
    weigh = {
        Measure.TICK_IMBALANCE: lambda p, q: 1.0,
        Measure.VOLUME_IMBALANCE: lambda p, q: q,
        Measure.DOLLAR_IMBALANCE: lambda p, q: p * q,
    }[measure]
    signs: list[int] = []
    for index, (price, _, side) in enumerate(rows):
        before = rows[index - 1][0] if index else price
        tick = (price > before) - (price < before)
        signs.append(side or tick or (signs[-1] if signs else 0))
    signed = [sign * weigh(p, q) for sign, (p, q, _) in zip(signs, rows, strict=True)]
    alpha = 2 / (10 * size + 1)

    def mean(values: list[float]) -> float:
        weights = [(1 - alpha) ** age for age in range(len(values) - 1, -1, -1)]
        return sum(w * v for w, v in zip(weights, values, strict=True)) / sum(weights)

    lengths, expected, start = [size], float(size), size
    while True:
        past = signed[:start]
        threshold = max(expected * abs(mean(past)), math.sqrt(expected * mean([v * v for v in past])))
        theta, stop = 0.0, start
        while abs(theta) < threshold:
            if stop == len(signed):
                return lengths
            theta += signed[stop]
            stop += 1
        lengths.append(stop - start)
        expected = min(max(expected + 2 / 11 * (lengths[-1] - expected), size / 10, 1.0), size * 10.0)
        start = stop


@pytest.mark.parametrize("measure", [m for m in Measure if m.is_imbalance])
@pytest.mark.parametrize("buy_frac", [0.5, 0.8])
def test_imbalance_bars_are_those_of_the_rule(measure, buy_frac):
    rng = random.Random(f"{measure} {buy_frac}")
    price, rows = 100.0, []
    for _ in range(2_500):
        side = 1 if rng.random() < buy_frac else -1
        price = round(price + 0.01 * side, 2)
        rows.append((price, round(rng.uniform(0.1, 2), 2), rng.choice((side, side, 0))))
    lengths = [u.bar.trades for u in closed(f"{measure}-30", rows)]
    assert len(lengths) > 20
    assert lengths == plain_imbalance(rows, measure, 30)


def test_one_sided_flow_closes_imbalance_bars_sooner_than_balanced_flow():
    rng = random.Random(3)
    balanced = [(100.0, 1.0, rng.choice((-1, 1))) for _ in range(1_000)]
    lengths = [u.bar.trades for u in closed("tick-imbalance-100", balanced + [(100.0, 1.0, 1)] * 500)]
    assert len(lengths) > 5
    # with flow in balance the threshold is sqrt(E[T]): one-sided, the bar is full after that many trades
    assert lengths[-1] < sum(lengths[:4]) / 4


def test_tick_rule_carries_the_last_sign_where_nobody_says_who_took():
    rows = [(100.0, 1.0, 0), (101.0, 1.0, 0), (101.0, 1.0, 0), (100.5, 1.0, 0), (100.5, 1.0, 0)]
    engine = BarEngine((BarSpec(Measure.TICK_IMBALANCE, 100),), FAR_NS)
    engine.fold_ticks(trades(rows), 0)
    assert engine.state.kinds["tick-imbalance-100"].filled == 0 + 1 + 1 - 1 - 1


def test_state_goes_on_and_a_kind_that_is_new_begins_anew():
    rng = random.Random(5)
    rows = [(round(rng.uniform(99, 101), 2), 1.0, rng.choice((-1, 1))) for _ in range(600)]
    specs = (parse_spec("tick-imbalance-20"), parse_spec("volume-7"))
    whole = BarEngine(specs, FAR_NS).fold_ticks(trades(rows), 0)
    first, second = BarEngine(specs, FAR_NS), BarEngine((*specs, parse_spec("tick-5")), FAR_NS)
    updates = first.fold_ticks(trades(rows[:301]), 0)
    second.restore(msgspec.msgpack.decode(msgspec.msgpack.encode(first.state), type=EngineState))
    updates += second.fold_ticks(trades(rows[301:], seq=302), 0)
    names = {spec.name for spec in specs}
    pick = [(u.name, u.asof_seq, msgspec.structs.astuple(u.bar)[2:]) for u in whole if u.name in names]
    assert [(u.name, u.asof_seq, msgspec.structs.astuple(u.bar)[2:]) for u in updates if u.name in names] == pick
    ticks = [u.bar for u in updates if u.name == "tick-5"]
    assert [bar.is_whole for bar in ticks[:2]] == [False, True]


def test_loss_makes_the_bar_under_way_untrusted():
    engine = BarEngine((parse_spec("tick-2"),), FAR_NS)
    engine.fold_ticks(trades([(100.0, 1.0, 1)]), 0)
    engine.lose()
    updates = engine.fold_ticks(trades([(100.0, 1.0, 1)] * 3, seq=9), 0)
    assert [(u.bar.trust.value, u.bar.is_whole) for u in updates if u.name == "tick-2"][:2] == [
        ("GAP", False), ("LIVE", True),
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["tick", "tick-", "tick-0", "tick-1.5", "money-5", "volume--1", "dollar-inf", "1m",
                                  "tick-imbalance-0.5", "volume-nan"])  # fmt: skip
def test_name_of_no_kind_is_malformed(name):
    with pytest.raises(Malformed):
        parse_spec(name)


@pytest.mark.parametrize("name", ["tick-1000", "volume-0.5", "dollar-1000000", "volume-imbalance-200"])
def test_name_of_a_kind_is_read_back(name):
    assert parse_spec(name).name == name
