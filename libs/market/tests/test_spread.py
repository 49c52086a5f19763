"""Time-weighted spreads against a second-by-second sum."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretick.common.units import NS_PER_MS, NS_PER_S
from foretick.market.spread import SpreadWindow

T0_NS = 1_700_000_000 * NS_PER_S
QUARTER_NS = NS_PER_S // 4

changes = st.lists(st.tuples(st.integers(0, 30), st.one_of(st.none(), st.integers(1, 40))), min_size=1, max_size=40)


@given(changes=changes, window_s=st.integers(1, 12), rest=st.integers(0, 80))
def test_mean_is_the_sum_over_quarter_seconds(changes, window_s, rest):
    """The oracle writes down the spread of every quarter of a second and averages those in the window."""
    window, quarters, now = SpreadWindow(window_s), [], 0
    last = None
    for wait, ticks in changes:
        quarters += [last] * wait
        now += wait
        if ticks is None:
            window.interrupt(T0_NS + now * QUARTER_NS)
        else:
            window.observe(T0_NS + now * QUARTER_NS, 100.0, 100.0 + ticks / 2)
        last = ticks
    quarters += [last] * rest
    now += rest
    told = window.read(T0_NS + now * QUARTER_NS, tick_size=0.5)
    if last is None:
        assert told is None
        return
    first = (now // 4 - window_s + 1) * 4
    known = [ticks for n, ticks in enumerate(quarters) if n >= first and ticks is not None]
    bps = [ticks / 2 / (100 + ticks / 4) * 1e4 for ticks in known]
    assert told.known_s == len(known) / 4
    assert told.mean_ticks == pytest.approx(sum(known) / len(known) if known else last)
    assert told.mean_bps == pytest.approx(sum(bps) / len(bps) if known else last / 2 / (100 + last / 4) * 1e4)
    assert (told.lowest_ticks, told.highest_ticks) == (min([*known, last]), max([*known, last]))
    assert (told.spread_ticks, told.spread_quote) == (last, last / 2)


def test_spread_that_stands_three_times_as_long_weighs_three_times():
    window = SpreadWindow()
    window.observe(T0_NS, 99.0, 101.0)
    window.observe(T0_NS + 300 * NS_PER_MS, 99.0, 100.0)
    told = window.read(T0_NS + 400 * NS_PER_MS, tick_size=0.5)
    assert told.mean_ticks == pytest.approx((4 * 3 + 2 * 1) / 4)
    assert told.known_s == pytest.approx(0.4)


def test_time_that_goes_back_changes_nothing():
    window = SpreadWindow()
    window.observe(T0_NS, 99.0, 101.0)
    window.observe(T0_NS - NS_PER_S, 99.0, 100.0)
    told = window.read(T0_NS + NS_PER_S, tick_size=1.0)
    assert (told.mean_ticks, told.known_s) == (1.0, 1.0)


def test_silence_of_a_day_costs_no_more_than_the_window():
    window = SpreadWindow(window_s=5)
    window.observe(T0_NS, 99.0, 101.0)
    told = window.read(T0_NS + 86_400 * NS_PER_S, tick_size=1.0)
    assert (told.mean_ticks, told.known_s) == (2.0, 4.0)
    assert len(window._buckets) <= 5


@pytest.mark.parametrize("window_s", [0, -1])
def test_window_of_no_length_is_refused(window_s):
    with pytest.raises(ValueError, match="at least a second"):
        SpreadWindow(window_s)
