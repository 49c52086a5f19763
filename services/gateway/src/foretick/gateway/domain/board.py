"""Everything that the gateway knows, kept current by the messages of the bus."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from foretick.common.contracts import (
    Bar,
    BookFrame,
    Calibration,
    ConsolidatedQuote,
    Contract,
    Correlations,
    FeatureHealth,
    FeatureVector,
    Instrument,
    ModelDecision,
    ModelLife,
    Origin,
    Outcome,
    ParityCertificate,
    Prediction,
    TickFrame,
    VenueStatus,
)
from foretick.common.sequence import SequenceTally
from foretick.common.units import micros_from_nanos
from foretick.gateway.domain.audience import Audience
from foretick.gateway.domain.certificate import CertificateView
from foretick.gateway.domain.channels import CHANNELS, SYSTEM, Scope
from foretick.gateway.domain.consolidated import PairBoard
from foretick.gateway.domain.correlations import CorrelationView
from foretick.gateway.domain.directory import Directory, Identity
from foretick.gateway.domain.health_board import HealthBoard, HealthData
from foretick.gateway.domain.instrument_view import InstrumentView
from foretick.gateway.domain.models import ModelView
from foretick.gateway.domain.payloads import MetricsData
from foretick.gateway.domain.protocol import FeatureLabel, Heartbeat, Instruments, encode
from foretick.gateway.domain.system_view import RateWindow, pooled_score
from foretick.gateway.domain.topic import Tally, Topic
from foretick.gateway.domain.venue_board import VenueBoard, VenuesData
from foretick.gateway.domain.waterfall import Waterfall


@dataclass(frozen=True, slots=True)
class Identification:
    """Which run this is, and what its vectors mean."""

    run_id: str
    epoch: int
    schema_id: str
    schema_hash: str
    features: tuple[FeatureLabel, ...]


class Board:
    """The views of all instruments and of the system, and the topics over them.

    ``fold`` and ``publish`` run in one turn for each batch of the bus, so that readers between batches see states that
    have been published.
    """

    def __init__(
        self,
        identification: Identification,
        directory: Directory,
        audience: Audience,
        audits: SequenceTally | None = None,
    ) -> None:
        self.identification = identification
        self.directory = directory
        self.audience = audience
        self.fanout = Tally()
        self.audits = audits or SequenceTally()
        self.instruments: dict[Identity, InstrumentView] = {}
        self.pairs = PairBoard(self.fanout)
        self.venues = VenueBoard()
        self.health = HealthBoard()
        self.models = ModelView(self.fanout)
        self.model_id: str | None = None
        self.arrivals: dict[str, int] = {}
        self._system_data: dict[str, Callable[[], Contract]] = {
            "metrics": self.metrics_data, "venues": self.venues_data, "feature_health": self.health_data,
        }  # fmt: skip
        self.system = {
            name: Topic(CHANNELS[name], SYSTEM, SYSTEM, read, self.fanout) for name, read in self._system_data.items()
        }
        self.correlations = CorrelationView(self.fanout, self.audits)
        self.system["correlations"] = self.correlations.topic
        self.certificate = CertificateView(self.fanout, self.audits)
        self.system["certificate"] = self.certificate.topic
        self.system["models"] = self.models.topic
        self.waterfall = Waterfall()
        self._messages = RateWindow()
        self._now_ns = 0
        self._beats = 0
        self._has_new_listings = False
        self._touched: dict[InstrumentView, None] = {}
        self._folds: dict[type, Callable[[Any, int], None]] = {
            TickFrame: self._fold_ticks,
            BookFrame: self._fold_book,
            FeatureVector: self._fold_features,
            Prediction: self._fold_prediction,
            Outcome: self._fold_outcome,
            Calibration: self._fold_calibration,
            Bar: self._fold_bar,
            Instrument: self._fold_listing,
            ConsolidatedQuote: self.pairs.fold,
            Correlations: self.correlations.fold,
            ParityCertificate: self.certificate.fold,
            FeatureHealth: self.health.fold,
            VenueStatus: self.venues.fold,
            ModelDecision: self.models.fold_decision,
            ModelLife: self.models.fold_life,
        }

    @property
    def origin(self) -> Origin | None:
        """Where the data comes from: the origin of the first listed instrument."""
        labels = self.directory.labels
        return labels[0].origin if labels else None

    def view(self, identity: Identity) -> InstrumentView:
        """Return the view of an instrument, a new one for one not seen before."""
        view = self.instruments.get(identity)
        if view is None:
            view = self.instruments[identity] = InstrumentView(*identity, self.fanout, self.audits)
        return view

    def topic(self, channel: str, identity: Identity) -> Topic:
        """Return the topic of a channel for an instrument; for a channel of the system, whatever the instrument.

        Raises:
            Refused: of a channel of pairs, for an instrument that is not listed yet.
        """
        match CHANNELS[channel].scope:
            case Scope.SYSTEM:
                return self.system[channel]
            case Scope.PAIR:
                return self.pairs.view(self.directory.pair_of(identity)).topic
            case Scope.INSTRUMENT:
                return self.view(identity).topics[channel]

    def fold(self, message: Contract, arrived_ns: int) -> None:
        """Fold one message that arrived at ``arrived_ns`` (wall clock).

        Raises:
            Malformed: when its content cannot be right.
        """
        self._folds[type(message)](message, arrived_ns)

    def restore(self, messages: Sequence[Any]) -> None:
        """Fold the last message of each subject, of this run, as old as it is.

        What lies between the last tick and the last book event of an instrument is of the other kind, so nothing of it
        counts as lost.
        """
        for message in sorted(messages, key=_place):
            if getattr(message, "run_id", self.identification.run_id) != self.identification.run_id:
                continue
            if isinstance(message, TickFrame | BookFrame):
                self.view((message.venue, message.symbol)).events.expect(message.epoch, message.seq)
            self.fold(message, _sent_ns(message))
        self.waterfall = Waterfall()  # the past is not part of the last minute

    def publish(self) -> None:
        """Tell the clients what changed."""
        if self._has_new_listings:  # once for a batch, however many it lists
            self._has_new_listings = False
            self.audience.announce(encode(Instruments(instruments=self.directory.labels)))
        touched, self._touched = self._touched, {}
        for view in touched:
            view.publish()

    def count_messages(self, count: int, now_ns: int) -> None:
        """Count messages of the bus, for the throughput."""
        self._messages.add(count, now_ns)

    def beat(self, now_ns: int) -> None:
        """Send the heartbeat, and what the channels of the system tell this second."""
        self._now_ns = now_ns
        self.audience.beat(encode(Heartbeat(server_ts_us=micros_from_nanos(now_ns), connections=len(self.audience))))
        self._beats += 1
        for name, read in self._system_data.items():
            self.system[name].publish(self.identification.epoch, self._beats, read(), now_ns)

    def health_data(self) -> HealthData:
        """Return how well feature values are, as of the last beat."""
        return self.health.data(self._now_ns)

    def metrics_data(self) -> MetricsData:
        """Return the system at a glance, as of the last beat."""
        waterfall = self.waterfall.data(self._now_ns)
        scores = (
            view.outcome.score
            for view in self.instruments.values()
            if view.outcome and view.outcome.model_id == self.model_id
        )
        return MetricsData(
            latency_p50_us=waterfall.p50_us,
            latency_p99_us=waterfall.p99_us,
            messages_per_s=self._messages.per_s(self._now_ns),
            connections=len(self.audience),
            model_id=self.model_id,
            score=pooled_score(scores),
            conflated=self.fanout.conflated,
            waterfall=waterfall,
        )

    def venues_data(self) -> VenuesData:
        """Return how the venues are reached, as of the last beat."""
        return self.venues.data(self._now_ns)

    def _fold_ticks(self, frame: TickFrame, arrived_ns: int) -> None:
        view = self._touch("ingest", frame, arrived_ns)
        view.fold_ticks(frame, arrived_ns)

    def _fold_book(self, frame: BookFrame, arrived_ns: int) -> None:
        view = self._touch("ingest", frame, arrived_ns)
        view.fold_book(frame, arrived_ns)

    def _fold_features(self, vector: FeatureVector, arrived_ns: int) -> None:
        self._touch("features", vector, arrived_ns).fold_features(vector, arrived_ns)

    def _fold_prediction(self, prediction: Prediction, arrived_ns: int) -> None:
        if self._touch("predictor", prediction, arrived_ns).fold_prediction(prediction, arrived_ns):
            self.waterfall.take(prediction, arrived_ns)
            self.model_id = prediction.model_id or self.model_id

    def _fold_outcome(self, outcome: Outcome, arrived_ns: int) -> None:
        self._touch("predictor", outcome, arrived_ns).fold_outcome(outcome)

    def _fold_calibration(self, calibration: Calibration, arrived_ns: int) -> None:
        self._touch("predictor", calibration, arrived_ns).calibration.fold(calibration, arrived_ns)

    def _fold_bar(self, bar: Bar, arrived_ns: int) -> None:
        self.view((bar.venue, bar.symbol)).fold_bar(bar, arrived_ns)

    def _fold_listing(self, instrument: Instrument, _arrived_ns: int) -> None:
        self._has_new_listings |= self.directory.enlist(instrument)

    def _touch(
        self,
        service: str,
        message: TickFrame | BookFrame | FeatureVector | Prediction | Outcome | Calibration,
        arrived_ns: int,
    ) -> InstrumentView:
        self.arrivals[service] = max(arrived_ns, self.arrivals.get(service, 0))
        view = self.view((message.venue, message.symbol))
        self._touched[view] = None
        return view


def _sent_ns(message: Any) -> int:
    """Return when ``message`` left its producer, by that one's wall clock; 0 where it does not say."""
    return getattr(message, "ts_sent_ns", 0) or getattr(message, "ts_ns", 0)


def _place(message: Any) -> tuple[int, int]:
    return getattr(message, "epoch", 0), getattr(message, "seq", 0)
