"""Every instrument of the simulated exchange through the real connector: live, whole, nothing refused."""

from collections.abc import Callable
from typing import Any

import pytest

from foretick.common.contracts import Trust
from foretick.ingest.adapters.simulator import frames
from foretick.market.simulation import LISTINGS, simulate_history

from ..plain_captures import listing_of, received


@pytest.mark.parametrize("symbol", LISTINGS)
def test_connector_stays_live_and_publishes_what_the_history_holds(new_feed: Callable[..., Any], symbol: str):
    start_ns, seconds = 1_800_000_000_000_000_000, 20
    recorded = list(frames([symbol], seed=13, duration_s=seconds, start_ns=start_ns))
    feed = new_feed([listing_of(recorded, symbol)])
    feed.handler.on_time(recorded[0].recv_ns)
    feed.handler.on_connected([symbol], 1)
    feed.play([received(frame, symbol) for frame in recorded])
    local = feed.engine.feeds[symbol].local
    assert local.trust is Trust.LIVE
    assert (local.counters.syncs, local.counters.chain_breaks, local.counters.tops_differing) == (1, 0, 0)
    assert feed.outlet.rejected == []

    history = simulate_history([symbol], 13, seconds, start_ns).events[symbol]
    ticks = [event for _, event in feed.outlet.numbered(symbol) if isinstance(event, tuple)]
    for letter, kind in (("T", 0), ("Q", 1)):
        values = history.v[history.kind == kind]
        expected = values[:, :3] if letter == "T" else values
        assert [tick[3][: expected.shape[1]] for tick in ticks if tick[0] == letter] == [tuple(row) for row in expected]
        assert [tick[1] for tick in ticks if tick[0] == letter] == history.recv_ns[history.kind == kind].tolist()
    bids, asks = local.book.top(10)
    last = history.depth[-1].reshape(4, 10)
    assert bids == list(zip(last[0], last[1], strict=True))
    assert asks == list(zip(last[2], last[3], strict=True))
