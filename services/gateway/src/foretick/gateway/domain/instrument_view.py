"""All that the gateway knows of one instrument, and the topics that tell it."""

from collections import deque

from foretick.common.contracts import Bar, BookFrame, FeatureVector, Outcome, Prediction, TickFrame, Trust
from foretick.common.sequence import Admission, DerivedAudit, SequenceAudit, SequenceTally
from foretick.gateway.domain.bars import BarSeries
from foretick.gateway.domain.book_view import BookView
from foretick.gateway.domain.calibration import CalibrationView
from foretick.gateway.domain.channels import BAR_CHANNELS, CHANNELS
from foretick.gateway.domain.integrity_log import IntegrityLog
from foretick.gateway.domain.market_view import MarketView
from foretick.gateway.domain.payloads import FeatureData, PredictionData, feature_data, prediction_data
from foretick.gateway.domain.topic import Tally, Topic

HISTORY_PREDICTIONS = 600
"""Predictions kept for the REST history: a minute at the default step."""


class InstrumentView:
    """Folds the messages of one instrument; ``publish`` then tells what changed, once however many were folded."""

    def __init__(self, venue: str, symbol: str, fanout: Tally, audits: SequenceTally) -> None:
        self.venue = venue
        self.symbol = symbol
        self.market = MarketView()
        self.book = BookView()
        self.integrity = IntegrityLog(venue, symbol, fanout)
        self.features: FeatureData | None = None
        self.predictions: deque[PredictionData] = deque(maxlen=HISTORY_PREDICTIONS)
        self.outcome: Outcome | None = None
        self.events = SequenceAudit()
        self.market_arrived_ns = 0
        self.ticks = Topic(CHANNELS["ticks"], venue, symbol, self.market.snapshot, fanout)
        self.books = Topic(CHANNELS["books"], venue, symbol, self.book.snapshot, fanout)
        self.feature_topic = Topic(CHANNELS["features"], venue, symbol, lambda: self.features, fanout)
        self.prediction_topic = Topic(CHANNELS["predictions"], venue, symbol, lambda: self.prediction, fanout)
        self.calibration = CalibrationView(venue, symbol, fanout, audits)
        self.bars = {timeframe: BarSeries(venue, symbol, timeframe, fanout) for timeframe in BAR_CHANNELS}
        self._feature_audit = DerivedAudit()
        self._prediction_audit = DerivedAudit()
        self._outcome_audit = DerivedAudit()
        self._audits = audits
        self._ticks_changed = False
        self._book_changed = False

    @property
    def topics(self) -> dict[str, Topic]:
        """The topics by channel."""
        topics = (self.ticks, self.books, self.feature_topic, self.prediction_topic, self.integrity.topic)
        topics += (self.calibration.topic,)
        topics += tuple(series.topic for series in self.bars.values())
        return {topic.channel.name: topic for topic in topics}

    @property
    def prediction(self) -> PredictionData | None:
        """The latest prediction."""
        return self.predictions[-1] if self.predictions else None

    def fold_ticks(self, frame: TickFrame, arrived_ns: int) -> None:
        """Fold a tick frame."""
        skip = self._audit_events(frame, len(frame.kinds), arrived_ns)
        if skip < len(frame.kinds):
            self.market.fold(frame, skip)
            self._ticks_changed = True

    def fold_book(self, frame: BookFrame, arrived_ns: int) -> None:
        """Fold a book frame.

        Raises:
            Malformed: for levels off the instrument's grid.
        """
        skip = self._audit_events(frame, len(frame.events), arrived_ns)
        if skip < len(frame.events):
            self._book_changed = True
            self.book.fold(frame, skip)

    def fold_features(self, vector: FeatureVector, arrived_ns: int) -> None:
        """Take a feature vector; the topic tells it at once."""
        if self._is_new("features", self._feature_audit.admit(vector.epoch, vector.asof_seq, vector.prev_asof_seq)):
            self.features = feature_data(vector)
            self.feature_topic.publish(vector.epoch, vector.asof_seq, self.features, arrived_ns)

    def fold_bar(self, bar: Bar, arrived_ns: int) -> None:
        """Take a bar; its topic tells it at once. Those that are not of time are for the bus alone."""
        series = self.bars.get(bar.timeframe)
        if series is not None:
            series.fold(bar, arrived_ns, self._audits)

    def fold_prediction(self, prediction: Prediction, arrived_ns: int) -> bool:
        """Take a prediction; the topic tells it at once. Returns whether it is new."""
        if not self._is_new("predictions", self._prediction_audit.admit(prediction.epoch, prediction.asof_seq)):
            return False
        is_of_model = self.outcome is not None and self.outcome.model_id == prediction.model_id
        data = prediction_data(prediction, self.outcome if is_of_model else None, arrived_ns)
        self.predictions.append(data)
        self.prediction_topic.publish(prediction.epoch, prediction.asof_seq, data, arrived_ns)
        return True

    def fold_outcome(self, outcome: Outcome) -> None:
        """Take an outcome; the next prediction of its model tells the running score and coverage."""
        if self._is_new("outcomes", self._outcome_audit.admit(outcome.epoch, outcome.asof_seq)):
            self.outcome = outcome

    def publish(self) -> None:
        """Tell the changes of price and book since the last call."""
        epoch, seq = self.events.epoch, self.events.last_seq
        if self._ticks_changed:
            self._ticks_changed = False
            self.ticks.publish(epoch, seq, self.market.data(), self.market_arrived_ns)
        if self._book_changed:
            self._book_changed = False
            self.books.publish(epoch, seq, self.book.take_delta(), self.market_arrived_ns)
            self.integrity.add(self.book.trail.take(), self.market_arrived_ns)

    def _audit_events(self, frame: TickFrame | BookFrame, count: int, arrived_ns: int) -> int:
        """Return how many events to skip; ``count`` for a frame that must not be folded."""
        is_restart = 0 <= self.events.epoch < frame.epoch
        admission = self.events.admit(frame.epoch, frame.seq, count)
        self._audits.count("ticks" if isinstance(frame, TickFrame) else "books", admission)
        if admission.refused:
            return count
        self.market_arrived_ns = max(self.market_arrived_ns, arrived_ns)
        if is_restart or admission.lost:
            self.market.spread.interrupt(self.market.ts_recv_ns)
        if is_restart:
            self._doubt_book(Trust.RESYNC, "the feed restarted", frame)
        elif admission.lost:
            self._doubt_book(Trust.GAP, f"{admission.lost} events were lost before {frame.seq}", frame)
        return admission.skip

    def _doubt_book(self, trust: Trust, reason: str, before: TickFrame | BookFrame) -> None:
        self.book.doubt(trust, reason, before)
        self._book_changed = not self.book.is_empty

    def _is_new(self, channel: str, admission: Admission) -> bool:
        self._audits.count(channel, admission)
        return admission.skip == 0
