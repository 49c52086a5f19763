"""Features of the book at its events: arithmetic by hand, and nothing from later rows."""

import math

import numpy as np
import pytest

from foretick.quant.book_windows import (
    LEVEL_NAMES,
    WINDOW_NAMES,
    book_mid,
    level_features,
    past_return,
    window_features,
)
from foretick.quant.events import DEPTH_LEVELS
from foretick.quant.testing import random_events
from foretick.quant.validation.leaks import check_future


def book(bids, asks):
    row = np.zeros((4, DEPTH_LEVELS))
    for side, levels in ((0, bids), (2, asks)):
        for place, (price, qty) in enumerate(levels):
            row[side, place], row[side + 1, place] = price, qty
    return row.ravel()


def named(features, names, row=-1):
    return dict(zip(names, features[row].tolist(), strict=True))


def test_levels_by_hand():
    found = named(level_features(book([(99.0, 2.0), (98.0, 1.0)], [(101.0, 4.0), (104.0, 3.0)])[None]), LEVEL_NAMES)
    assert found["bid_1_away_bps"] == pytest.approx(100.0)
    assert found["ask_2_away_bps"] == pytest.approx(400.0)
    assert found["ask_10_away_bps"] == pytest.approx(400.0)  # as far as the last level that is there
    usual = (2.0 + 1.0 + 4.0 + 3.0) / 20
    assert found["ask_1_qty_log_ratio"] == pytest.approx(math.log(1 + 4.0 / usual))
    assert found["bid_3_qty_log_ratio"] == 0.0


def test_windows_by_hand():
    rows = np.array([book([(99.0, 2.0)], [(101.0, 4.0)]), book([(99.0, 5.0)], [(100.0, 1.0)])])
    found = named(window_features(rows), WINDOW_NAMES)
    assert found["imbalance_1"] == pytest.approx(4 / 6)
    assert found["micro_away_bps"] == pytest.approx(1e4 * ((99.0 * 1 + 100.0 * 5) / 6 - 99.5) / 99.5)
    usual = ((2 + 4) / 20 + (5 + 1) / 20) / 2
    # the bid grew by 3 at its price; the ask fell to a better one: what stood there counts, what stood above does not
    assert found["flow_1_over_1"] == pytest.approx((3.0 - 1.0) / usual)
    assert found["return_over_1_bps"] == pytest.approx(1e4 * math.log(99.5 / 100.0))
    assert math.isnan(found["flow_1_over_10"])


def test_mid_without_both_sides_is_unknown():
    assert np.isnan(book_mid(book([(99.0, 2.0)], [])[None])).all()


def test_return_over_more_rows_than_there_are_is_unknown():
    assert np.isnan(past_return(np.ones(3), 3)).all()


@pytest.mark.parametrize("transform", [level_features, window_features])
def test_no_row_knows_later_ones(transform):
    depth = random_events(3, 2_000).depth
    assert check_future(transform, depth, (120, 200, len(depth) - 1)) == []
    assert np.isfinite(transform(depth)[101:]).all()


def test_depth_of_another_width_is_refused():
    with pytest.raises(ValueError, match="40 columns"):
        level_features(np.zeros((2, 39)))
