"""Event arrays check themselves."""

import numpy as np
import pytest

from foretick.common.contracts import TRUST_SEVERITY
from foretick.quant.events import DEPTH_COLUMNS, BookTrust, EventArrays, depth_values
from foretick.quant.testing import random_events

GOOD = random_events(1, 50)


def columns(**changed):
    return {"kind": GOOD.kind, "recv_ns": GOOD.recv_ns, "v": GOOD.v, "depth": GOOD.depth} | changed


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"kind": GOOD.kind.astype(np.int64)}, "kind must be"),
        ({"recv_ns": GOOD.recv_ns[:-1]}, "recv_ns must be"),
        ({"v": GOOD.v[:, :3]}, "v must be"),
        ({"v": np.asfortranarray(GOOD.v)}, "v must be"),
        ({"depth": GOOD.depth[:, :20]}, "depth must be"),
        ({"kind": np.full(50, 5, np.uint8)}, "kind 5"),
        ({"recv_ns": GOOD.recv_ns[::-1].copy()}, "recv_ns decreases"),
        ({"recv_ns": GOOD.recv_ns - 2**62}, "recv_ns is negative"),
        ({"depth": GOOD.depth[:-1].copy()}, "outside the"),
        ({"kind": np.full(50, 4, np.uint8), "v": np.full((50, 4), 9.0)}, "trust outside"),
    ],
)
def test_broken_column_is_named(changed, message):
    with pytest.raises(ValueError, match=message):
        EventArrays(**columns(**changed))


def test_slice_keeps_depth_rows():
    part = GOOD.slice(10, 30)
    assert len(part) == 20
    assert part.depth is GOOD.depth


def test_state_events_rank_trust_as_the_contracts_do():
    assert {trust.name: int(trust) for trust in BookTrust} == {
        name: rank for name, rank in TRUST_SEVERITY.items() if name != "LIVE"
    }


@pytest.mark.parametrize(("bids", "asks"), [(0, 0), (3, 0), (0, 1), (2, 10), (10, 10)])
def test_depth_row_is_prices_then_quantities_of_bids_then_asks_padded_with_zeros(bids, asks):
    row = depth_values([(100.0 - k, 1.0 + k) for k in range(bids)], [(101.0 + k, 11.0 + k) for k in range(asks)])
    wanted = np.zeros((4, DEPTH_COLUMNS // 4))
    wanted[0, :bids], wanted[1, :bids] = 100.0 - np.arange(bids), 1.0 + np.arange(bids)
    wanted[2, :asks], wanted[3, :asks] = 101.0 + np.arange(asks), 11.0 + np.arange(asks)
    assert row == tuple(wanted.ravel())
