"""Closed one-second bars of every instrument -> correlations, as often as data time says."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from foretick.common.clock import Clock
from foretick.common.contracts import (
    Bar,
    CorrelationMember,
    CorrelationPairs,
    Correlations,
    Origin,
    Trust,
    worst_trust,
)
from foretick.common.sequence import DerivedAudit, SequenceTally
from foretick.common.units import NS_PER_S
from foretick.features.handlers.cross_sections import CrossSectionHandler
from foretick.features.ports import CorrelationBusPublisher, CorrelationObserver, Key, Producer
from foretick.quant.correlation import Alignment, CorrelationFold, CorrelationTerms, Estimate

PATIENCE_S = 5
"""An instrument whose seconds are so far behind the newest is not waited for."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """How often to publish, in seconds of data time; and of how many instruments at most."""

    terms: CorrelationTerms = field(default_factory=CorrelationTerms)
    interval_s: int = 2
    max_instruments: int = 64


class CorrelationHandler:
    """Folds the seconds of all instruments of the run. What it tells is a function of the bars, not of when they come.

    The price of a second is its last mid, where the second's trust is LIVE; else it was not observed. Of more
    instruments than the limit those that come first by name count. ``cross`` tells the cross-sections of those seconds.
    """

    def __init__(
        self,
        publisher: CorrelationBusPublisher,
        observer: CorrelationObserver,
        clock: Clock,
        producer: Producer,
        schedule: Schedule,
        tally: SequenceTally,
    ) -> None:
        self.last_published: int | None = None
        self.cross = CrossSectionHandler(publisher, observer, clock, producer)
        self._publisher = publisher
        self._observer = observer
        self._clock = clock
        self._producer = producer
        self._schedule = schedule
        self._tally = tally
        self.begin(0)

    def begin(self, epoch: int) -> None:
        """Begin anew, to publish under the fencing epoch ``epoch``."""
        self._epoch = epoch
        self._is_silent = False
        self.cross.begin(epoch)
        self._fold = CorrelationFold(self._schedule.terms)
        self._alignment = Alignment[Bar](PATIENCE_S)
        self._audits: dict[Key, DerivedAudit] = {}
        self._latest: dict[Key, Bar] = {}
        self._counted: set[Key] = set()
        self._left_out: set[Key] = set()
        self._told_step = -1

    def hold(self) -> None:
        """Fold and tell nothing until ``release``."""
        self._is_silent = True
        self.cross.hold()

    def release(self) -> None:
        """Tell what falls due from now on, and the cross-sections that did meanwhile."""
        self._is_silent = False
        self.cross.release()

    def handle(self, bars: Sequence[Bar]) -> None:
        """Fold the closed seconds among ``bars`` and publish what is due."""
        for bar in bars:
            if bar.run_id != self._producer.run_id:
                continue
            key = (bar.venue, bar.symbol)
            audit = self._audits.setdefault(key, DerivedAudit())
            admission = audit.admit(bar.epoch, bar.asof_seq, bar.prev_asof_seq)
            self._tally.count("bars", admission)
            if admission.skip or not bar.is_closed or not self._counts(key):
                continue
            late = self._alignment.late
            for second, seconds in self._alignment.add(key, bar.start_ns // NS_PER_S, bar):
                self._take(second, list(seconds.values()))
            self._observer.late(self._alignment.late - late)

    def connects(self, bars: Sequence[Bar]) -> bool:
        """Return whether the first of ``bars`` of each instrument follows on what was handled."""
        firsts: dict[Key, Bar] = {}
        for bar in bars:
            firsts.setdefault((bar.venue, bar.symbol), bar)
        return all(
            bar.prev_asof_seq is None or key not in self._audits or self._audits[key].last_seq >= bar.prev_asof_seq
            for key, bar in firsts.items()
        )

    def _counts(self, key: Key) -> bool:
        if key in self._counted or key in self._left_out:
            return key in self._counted
        self._counted.add(key)
        if len(self._counted) > self._schedule.max_instruments:
            last = max(self._counted)
            self._counted.remove(last)
            self._left_out.add(last)
        return key in self._counted

    def _take(self, second: int, bars: Sequence[Bar]) -> None:
        prices: dict[Key, float] = {}
        for bar in bars:
            key = (bar.venue, bar.symbol)
            if key not in self._counted:
                continue
            self._latest[key] = bar
            if bar.trust is Trust.LIVE and bar.mid_close is not None and bar.mid_close > 0.0:
                prices[key] = bar.mid_close
        self._fold.fold(second, prices)
        self.cross.fold(second, prices, sorted({self._latest[key].origin for key in prices}), len(self._left_out))
        step = second // self._schedule.interval_s
        if step == self._told_step:
            return
        self._told_step = step
        if not self._is_silent and (self.last_published is None or second > self.last_published):
            self._publisher.publish_correlations(self._message(second))
            self.last_published = second

    def _message(self, second: int) -> Correlations:
        estimate, terms = self._fold.estimate(), self._schedule.terms
        members = [
            CorrelationMember(
                venue=key[0], symbol=key[1], trust=self._trust_of(key, second), observations=observations,
                reason="" if reason is None else reason.value,
            )
            for key, observations, reason in zip(estimate.keys, estimate.observations, estimate.reasons, strict=True)
        ]  # fmt: skip
        self._observer.told(len(members), len(self._left_out))
        return Correlations(
            run_id=self._producer.run_id,
            producer=self._producer.name,
            epoch=self._epoch,
            seq=second,
            prev_seq=self.last_published,
            origins=self._origins(estimate),
            ts_recv_ns=(second + 1) * NS_PER_S,
            ts_sent_ns=self._clock.now_ns(),
            trust=worst_trust(*(member.trust for member in members)),
            window_s=terms.window_s,
            half_life_s=terms.half_life_s,
            max_lag_s=terms.max_lag_s,
            left_out=len(self._left_out),
            members=members,
            pairs=_columns(estimate),
        )

    def _trust_of(self, key: Key, second: int) -> Trust:
        bar = self._latest[key]
        is_behind = bar.start_ns // NS_PER_S < second - PATIENCE_S
        return worst_trust(bar.trust, Trust.STALE) if is_behind else bar.trust

    def _origins(self, estimate: Estimate) -> list[Origin]:
        return sorted({self._latest[key].origin for key in estimate.keys})


def _columns(estimate: Estimate) -> CorrelationPairs:
    pairs = estimate.pairs
    return CorrelationPairs(
        first=[pair.first for pair in pairs],
        second=[pair.second for pair in pairs],
        windowed=[pair.windowed for pair in pairs],
        ewma=[pair.ewma for pair in pairs],
        realised=[pair.realised for pair in pairs],
        lag_s=[pair.lag_s for pair in pairs],
        lag_correlation=[pair.lag_correlation for pair in pairs],
        lead_ratio=[pair.lead_ratio for pair in pairs],
    )
