"""Closed seconds in, correlations out: what is told, of whom, how far it is trusted; and taking over."""

import math
from collections.abc import AsyncIterator, Sequence

import msgspec
import numpy as np
import pytest

from foretick.common.contracts import Bar, Correlations, CrossSection, Origin, Trust
from foretick.common.errors import Transient
from foretick.common.sequence import SequenceTally
from foretick.common.testing import T0_NS, ManualClock, bar
from foretick.features.handlers.correlation_custody import OWNED, CorrelationCustodian
from foretick.features.handlers.correlations import CorrelationHandler, Schedule
from foretick.features.ports import Producer
from foretick.quant.catalogue.cross import CROSS
from foretick.quant.correlation import CorrelationFold, CorrelationTerms
from foretick.quant.cross_section import MEMORY_S, CrossFold
from foretick.quant.parameters import CROSS_KEPT_S
from foretick.quant.registry import CROSS_HASH

SECOND_NS = 10**9
START = T0_NS // SECOND_NS
TERMS = CorrelationTerms(window_s=120, block_s=30, half_life_s=20.0, max_lag_s=3, max_gap_s=20, min_observations=10)
SYMBOLS = ("A", "B", "C")


class Outside:
    """Everything that the handlers need: what they told is in ``told``; the stream has ``stored``."""

    def __init__(self) -> None:
        self.told: list[Correlations] = []
        self.counts: list[tuple[int, int]] = []
        self.late_seconds = 0
        self.stored: list[Bar] = []
        self.last: Correlations | None = None
        self.sections: list[CrossSection] = []
        self.last_section: CrossSection | None = None
        self.reasons: list[dict[str, int]] = []
        self.follows = False
        self.while_reading: list[Bar] = []
        self.custodian: CorrelationCustodian | None = None
        self.recovered: list[int] = []

    def publish_correlations(self, message: Correlations) -> None:
        self.told.append(message)

    def publish_cross_section(self, message: CrossSection) -> None:
        self.sections.append(message)

    def crossed(self, reasons) -> None:
        self.reasons.append(dict(reasons))

    async def last_cross_section(self) -> CrossSection | None:
        return self.last_section

    def taking_over(self) -> None:
        self.recovered.clear()

    def taken_over(self, bars: int) -> None:
        self.recovered.append(bars)

    def late(self, count: int) -> None:
        self.late_seconds += count

    async def follow(self) -> None:
        self.follows = True

    async def leave(self) -> None:
        self.follows = False

    async def read_seconds(self) -> AsyncIterator[Sequence[Bar]]:
        stored = list(self.stored)
        if self.custodian is not None and self.while_reading:
            live, self.while_reading = self.while_reading, []
            self.custodian.handle(live)
        for start in range(0, len(stored), 50):
            yield stored[start : start + 50]

    async def last_correlations(self) -> Correlations | None:
        return self.last


class Process:
    def __init__(self, outside: Outside, schedule: Schedule | None = None, name: str = "features.correlate-0") -> None:
        self.outside, self.tally = outside, SequenceTally()
        producer = Producer("test", name)
        observer = _Observer(outside)
        schedule = schedule or Schedule(TERMS)
        self.handler = CorrelationHandler(outside, observer, ManualClock(), producer, schedule, self.tally)
        self.custodian = CorrelationCustodian(self.handler, outside, outside, observer, producer)
        outside.custodian = self.custodian

    async def take_over(self, epoch: int) -> "Process":
        await self.custodian.take_over([OWNED], epoch)
        return self


class _Observer:
    def __init__(self, outside: Outside) -> None:
        self._outside = outside
        self.taking_over, self.taken_over, self.late = outside.taking_over, outside.taken_over, outside.late
        self.crossed = outside.crossed

    def told(self, members: int, left_out: int) -> None:
        self._outside.counts.append((members, left_out))


def prices(seed: int, seconds: int) -> np.ndarray:
    """Mids: C follows A by two seconds, B is on its own."""
    rng = np.random.default_rng(seed)
    moves = 1e-4 * rng.standard_normal((seconds, 3))
    moves[2:, 2] = moves[:-2, 0] + 0.3 * moves[2:, 2]
    return 100.0 * np.exp(np.cumsum(moves, axis=0))


def market(seed: int, seconds: int, symbols: Sequence[str] = SYMBOLS, start: int = START) -> list[Bar]:
    """The one-second bars of all, forming and closed, as they come: each second's close comes with the next one."""
    mids = prices(seed, seconds)
    bars = []
    for offset in range(seconds):
        for column, symbol in enumerate(symbols):
            mid, number = float(mids[offset, column % 3]), 10 * offset
            fields = {"timeframe": "1s", "length_s": 1, "symbol": symbol, "mid_close": mid,
                      "start_ns": (start + offset) * SECOND_NS}  # fmt: skip
            bars += [
                bar(**fields, asof_seq=number + 5, prev_asof_seq=number or None, is_closed=False),
                bar(**fields, asof_seq=number + 10, prev_asof_seq=number + 5),
            ]
    return bars


def content(message: Correlations | CrossSection) -> dict:
    left_out = ("epoch", "producer", "ts_sent_ns", "prev_seq")
    return {key: value for key, value in msgspec.structs.asdict(message).items() if key not in left_out}


async def test_correlations_are_those_of_the_fold_over_the_closed_seconds():
    outside = Outside()
    process = await Process(outside).take_over(7)
    process.custodian.handle(market(1, 101))
    fold, mids = CorrelationFold(TERMS), prices(1, 101)
    for offset in range(101):
        fold.fold(START + offset, {("sim", symbol): float(mids[offset, k]) for k, symbol in enumerate(SYMBOLS)})
    message, estimate = outside.told[-1], fold.estimate()
    assert (message.run_id, message.producer, message.epoch) == ("test", "features.correlate-0", 7)
    assert (message.seq, message.ts_recv_ns, message.trust) == (START + 100, (START + 101) * SECOND_NS, Trust.LIVE)
    assert (message.window_s, message.half_life_s, message.max_lag_s) == (120, 20.0, 3)
    assert [(m.venue, m.symbol, m.observations, m.reason) for m in message.members] == [
        ("sim", symbol, count, "") for symbol, count in zip(SYMBOLS, estimate.observations, strict=True)
    ]
    assert [tuple(pair) for pair in estimate.pairs] == list(
        zip(*(getattr(message.pairs, name) for name in message.pairs.__struct_fields__), strict=True)
    )
    of_a_and_c = message.pairs.second.index(2)
    assert (message.pairs.first[of_a_and_c], message.pairs.lag_s[of_a_and_c]) == (0, 2)
    assert msgspec.json.decode(msgspec.json.encode(message), type=Correlations) == message


async def test_they_are_told_once_an_interval_and_each_names_the_one_before():
    outside = Outside()
    process = await Process(outside, Schedule(TERMS, interval_s=5)).take_over(1)
    process.custodian.handle(market(2, 41))
    seqs = [message.seq for message in outside.told]
    boundaries = [second for second in range(START, START + 41) if second % 5 == 0]
    assert seqs == sorted({START, *boundaries})  # the first second, too
    assert [message.prev_seq for message in outside.told] == [None, *seqs[:-1]]


@pytest.mark.parametrize("seed", range(3))
async def test_order_in_which_instruments_come_changes_no_bit(seed):
    rng = np.random.default_rng(seed)
    bars = market(3, 90)
    by_symbol = {symbol: [each for each in bars if each.symbol == symbol] for symbol in SYMBOLS}
    straight, mixed = Outside(), Outside()
    (await Process(straight).take_over(1)).custodian.handle(bars)
    process = await Process(mixed).take_over(1)
    while any(by_symbol.values()):  # one of them up to two seconds ahead of another
        behind = max(len(lane) for lane in by_symbol.values())
        lanes = [lane for lane in by_symbol.values() if lane and behind - len(lane) < 4]
        process.custodian.handle([lanes[rng.integers(len(lanes))].pop(0)])
    assert mixed.late_seconds == 0
    assert [content(message) for message in mixed.told] == [content(message) for message in straight.told]


async def test_price_of_a_second_that_is_not_live_does_not_count_and_trust_is_the_worst():
    outside = Outside()
    process = await Process(outside).take_over(1)
    bars = [
        msgspec.structs.replace(each, trust=Trust.GAP, mid_close=1.0) if each.symbol == "B" and n >= 300 else each
        for n, each in enumerate(market(4, 80))
    ]
    process.custodian.handle(bars)
    last = outside.told[-1]
    assert [member.trust for member in last.members] == [Trust.LIVE, Trust.GAP, Trust.LIVE]
    assert (last.trust, last.members[1].observations) == (Trust.GAP, 49)
    assert all(math.isfinite(value) for value in last.pairs.windowed if value is not None)


async def test_silent_instrument_is_stale_and_in_the_end_left_out():
    outside = Outside()
    process = await Process(outside).take_over(1)
    long = TERMS.memory_s + 40
    bars = [each for n, each in enumerate(market(5, long)) if each.symbol != "B" or n < 6 * 30]
    process.custodian.handle(bars)
    by_seq = {message.seq - START: message for message in outside.told}
    assert [m.trust for m in by_seq[30 if (START + 30) % 2 == 0 else 31].members] == [Trust.LIVE] * 3
    later = by_seq[40 if (START + 40) % 2 == 0 else 41]
    assert [(m.symbol, m.trust) for m in later.members] == [
        ("A", Trust.LIVE), ("B", Trust.STALE), ("C", Trust.LIVE),
    ]  # fmt: skip
    assert later.trust is Trust.STALE
    assert [m.symbol for m in outside.told[-1].members] == ["A", "C"]
    assert outside.told[-1].trust is Trust.LIVE


async def test_instruments_beyond_the_limit_are_left_out_by_name_whoever_comes_first():
    schedule = Schedule(TERMS, max_instruments=2)
    for order in (SYMBOLS, SYMBOLS[::-1]):
        outside = Outside()
        process = await Process(outside, schedule).take_over(1)
        process.custodian.handle(market(6, 60, order))
        assert [member.symbol for member in outside.told[-1].members] == ["A", "B"]
        assert (outside.told[-1].left_out, outside.counts[-1]) == (1, (2, 1))


async def test_bars_of_another_run_repeats_and_those_under_way_are_left_alone():
    outside = Outside()
    process = await Process(outside).take_over(1)
    bars = market(7, 50)
    foreign = [msgspec.structs.replace(each, run_id="other", mid_close=7.0) for each in bars]
    process.custodian.handle([each for pair in zip(foreign, bars, bars, strict=True) for each in pair])
    plain = Outside()
    (await Process(plain).take_over(1)).custodian.handle(bars)
    assert [content(message) for message in outside.told] == [content(message) for message in plain.told]
    assert process.tally.of("bars").repeated == len(bars)


async def test_every_second_has_its_cross_section_which_is_that_of_the_fold():
    outside = Outside()
    process = await Process(outside).take_over(7)
    process.custodian.handle(market(11, 101))
    fold, mids = CrossFold(), prices(11, 101)
    wanted = [
        fold.fold(START + offset, {("sim", symbol): float(mids[offset, k]) for k, symbol in enumerate(SYMBOLS)})
        for offset in range(101)
    ]
    told = outside.sections
    assert [message.seq for message in told] == list(range(START, START + 101))
    assert [message.prev_seq for message in told] == [None, *range(START, START + 100)]
    for message, readings in zip(told, wanted, strict=True):
        assert [(m.venue, m.symbol, m.pairs, m.reason, tuple(m.values)) for m in message.members] == [
            (*r.key, r.pairs, r.reason or "", r.values) for r in readings
        ]
    last = told[-1]
    assert (last.run_id, last.producer, last.epoch, last.features_hash) == (
        "test", "features.correlate-0", 7, CROSS_HASH,
    )  # fmt: skip
    assert (last.ts_recv_ns, last.origins, last.left_out) == ((START + 101) * SECOND_NS, [Origin.SIM], 0)
    assert {len(member.values) for member in last.members} == {len(CROSS)}
    assert (outside.reasons[0], outside.reasons[-1]) == ({"warming_up": 3}, {"": 3})
    assert msgspec.json.decode(msgspec.json.encode(last), type=CrossSection) == last


async def test_second_that_is_not_live_is_no_price_and_a_market_of_one_is_alone():
    outside = Outside()
    process = await Process(outside).take_over(1)
    process.custodian.handle([
        msgspec.structs.replace(each, trust=Trust.GAP) if each.symbol == "B" and n >= 300 else each
        for n, each in enumerate(market(4, 80))
    ])  # fmt: skip
    assert [member.reason for member in outside.sections[-1].members] == ["", "no_price", ""]
    single = Outside()
    (await Process(single).take_over(1)).custodian.handle(market(4, 80, ("A",)))
    assert [member.reason for member in single.sections[-1].members] == ["alone"]
    assert single.reasons[-1] == {"alone": 1}


# ---- taking over ---------------------------------------------------------------------------------------------------


async def test_successor_goes_on_with_the_same_bits_and_tells_nothing_twice():
    bars = market(8, 500)
    whole = Outside()
    (await Process(whole).take_over(1)).custodian.handle(bars)
    cut = 6 * 430
    first = Outside()
    (await Process(first).take_over(1)).custodian.handle(bars[:cut])
    second = Outside()
    second.stored = bars[6 * 430 - 6 * (TERMS.memory_s + 8) : cut + 30]
    second.last, second.while_reading = first.told[-1], bars[cut + 12 : cut + 60]
    successor = await Process(second, name="features.correlate-1").take_over(2)
    assert second.recovered == [len(second.stored)]
    successor.custodian.handle(bars[cut + 60 :])
    told = first.told + second.told
    assert [content(message) for message in told if message.seq != second.told[0].seq] == [
        content(message) for message in whole.told if message.seq in {each.seq for each in told}
        and message.seq != second.told[0].seq
    ]  # fmt: skip
    assert {each.seq for each in whole.told} - {each.seq for each in told} <= set(range(START + 430, START + 435)), (
        "what fell due before the successor was live is not told late"
    )
    assert second.told[0].prev_seq == first.told[-1].seq
    assert {message.epoch for message in second.told} == {2}


async def test_bar_that_was_stored_late_is_read_again():
    bars = market(9, 60)
    outside = Outside()
    outside.stored, outside.while_reading = bars[:-30], bars[-12:]
    process = Process(outside)
    reads = 0

    async def read_seconds() -> AsyncIterator[Sequence[Bar]]:
        nonlocal reads
        reads += 1
        if reads == 1:
            process.custodian.handle(bars[-12:])
        yield bars[:-30] if reads == 1 else bars[:-12]

    outside.read_seconds = read_seconds  # type: ignore[method-assign]
    await process.take_over(1)
    assert reads == 2
    assert process.tally.of("bars").lost == 0


async def test_without_the_right_to_act_nothing_is_folded_or_told():
    outside = Outside()
    process = await Process(outside).take_over(1)
    process.custodian.handle(market(10, 20))
    told = len(outside.told)
    process.custodian.is_owner = lambda: False
    process.custodian.handle(market(10, 40)[120:])
    await process.custodian.lose([OWNED])
    assert (len(outside.told), outside.follows) == (told, False)
    outside.stored = market(10, 40)
    with pytest.raises(Transient):
        await process.take_over(2)
    assert len(outside.told) == told


@pytest.mark.parametrize("away_s", [20, 50], ids=["all are told", "the latest are told"])
async def test_successor_tells_the_cross_sections_that_fell_due_meanwhile_with_the_same_bits(away_s):
    seconds, cut = MEMORY_S + 120, MEMORY_S + 30
    bars = market(12, seconds)
    whole, first, second = Outside(), Outside(), Outside()
    (await Process(whole).take_over(1)).custodian.handle(bars)
    (await Process(first).take_over(1)).custodian.handle(bars[: 6 * cut])
    second.stored = bars[6 * 15 : 6 * (cut + away_s)]
    second.last_section = first.sections[-1]
    successor = await Process(second, name="features.correlate-1").take_over(2)
    caught_up = [message.seq - START for message in second.sections]
    assert caught_up == list(range(max(cut, cut + away_s - CROSS_KEPT_S), cut + away_s))
    successor.custodian.handle(bars[6 * (cut + away_s) :])
    by_seq = {message.seq: content(message) for message in whole.sections}
    assert [content(message) for message in second.sections] == [by_seq[message.seq] for message in second.sections]
    assert second.sections[0].prev_seq == first.sections[-1].seq
    assert second.sections[-1].seq == whole.sections[-1].seq
    assert {message.epoch for message in second.sections} == {2}


async def test_lease_that_ends_while_the_stream_is_read_tells_no_cross_section():
    outside = Outside()
    outside.stored = market(13, 100)
    process = Process(outside)
    reads = iter([True] * 5)
    process.custodian.is_owner = lambda: next(reads, False)
    with pytest.raises(Transient):
        await process.take_over(1)
    assert outside.sections == []
