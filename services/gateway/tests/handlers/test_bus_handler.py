"""Batches of the bus, and the restore before them."""

from collections.abc import Callable

from foretick.common.contracts import Trust
from foretick.common.testing.builders import T0_NS, book_frame, prediction, snapshot, tick_frame
from foretick.common.testing.fakes import FakeData, ManualClock
from foretick.gateway.domain.board import Board
from foretick.gateway.domain.payloads import Stage
from foretick.gateway.handlers.bus import BusHandler

IDENTITY = ("sim", "BTCUSDT")


def call_at_once(callback: Callable[[], object]) -> None:
    callback()


def test_batches_wait_for_the_restore(board: Board, clock: ManualClock):
    handler = BusHandler(board, FakeData(), clock, call_at_once)
    handler.on_batch([tick_frame("Q", seq=11)])
    assert board.view(IDENTITY).market.is_empty
    handler.restore([book_frame(seq=9), tick_frame("Q", seq=10)])
    view = board.view(IDENTITY)
    assert (view.events.last_seq, view.book.trust, board.audits.total().gaps) == (11, Trust.LIVE, 0)


def test_message_that_came_both_ways_is_folded_once(board: Board, clock: ManualClock):
    handler = BusHandler(board, FakeData(), clock, call_at_once)
    handler.on_batch([tick_frame("T", seq=10)])
    handler.restore([tick_frame("T", seq=10)])
    assert board.view(IDENTITY).market.data().volume_qty == 1.0


def test_malformed_book_is_dead_lettered_and_the_rest_of_the_batch_goes_on(board: Board, clock: ManualClock):
    data = FakeData()
    handler = BusHandler(board, data, clock, call_at_once)
    handler.restore([])
    handler.on_batch([book_frame([snapshot(bids=[(1.23456, 1.0)])], seq=1), prediction()])
    ((source, reason, _),) = data.rejected
    assert source == "BookFrame.book"
    assert "off its grid" in reason
    assert board.view(IDENTITY).prediction is not None
    assert board.view(IDENTITY).book.trust is Trust.RESYNC


def test_gateways_own_stage_ends_after_the_writers_that_the_batch_has_woken(board: Board, clock: ManualClock):
    waiting: list[Callable[[], object]] = []
    handler = BusHandler(board, FakeData(), clock, waiting.append)
    handler.restore([prediction(asof_seq=1)])
    handler.on_batch([prediction(asof_seq=2), tick_frame("T")])
    handler.on_batch([tick_frame("T", seq=2)])
    (callback,) = waiting
    clock.advance(3_000_000)
    callback()
    track = board.waterfall.stages[Stage.GATEWAY]
    assert (sum(track.buckets), track.sum_ns) == (1, 3_000_000)
    assert board.waterfall.data(T0_NS).count == 1
