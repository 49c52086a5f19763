"""Frames as the kernel's columns: one by one, many at once and in part are the same."""

import numpy as np
import pytest

from foretick.common.contracts import TradeColumns
from foretick.common.errors import Malformed
from foretick.common.testing import T0_NS, tick_frame
from foretick.features.domain.columns import EventColumns

FRAME = tick_frame("TQCTQ")


def put(frame, skip=0):
    columns = EventColumns(rows=1)
    n = columns.put_ticks(frame, skip)
    return [array[:n].tolist() for array in columns.arrays[:3]]


def test_every_event_is_laid_out_by_kind():
    kind, recv_ns, v = put(FRAME)
    assert kind == [0, 1, 3, 0, 1]
    assert recv_ns == [T0_NS + k * 1_000_000 for k in range(5)]
    quote = [99.99, 2.0, 100.01, 3.0]
    assert v == [[100.0, 1.0, 1.0, 0.0], quote, [0.0] * 4, [100.01, 1.0, -1.0, 0.0], quote]


@pytest.mark.parametrize("skip", range(5))
def test_skipped_events_are_left_out(skip):
    assert put(FRAME, skip) == [column[skip:] for column in put(FRAME)]


@pytest.mark.parametrize("kind", ["T", "Q", "C"])
def test_single_event_equals_its_part_of_a_frame(kind):
    single = put(tick_frame(kind))
    pair = put(tick_frame(kind * 2))
    assert [column[:1] for column in pair] == single


@pytest.mark.parametrize(
    "broken",
    [
        {"recv_ns": [1, 2]},
        {"event_ns": [None] * 4},
        {"trades": TradeColumns(price=[1.0], qty=[1.0], side=[1], trade_id=[1])},
        {"trades": TradeColumns(price=[1.0, 2.0], qty=[1.0], side=[1, 1], trade_id=[1, 2])},
    ],
)  # fmt: skip
def test_columns_that_do_not_match_are_malformed(broken):
    with pytest.raises(Malformed, match="do not match"):
        put(tick_frame("TQCTQ", **broken, ts_recv_ns=T0_NS))


def test_depth_is_padded_with_zeros():
    columns = EventColumns(rows=2)
    columns.put_depth(1, T0_NS, [(99.0, 2.0)], [(101.0, 3.0), (102.0, 4.0)])
    row = np.zeros(40)
    row[0], row[10], row[20], row[21], row[30], row[31] = 99.0, 2.0, 101.0, 102.0, 3.0, 4.0
    assert columns.depth[1].tolist() == row.tolist()
    assert (columns.kind[1], columns.v[1, 0]) == (2, 1.0)
