"""Batches of the bus, and the restore before them."""

from foretick.common.contracts import Trust
from foretick.common.testing.builders import book_frame, prediction, snapshot, tick_frame
from foretick.common.testing.fakes import FakeData, ManualClock
from foretick.gateway.domain.board import Board
from foretick.gateway.handlers.bus import BusHandler

IDENTITY = ("sim", "BTCUSDT")


def test_batches_wait_for_the_restore(board: Board, clock: ManualClock):
    handler = BusHandler(board, FakeData(), clock)
    handler.on_batch([tick_frame("Q", seq=11)])
    assert board.view(IDENTITY).market.is_empty
    handler.restore([book_frame(seq=9), tick_frame("Q", seq=10)])
    view = board.view(IDENTITY)
    assert (view.events.last_seq, view.book.trust, board.audits.total().gaps) == (11, Trust.LIVE, 0)


def test_message_that_came_both_ways_is_folded_once(board: Board, clock: ManualClock):
    handler = BusHandler(board, FakeData(), clock)
    handler.on_batch([tick_frame("T", seq=10)])
    handler.restore([tick_frame("T", seq=10)])
    assert board.view(IDENTITY).market.data().volume_qty == 1.0


def test_malformed_book_is_dead_lettered_and_the_rest_of_the_batch_goes_on(board: Board, clock: ManualClock):
    data = FakeData()
    handler = BusHandler(board, data, clock)
    handler.restore([])
    handler.on_batch([book_frame([snapshot(bids=[(1.23456, 1.0)])], seq=1), prediction()])
    ((source, reason, _),) = data.rejected
    assert source == "BookFrame.book"
    assert "off its grid" in reason
    assert board.view(IDENTITY).prediction is not None
    assert board.view(IDENTITY).book.trust is Trust.RESYNC
