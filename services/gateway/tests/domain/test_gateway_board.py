"""Messages of the bus in, topics out: gaps, restarts, late starts."""

from typing import Any

from foretick.common.contracts import (
    Abstention,
    BookEvent,
    BookEventKind,
    Coverage,
    Regime,
    ReturnInterval,
    Trust,
)
from foretick.common.testing.builders import (
    T0_NS,
    book_frame,
    feature_vector,
    instrument,
    outcome,
    prediction,
    snapshot,
    tick_frame,
)
from foretick.gateway.domain.board import Board

IDENTITY = ("sim", "BTCUSDT")


def fold(board: Board, *messages: Any, at_ns: int = T0_NS) -> None:
    for message in messages:
        board.fold(message, at_ns)
    board.publish()


def empty_delta() -> BookEvent:
    return BookEvent(kind=BookEventKind.DELTA, ts_recv_ns=T0_NS, ts_event_ns=None, trust=Trust.LIVE)


def test_topic_seq_is_that_of_the_last_event_of_the_frame(board: Board):
    fold(board, tick_frame("TQT", seq=10), book_frame([snapshot(), empty_delta()], seq=13))
    view = board.view(IDENTITY)
    assert (view.ticks.epoch, view.ticks.seq) == (1, 14)
    assert view.books.seq == 14


def test_derived_topic_seq_is_asof_seq_and_its_epoch_the_producers(board: Board):
    fold(board, feature_vector(asof_seq=30, epoch=4), prediction(asof_seq=31, epoch=5))
    view = board.view(IDENTITY)
    assert (view.feature_topic.epoch, view.feature_topic.seq) == (4, 30)
    assert (view.prediction_topic.epoch, view.prediction_topic.seq) == (5, 31)


def test_gap_in_ticks_makes_the_book_gap_until_the_next_snapshot(board: Board):
    fold(board, book_frame(seq=1), tick_frame("T", seq=2))
    fold(board, tick_frame("T", seq=6))
    book = board.view(IDENTITY).book
    assert (book.trust, book.reason) == (Trust.GAP, "3 events were lost before 6")
    assert (board.audits.of("ticks").gaps, board.audits.of("ticks").lost) == (1, 3)
    fold(board, book_frame(seq=7))
    assert book.trust is Trust.LIVE


def test_gap_is_told_to_the_books_channel_without_a_book_event(board: Board):
    fold(board, book_frame(seq=1))
    fold(board, tick_frame("T", seq=6))
    assert board.view(IDENTITY).books.seq == 6


def test_duplicate_frame_changes_nothing(board: Board):
    frame = tick_frame("TT", seq=1)
    fold(board, frame)
    volume_qty = board.view(IDENTITY).market.data().volume_qty
    fold(board, frame)
    assert board.view(IDENTITY).market.data().volume_qty == volume_qty == 2.0
    assert board.audits.of("ticks").repeated == 2


def test_restarted_producer_makes_the_book_resync_until_its_snapshot(board: Board):
    fold(board, book_frame(seq=1))
    fold(board, tick_frame("T", seq=2, epoch=2))
    assert board.view(IDENTITY).book.trust is Trust.RESYNC
    fold(board, book_frame(seq=3, epoch=2))
    assert board.view(IDENTITY).book.trust is Trust.LIVE


def test_fenced_producer_is_refused_and_counted(board: Board):
    fold(board, tick_frame("T", seq=1, epoch=2), prediction(asof_seq=5, epoch=2))
    fold(board, tick_frame("T", seq=2, epoch=1), prediction(asof_seq=6, epoch=1))
    view = board.view(IDENTITY)
    assert (view.events.last_seq, view.prediction_topic.seq, board.audits.total().refused) == (1, 5, 2)


def test_score_of_another_model_is_not_told(board: Board):
    fold(board, outcome(model_id="old", asof_seq=1), prediction(model_id="new", asof_seq=10))
    assert board.view(IDENTITY).prediction.score is None
    fold(board, outcome(model_id="new", asof_seq=2), prediction(model_id="new", asof_seq=11))
    assert board.view(IDENTITY).prediction.score == outcome().score


def test_prediction_tells_how_sure_it_is_and_whether_intervals_held(board: Board):
    coverage = Coverage(count=20, coverage_frac=0.85, target_frac=0.9)
    sure = {
        "regime": Regime.ROUGH_CHOPPY, "volatility_bps": 2.0, "no_interval": None,
        "interval": ReturnInterval(low_bps=-1.5, high_bps=None, coverage_frac=0.9),
        "abstention": Abstention(confidence_frac=0.5, least_frac=0.6),
    }  # fmt: skip
    fold(board, prediction(asof_seq=9, **sure))
    assert board.view(IDENTITY).prediction.coverage is None
    fold(board, outcome(asof_seq=1, coverage=coverage), prediction(asof_seq=10, **sure))
    told = board.view(IDENTITY).prediction
    assert {name: getattr(told, name) for name in sure} == sure
    assert told.coverage == coverage


def test_latency_counts_from_ingests_socket(board: Board):
    fold(board, prediction(ts_ingest_ns=T0_NS - 4_000_000))
    assert board.view(IDENTITY).prediction.latency_us == 4_000
    board.beat(T0_NS)
    assert abs(board.metrics_data().latency_p50_us - 4_000) <= 48  # 1.2 %


def test_late_start_fills_from_last_messages_without_finding_gaps(board: Board):
    """Between the last book event (95) and the last tick (100) lie only ticks: nothing is lost."""
    board.restore([tick_frame("Q", seq=100), book_frame(seq=95), prediction(asof_seq=90), instrument()])
    view = board.view(IDENTITY)
    assert (view.book.trust, view.market.mid, view.prediction.asof_seq) == (Trust.LIVE, 100.0, 90)
    assert board.audits.channels == {}
    fold(board, tick_frame("Q", seq=101))
    assert view.book.trust is Trust.LIVE


def test_late_start_on_a_delta_leaves_the_book_resync_until_a_snapshot(board: Board):
    board.restore([tick_frame("Q", seq=90), book_frame([empty_delta()], seq=95)])
    assert board.view(IDENTITY).book.trust is Trust.RESYNC
    fold(board, book_frame(seq=96))
    assert board.view(IDENTITY).book.trust is Trust.LIVE


def test_late_start_still_finds_what_was_lost_since(board: Board):
    board.restore([book_frame(seq=95)])
    fold(board, tick_frame("Q", seq=99))
    assert board.view(IDENTITY).book.trust is Trust.GAP


def test_last_messages_of_another_run_are_ignored(board: Board):
    board.restore([tick_frame("Q", seq=1, run_id="yesterday")])
    assert board.view(IDENTITY).market.is_empty


def test_last_messages_are_as_old_as_they_are(board: Board):
    board.restore([tick_frame("Q", seq=1, ts_sent_ns=T0_NS - 60_000_000_000)])
    assert board.view(IDENTITY).market_arrived_ns == T0_NS - 60_000_000_000


def test_batch_of_many_frames_is_one_update(board: Board):
    before = board.fanout.updates
    fold(board, *(tick_frame("T", seq=seq) for seq in range(1, 51)))
    assert board.fanout.updates == before + 1


def test_update_without_a_client_is_not_encoded(board: Board):
    fold(board, tick_frame("T", seq=1))
    fold(board, tick_frame("T", seq=2))
    assert (board.fanout.updates_encoded, board.fanout.snapshots_encoded) == (0, 0)
