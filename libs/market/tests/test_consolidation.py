"""Consolidated quotes: who counts, what is best, when it is told, and who is the odd one out."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretick.common.contracts import InstrumentKind, Origin, Trust
from foretick.common.testing import T0_NS, instrument
from foretick.common.units import NS_PER_MS, NS_PER_S
from foretick.market.consolidation import STALE_NS, Consolidator, Quote
from foretick.market.consolidation.consolidator import judge
from foretick.market.consolidation.judgement import Volatility
from foretick.market.consolidation.participant import Participant

MS = NS_PER_MS


def listing(venue, fee_bps=10.0, **fields):
    return instrument(venue=venue, origin=Origin.LIVE, taker_fee_bps=fee_bps, **fields)


class Desk:
    """A consolidator of BTC/USDT and a clock; prices are mids around 100 with a spread of 2 bps."""

    def __init__(self, **fees):
        self.consolidator = Consolidator()
        self.now_ns = T0_NS
        self.told = []
        for venue, fee_bps in fees.items():
            self.consolidator.learn(listing(venue, fee_bps))

    def quote(self, venue, bid, ask, bid_qty=1.0, ask_qty=1.0, trust=Trust.LIVE):
        due = self.consolidator.fold((venue, "BTCUSDT"), Quote(bid, bid_qty, ask, ask_qty), trust, self.now_ns)
        self.told += due
        return due

    def mid(self, venue, mid, trust=Trust.LIVE):
        return self.quote(venue, mid * 0.9999, mid * 1.0001, trust=trust)

    def touch(self, venue, trust=Trust.LIVE):
        self.told += self.consolidator.touch((venue, "BTCUSDT"), trust, self.now_ns)

    def run(self, seconds, mids):
        """Let every venue of ``mids`` quote each 100 ms; return what was told last."""
        for _ in range(round(seconds * 10)):
            self.now_ns += 100 * MS
            for venue, mid in mids.items():
                self.mid(venue, mid)
        return self.settle()

    def settle(self):
        """Let the next step begin; return what was told last."""
        self.now_ns += 100 * MS
        self.told += self.consolidator.touch(("elsewhere", "X"), Trust.LIVE, self.now_ns)
        return self.told[-1]


def of(told, venue):
    return next(each for each in told.venues if each.venue == venue)


def outliers(told):
    return {each.venue for each in told.venues if each.is_outlier}


def used(told):
    return {each.venue for each in told.venues if each.is_used}


def test_best_prices_are_the_highest_bid_and_the_lowest_ask():
    desk = Desk(a=10.0, b=20.0, c=0.0)
    desk.quote("a", 99.0, 101.0, 3.0, 4.0)
    desk.quote("b", 99.5, 102.0, 5.0, 6.0)
    desk.quote("c", 98.0, 100.9, 7.0, 8.0)
    told = desk.settle()
    assert told.bid == ("b", 99.5, 5.0)
    assert told.ask == ("c", 100.9, 8.0)
    assert told.net_bid == ("b", pytest.approx(99.5 * (1 - 0.0020)), 5.0)
    assert told.net_ask == ("c", 100.9, 8.0)
    assert not told.is_crossed
    assert told.net_edge_bps == pytest.approx((99.5 * 0.998 / 100.9 - 1) * 1e4)


def test_fees_may_put_another_venue_first():
    desk = Desk(dear=50.0, cheap=1.0)
    desk.quote("dear", 99.9, 100.0)
    desk.quote("cheap", 99.8, 100.1)
    told = desk.settle()
    assert (told.bid.venue, told.ask.venue) == ("dear", "dear")
    assert (told.net_bid.venue, told.net_ask.venue) == ("cheap", "cheap")


def test_venue_of_unknown_fee_has_no_net_price():
    desk = Desk(a=None, b=None)
    desk.quote("a", 99.9, 100.0)
    desk.quote("b", 99.8, 100.1)
    told = desk.settle()
    assert told.bid.venue == "a"
    assert (told.net_bid, told.net_ask, told.net_edge_bps) == (None, None, None)


def test_venues_that_cross_each_other_show_it_and_what_it_would_bring():
    desk = Desk(a=10.0, b=10.0)
    desk.quote("a", 100.5, 100.6)
    desk.quote("b", 99.9, 100.0)
    told = desk.settle()
    assert told.is_crossed
    assert told.net_edge_bps == pytest.approx((100.5 * 0.999 / (100.0 * 1.001) - 1) * 1e4)
    assert told.net_edge_bps > 0


@pytest.mark.parametrize(("qty_a", "qty_b", "first"), [(1.0, 2.0, "b"), (2.0, 1.0, "a"), (1.0, 1.0, "a")])
def test_of_equal_prices_the_larger_quantity_then_the_name_decides(qty_a, qty_b, first):
    desk = Desk(a=10.0, b=10.0)
    desk.quote("b", 99.0, 101.0, qty_b, qty_b)
    desk.quote("a", 99.0, 101.0, qty_a, qty_a)
    told = desk.settle()
    assert (told.bid.venue, told.ask.venue) == (first, first)


@pytest.mark.parametrize("trust", [Trust.STALE, Trust.RESYNC, Trust.CROSSED, Trust.GAP])
def test_venue_whose_book_is_not_live_does_not_count(trust):
    desk = Desk(a=10.0, b=10.0)
    desk.quote("a", 99.0, 101.0)
    desk.quote("b", 99.5, 100.5, trust=trust)
    told = desk.settle()
    assert (told.bid.venue, used(told), of(told, "b").trust) == ("a", {"a"}, trust)
    desk.touch("b", Trust.LIVE)
    assert desk.settle().bid.venue == "b"


def test_venue_that_goes_away_stops_counting_by_data_time_of_the_others():
    desk = Desk(a=10.0, b=10.0)
    desk.quote("b", 99.5, 100.5)
    desk.quote("a", 99.0, 101.0)
    left_ns = desk.now_ns
    while desk.now_ns - left_ns < STALE_NS:
        desk.now_ns += 500 * MS
        desk.touch("a")
    assert desk.told[-1].bid.venue == "b"
    desk.now_ns = left_ns + STALE_NS + 1100 * MS
    desk.touch("a")
    told = desk.settle()
    assert told.bid.venue == "a"
    assert of(told, "b").age_ms == pytest.approx((told.ts_recv_ns - left_ns) / MS)
    assert not of(told, "b").is_used


def test_quiet_venue_counts_while_its_clock_is_heard():
    desk = Desk(a=10.0, b=10.0)
    desk.quote("b", 99.5, 100.5)
    desk.quote("a", 99.0, 101.0)
    for _ in range(60):
        desk.now_ns += NS_PER_S
        desk.touch("a")
        desk.touch("b")
    assert desk.settle().bid.venue == "b"


def test_no_venue_that_counts_leaves_no_price():
    desk = Desk(a=10.0, b=10.0)
    desk.quote("a", 99.0, 101.0, trust=Trust.RESYNC)
    told = desk.settle()
    assert (told.bid, told.ask, told.net_bid, told.is_crossed, told.net_edge_bps) == (None, None, None, False, None)
    assert [each.venue for each in told.venues] == ["a"]


def test_one_sided_venue_counts_on_its_side_and_is_compared_with_nobody():
    desk = Desk(a=10.0, b=10.0, c=10.0)
    desk.quote("a", 99.0, 101.0)
    desk.quote("b", 99.0, 101.0)
    desk.quote("c", 99.5, None, 1.0, None)
    told = desk.settle()
    assert told.bid == ("c", 99.5, 1.0)
    assert of(told, "c").deviation_bps is None


def test_venue_that_crosses_itself_does_not_count():
    desk = Desk(a=10.0, b=10.0)
    desk.quote("a", 99.0, 101.0)
    desk.quote("b", 100.0, 100.0)
    assert used(desk.settle()) == {"a"}


def test_lost_events_leave_a_venue_without_a_price_until_its_next_quote():
    desk = Desk(a=10.0, b=10.0)
    desk.quote("a", 99.0, 101.0)
    desk.quote("b", 99.5, 100.5)
    desk.settle()
    desk.consolidator.lose(("b", "BTCUSDT"))
    assert used(desk.settle()) == {"a"}
    desk.touch("b")
    assert used(desk.settle()) == {"a"}
    desk.quote("b", 99.5, 100.5)
    assert used(desk.settle()) == {"a", "b"}


# ---- when it is told ------------------------------------------------------------------------------------------------


def test_first_change_is_told_at_once_and_later_ones_with_the_next_step():
    desk = Desk(a=10.0, b=10.0)
    assert len(desk.quote("a", 99.0, 101.0)) == 1
    desk.now_ns += 20 * MS
    assert desk.quote("a", 99.1, 101.0) == []
    desk.now_ns += 20 * MS
    assert desk.quote("b", 99.2, 101.0) == []
    desk.now_ns += 60 * MS
    (told,) = desk.consolidator.touch(("elsewhere", "X"), Trust.LIVE, desk.now_ns)
    assert (told.ts_recv_ns, told.bid) == (desk.now_ns, ("b", 99.2, 1.0))


def test_change_that_begins_a_step_is_in_what_the_step_tells():
    desk = Desk(a=10.0, b=10.0)
    desk.quote("a", 99.0, 101.0)
    desk.quote("b", 98.0, 102.0)
    desk.now_ns += 100 * MS
    (told,) = desk.quote("b", 99.3, 101.0)
    assert told.bid.price == 99.3


def test_unchanged_pair_is_told_once_a_second():
    desk = Desk(a=10.0, b=10.0)
    desk.quote("a", 99.0, 101.0)
    for _ in range(50):
        desk.now_ns += 100 * MS
        desk.touch("a")
    assert len(desk.told) == 1 + 5


events = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 150), st.integers(0, 20), st.sampled_from(list(Trust))), max_size=120
)


@given(events=events)
@settings(max_examples=60, deadline=None)
def test_no_pair_is_told_more_than_ten_times_a_second_and_the_fold_repeats(events):
    def fold():
        consolidator, told, now_ns = Consolidator(), [], T0_NS
        for venue in "abc":
            consolidator.learn(listing(venue))
            consolidator.learn(listing(venue, symbol="ETHUSDT", base="ETH"))
        for venue, wait_ms, price, trust in events:
            now_ns += wait_ms * MS
            symbol = "BTCUSDT" if price % 3 else "ETHUSDT"
            quote = Quote(90.0 + price, 1.0, 95.0 + price, 1.0)
            told += consolidator.fold(("abc"[venue], symbol), quote, trust, now_ns)
        return told

    told = fold()
    assert told == fold()
    for base in ("BTC", "ETH"):
        steps = [each.ts_recv_ns // (100 * MS) for each in told if each.base == base]
        assert len(steps) == len(set(steps))
        assert steps == sorted(steps)


# ---- who takes part -------------------------------------------------------------------------------------------------


def test_pair_of_one_venue_is_not_told():
    desk = Desk(a=10.0)
    assert desk.quote("a", 99.0, 101.0) == []
    assert desk.consolidator.pairs == []
    desk.consolidator.learn(listing("b"))
    assert desk.consolidator.pairs == [("BTC", "USDT")]
    assert len(desk.quote("a", 99.0, 101.0)) == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": InstrumentKind.PERPETUAL},
        {"kind": InstrumentKind.FUTURE},
        {"quote": "USD"},
        {"base": ""},
        {"contract_size": 100.0},
    ],
)
def test_other_kind_or_currency_is_not_the_same_pair(fields):
    desk = Desk(a=10.0)
    desk.consolidator.learn(listing("b", **fields))
    assert desk.consolidator.pairs == []


def test_simulated_venue_stays_out_where_there_is_a_real_one():
    consolidator = Consolidator()
    for venue in ("sim", "sim2"):
        consolidator.learn(instrument(venue=venue, origin=Origin.SIM))
    assert consolidator.pairs == [("BTC", "USDT")]
    consolidator.learn(listing("a"))
    assert consolidator.pairs == []
    consolidator.learn(listing("b"))
    consolidator.fold(("sim", "BTCUSDT"), Quote(999.0, 1.0, 1000.0, 1.0), Trust.LIVE, T0_NS)
    (told,) = consolidator.fold(("a", "BTCUSDT"), Quote(99.0, 1.0, 101.0, 1.0), Trust.LIVE, T0_NS)
    assert [each.venue for each in told.venues] == ["a"]


def test_listing_that_changes_its_fee_keeps_its_quote():
    desk = Desk(a=10.0, b=10.0)
    desk.quote("a", 99.0, 101.0)
    desk.consolidator.learn(listing("a", 0.0))
    desk.now_ns += 100 * MS
    (told,) = desk.quote("b", 98.0, 102.0)
    assert told.net_bid == ("a", 99.0, 1.0)


def test_listing_that_becomes_another_pair_leaves_the_first():
    desk = Desk(a=10.0, b=10.0, c=10.0)
    for venue in "abc":
        desk.mid(venue, 100.0)
    desk.consolidator.learn(listing("c", base="XBT"))
    told = desk.run(0.1, {"a": 100.0, "b": 100.0, "c": 100.0})
    assert [each.venue for each in told.venues] == ["a", "b"]
    assert desk.consolidator.pairs == [("BTC", "USDT")]


# ---- the odd one out ------------------------------------------------------------------------------------------------
# At rest the allowance is fees 10 + 10, half spreads 1 + 1 and 4 sigmas of 1 bps over a quarter of a second, 2: 24 bps.


@pytest.mark.parametrize(("deviation_bps", "is_odd"), [(23.5, False), (24.5, True), (-23.5, False), (-24.5, True)])
def test_venue_beyond_fees_spreads_and_latency_is_the_odd_one(deviation_bps, is_odd):
    desk = Desk(a=10.0, b=10.0, c=10.0)
    told = desk.run(3, {"a": 100.0, "b": 100.0, "c": 100.0 * (1 + deviation_bps / 1e4)})
    assert outliers(told) == ({"c"} if is_odd else set())
    assert of(told, "c").deviation_bps == pytest.approx(deviation_bps)
    assert used(told) == ({"a", "b"} if is_odd else {"a", "b", "c"})


def test_fee_that_is_not_known_counts_as_ten_bps():
    desk = Desk(a=10.0, b=10.0, c=None)
    assert outliers(desk.run(3, {"a": 100.0, "b": 100.0, "c": 100.235})) == set()
    assert outliers(desk.run(3, {"a": 100.0, "b": 100.0, "c": 100.245})) == {"c"}


@pytest.mark.parametrize(("deviation_bps", "is_odd"), [(27.5, False), (27.8, True)])
def test_old_quote_may_deviate_by_what_the_market_moves_in_its_age(deviation_bps, is_odd):
    """Two seconds old: 4 sigmas of 1 bps over the root of 2 is 5.66 bps in place of 2, so 27.66 in all."""

    def participant(venue, mid):
        quote = Quote(mid * 0.9999, 1.0, mid * 1.0001, 1.0)
        return Participant(listing(venue), quote, Trust.LIVE, T0_NS)

    sound = [participant("a", 100.0), participant("b", 100.0), participant("c", 100.0 * (1 + deviation_bps / 1e4))]
    for now_ns in (T0_NS, T0_NS + 2 * NS_PER_S):
        for each in sound:
            each.last_ns = now_ns
        sound[2].last_ns = now_ns - 2 * NS_PER_S
        judge(sound, Volatility(), now_ns)
    assert [each.judgement.is_outlier for each in sound] == [False, False, is_odd]


def test_deviation_must_last_a_second():
    desk = Desk(a=10.0, b=10.0, c=10.0)
    desk.run(2, {"a": 100.0, "b": 100.0, "c": 100.0})
    assert outliers(desk.run(0.8, {"a": 100.0, "b": 100.0, "c": 100.5})) == set()
    assert outliers(desk.run(0.2, {"a": 100.0, "b": 100.0, "c": 100.0})) == set()
    assert outliers(desk.run(0.8, {"a": 100.0, "b": 100.0, "c": 100.5})) == set()
    assert outliers(desk.run(0.4, {"a": 100.0, "b": 100.0, "c": 100.5})) == {"c"}


def test_gross_deviation_is_told_at_once():
    desk = Desk(a=10.0, b=10.0, c=10.0)
    desk.run(1, {"a": 100.0, "b": 100.0, "c": 100.0})
    told = desk.run(0.1, {"a": 100.0, "b": 100.0, "c": 1000.0})
    assert outliers(told) == {"c"}
    assert (told.bid.venue, told.is_crossed) == ("a", False)


def test_odd_one_counts_again_after_five_seconds_within_half_the_allowance():
    desk = Desk(a=10.0, b=10.0, c=10.0)
    assert outliers(desk.run(2, {"a": 100.0, "b": 100.0, "c": 100.5})) == {"c"}
    assert outliers(desk.run(20, {"a": 100.0, "b": 100.0, "c": 100.15})) == {"c"}
    assert outliers(desk.run(4.5, {"a": 100.0, "b": 100.0, "c": 100.1})) == {"c"}
    assert outliers(desk.run(0.2, {"a": 100.0, "b": 100.0, "c": 100.15})) == {"c"}
    assert outliers(desk.run(4.5, {"a": 100.0, "b": 100.0, "c": 100.1})) == {"c"}
    assert outliers(desk.run(1.0, {"a": 100.0, "b": 100.0, "c": 100.1})) == set()


@pytest.mark.parametrize(
    "mids",
    [
        {"a": 100.0, "b": 120.0},
        {"a": 100.0, "b": 105.0, "c": 110.0},
        {"a": 100.0, "b": 100.0, "c": 110.0, "d": 110.0},
        {"a": 100.0, "b": 100.0, "c": 110.0, "d": 120.0},
    ],
    ids=["two", "three that differ", "two against two", "two of four"],
)
def test_without_a_majority_nobody_is_the_odd_one(mids):
    desk = Desk(**dict.fromkeys(mids, 10.0))
    told = desk.run(5, mids)
    assert outliers(told) == set()
    assert used(told) == set(mids)
    assert all(each.deviation_bps is not None for each in told.venues)


def test_two_of_five_may_both_be_odd():
    mids = {"a": 100.0, "b": 100.0, "c": 100.0, "d": 110.0, "e": 95.0}
    desk = Desk(**dict.fromkeys(mids, 10.0))
    assert outliers(desk.run(3, mids)) == {"d", "e"}


def test_only_two_left_keep_the_verdict_until_they_agree():
    desk = Desk(a=10.0, b=10.0, c=10.0)
    desk.run(2, {"a": 100.0, "b": 100.0, "c": 101.0})
    assert outliers(desk.run(20, {"a": 100.0, "c": 101.0})) == {"c"}
    assert outliers(desk.run(8, {"a": 101.0, "c": 101.0})) == set()


def test_verdict_is_forgotten_after_a_minute_with_nobody_to_compare():
    desk = Desk(a=10.0, b=10.0, c=10.0)
    desk.run(2, {"a": 100.0, "b": 100.0, "c": 101.0})
    told = desk.run(50, {"c": 101.0})
    assert (outliers(told), used(told)) == ({"c"}, set())
    told = desk.run(15, {"c": 101.0})
    assert (outliers(told), used(told)) == (set(), {"c"})


def test_verdict_begins_anew_with_the_venues_book():
    desk = Desk(a=10.0, b=10.0, c=10.0)
    desk.run(2, {"a": 100.0, "b": 100.0, "c": 101.0})
    desk.mid("c", 101.0, trust=Trust.RESYNC)
    desk.mid("c", 100.0)
    assert outliers(desk.settle()) == set()


def test_market_that_moves_together_accuses_nobody():
    desk = Desk(a=10.0, b=10.0, c=10.0)
    price = 100.0
    for step in range(200):
        price *= 1 + 0.002 * math.sin(step)
        told = desk.run(0.1, {"a": price, "b": price, "c": price * 1.0005})
        assert outliers(told) == set()


def test_volatility_is_an_exponential_mean_of_squared_returns():
    estimate, variance, mid = Volatility(), None, 100.0
    estimate.observe(T0_NS, mid, ("a",))
    for second in range(1, 50):
        new = mid * math.exp((1 if second % 3 else -2) * 5e-4)
        estimate.observe(T0_NS + second * NS_PER_S, new, ("a",))
        squared = (1e4 * math.log(new / mid)) ** 2
        weight = 1 - math.exp(-1 / 30)
        variance = squared if variance is None else variance + weight * (squared - variance)
        mid = new
    assert estimate.allowance_bps(4.0) == pytest.approx(4 * math.sqrt(variance) * 2)
    before = estimate.allowance_bps(1.0)
    estimate.observe(T0_NS + 50 * NS_PER_S, 200.0, ("a", "b"))
    assert estimate.allowance_bps(1.0) == before


def test_volatility_counts_a_least_latency_and_a_least_move():
    assert Volatility().allowance_bps(0.0) == 4 * 1.0 * 0.5
