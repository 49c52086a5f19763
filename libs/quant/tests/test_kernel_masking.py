"""What is not known is missing: masked books, voided quotes, one-sided and crossed tops, warm-up."""

import numpy as np
import pytest

from foretick.quant.events import BookTrust, EventArrays, EventKind
from foretick.quant.kernel import FeatureKernel, Grid, fold_history
from foretick.quant.kernel.vector import META_COLUMNS
from foretick.quant.registry import INDEX
from foretick.quant.testing import START_NS

GRID = Grid(interval_ns=100_000_000, window_steps=100)
QUOTE, DEPTH = (99.0, 2.0, 101.0, 6.0), tuple([99.0] * 10 + [1.0] * 10 + [101.0] * 10 + [3.0] * 10)


def events_of(*rows: tuple[EventKind, tuple[float, ...]], gap_ns: int = 100_000_000) -> EventArrays:
    n = len(rows)
    v, depth = np.zeros((n, 4)), np.zeros((n, 40))
    for i, (kind, values) in enumerate(rows):
        if kind is EventKind.DEPTH:
            v[i, 0], depth[i] = i, values
        else:
            v[i, : len(values)] = values
    return EventArrays(np.array([k for k, _ in rows], np.uint8), START_NS + np.arange(n) * gap_ns, v, depth)


def column(events: EventArrays, name: str) -> list[float]:
    return fold_history(events, GRID).values[:, INDEX[name]].tolist()


def test_book_is_masked_from_a_state_until_the_next_depth():
    events = events_of(
        (EventKind.DEPTH, DEPTH),
        (EventKind.STATE, (BookTrust.STALE,)),
        (EventKind.QUOTE, QUOTE),
        (EventKind.DEPTH, DEPTH),
    )
    np.testing.assert_equal(column(events, "depth_imbalance_l5"), [-0.5, np.nan, np.nan, -0.5])


def test_quotes_outlive_a_stale_book_but_not_a_gap():
    for trust, mid in ((BookTrust.STALE, 100.0), (BookTrust.CROSSED, 100.0), (BookTrust.GAP, np.nan)):
        vectors = fold_history(events_of((EventKind.QUOTE, QUOTE), (EventKind.STATE, (trust,))), GRID)
        np.testing.assert_equal(vectors.mid, [100.0, mid])


def test_void_is_a_gap_between_events():
    events = events_of((EventKind.QUOTE, QUOTE), (EventKind.DEPTH, DEPTH), (EventKind.CLOCK, ()))
    kernel = FeatureKernel(GRID)
    row = kernel.add()
    kernel.void(row)  # before any event it changes nothing
    assert kernel.fold(row, events.slice(0, 2)) == 2
    kernel.void(row)
    assert kernel.fold(row, events.slice(2, 3)) == 1
    assert np.isnan(kernel.out[0, 3])
    assert np.isnan(kernel.out[0, META_COLUMNS + INDEX["depth_imbalance_l5"]])


def test_quote_speaks_for_the_top_until_it_has_been_silent_for_two_seconds():
    other = (98.0, *DEPTH[1:])
    events = events_of((EventKind.QUOTE, QUOTE), *[(EventKind.DEPTH, other)] * 21)
    mids = fold_history(events, GRID).mid.tolist()
    assert mids[:20] == [100.0] * 20
    assert mids[20:] == [99.5, 99.5]


@pytest.mark.parametrize(
    "bad", [(101.5, 1.0, 101.0, 1.0), (0.0, 0.0, 101.0, 1.0), (99.0, 1.0, 0.0, 0.0), (np.nan, 1.0, 101.0, 1.0),
            (99.0, 1.0, np.inf, 1.0), (99.0, -1.0, 101.0, 1.0)],
)  # fmt: skip
def test_quote_that_is_no_market_is_no_mid(bad):
    vectors = fold_history(events_of((EventKind.QUOTE, QUOTE), (EventKind.QUOTE, bad), (EventKind.QUOTE, QUOTE)), GRID)
    np.testing.assert_equal(vectors.mid, [100.0, np.nan, 100.0])
    np.testing.assert_equal(vectors.values[:, INDEX["spread_bps"]], [200.0, np.nan, 200.0])


@pytest.mark.parametrize("bad", [(0.0, 1.0, 1.0), (np.nan, 1.0, 1.0), (100.0, 0.0, -1.0), (np.inf, 1.0, 1.0)])
def test_trade_without_price_or_quantity_says_nothing(bad):
    good = [(EventKind.TRADE, (100.0, 1.0, 1.0)), (EventKind.QUOTE, QUOTE)] * 300
    spoilt = [(kind, bad if i == 200 else values) for i, (kind, values) in enumerate(good)]
    left_out = [(EventKind.CLOCK, ()) if i == 200 else row for i, row in enumerate(good)]
    a, b = fold_history(events_of(*spoilt), GRID), fold_history(events_of(*left_out), GRID)
    np.testing.assert_array_equal(a.values, b.values)
