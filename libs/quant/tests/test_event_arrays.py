"""Event arrays check themselves."""

import numpy as np
import pytest

from foretick.quant.events import EventArrays
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
