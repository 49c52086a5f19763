"""How a model and its members have done on an instrument, and so how sure the next prediction may be."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import isinf

from foretick.common.contracts import (
    Abstention,
    Coverage,
    LiveScore,
    NoInterval,
    Outcome,
    Prediction,
    Regime,
    Reliability,
    ReturnInterval,
)
from foretick.predictor.domain.assessment import Assessment
from foretick.predictor.domain.classes import CLASSES, classify_return, most_probable, values_of
from foretick.predictor.domain.predicting import Numbers
from foretick.predictor.domain.regimes import Reading
from foretick.predictor.domain.score import RunningScore, ScoredOutcome, log_loss_of
from foretick.quant.conformal import AdaptiveInterval
from foretick.quant.scoring.window import ReliabilityWindow, Told
from foretick.quant.weights import FixedShare, RegretWindow

COVERAGE_FRAC = 0.9
"""Share of intervals that should hold."""

CALIBRATION_EVERY = 50
"""Outcomes from one word on calibration to the next."""

Prior = tuple[float, float, float]

_REGIMES: tuple[Regime | None, ...] = (None, *Regime)
_PLACE = {regime: place for place, regime in enumerate(_REGIMES)}

OUTWARD = 1.0 + 2.0**-50
"""Bounds are rounded outward: what lies exactly on one is within, whatever a multiplication rounds away."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a track record is kept by.

    score_window: outcomes that scores and coverage are taken of
    abstention_cost_frac: what abstaining costs, a wrong decision costing 1; None: as much as the prior's answer does
    online_weights: the members' weights follow their losses; else they stay as trained
    horizon_steps: outcomes that follow from the same prices: together they say as much as one
    """

    score_window: int
    abstention_cost_frac: float | None = None
    online_weights: bool = True
    horizon_steps: int = 1


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a prediction was worth once its outcome is known; fields as in the contract of outcomes."""

    predicted: int
    came: int
    log_loss: float
    prior_log_loss: float
    brier: float
    confidence_frac: float
    error_scales: float | None
    interval_held: bool | None
    next_miss_frac: float
    score: LiveScore
    coverage: Coverage | None
    member_log_loss: list[float]
    next_weights: list[float]
    regret_nats: float | None


class TrackRecord:
    """Score, intervals, decisions and weights of one model on one instrument.

    Args:
        prior: class frequencies of the model's training
        terms: what the record is kept by
        weights: of the model's members, as trained; without any there is nothing to follow
    """

    __slots__ = (
        "_following",
        "_interval",
        "_least_frac",
        "_prior",
        "_regret",
        "_reliability",
        "_score",
        "_step",
        "_trained",
        "_untold",
    )

    def __init__(self, prior: Prior, terms: Terms, weights: Sequence[float] = ()) -> None:
        cost_frac = terms.abstention_cost_frac
        self._least_frac = max(prior) if cost_frac is None else 1.0 - cost_frac
        self._score = RunningScore(prior, terms.score_window)
        self._interval = AdaptiveInterval(COVERAGE_FRAC, judged_window=terms.score_window)
        self._prior = prior
        self._reliability = ReliabilityWindow(terms.score_window, len(_REGIMES))
        self._trained = tuple(weights)
        self._following = _follow(weights, terms)
        self._regret = RegretWindow(terms.score_window, len(self._trained))
        self._untold = 0
        self._step = -1

    def weights_in(self, regime: Regime | None) -> Sequence[float]:
        """Return the members' weights of now, in order."""
        return self._following[_PLACE[regime]].weights if self._following else self._trained

    def assess(self, numbers: Numbers, reading: Reading) -> Assessment:
        """Return how sure ``numbers`` are, by what is known now."""
        confidence = max(numbers.probabilities)
        sure = confidence >= self._least_frac
        found = self._interval_around(numbers.expected_return_bps, reading.volatility_bps)
        return Assessment(
            regime=reading.regime,
            volatility_bps=reading.volatility_bps,
            interval=found if isinstance(found, ReturnInterval) else None,
            no_interval=found if isinstance(found, NoInterval) else None,
            abstention=None if sure else Abstention(confidence_frac=confidence, least_frac=self._least_frac),
            weights=self.weights_in(reading.regime),
        )

    def judge(self, prediction: Prediction, return_bps: float) -> Verdict:
        """Take the outcome of a prediction with numbers into the record; return what it was worth."""
        odds, flat_bps, expected_bps = prediction.probabilities, prediction.flat_bps, prediction.expected_return_bps
        if odds is None or flat_bps is None or expected_bps is None:
            raise ValueError("a withheld prediction has no outcome")
        probabilities = values_of(odds)
        came, predicted = classify_return(return_bps, flat_bps), most_probable(probabilities)
        scored = self._score.add(probabilities, came, decided=prediction.abstention is None)
        error_scales = _error_of(expected_bps, return_bps, prediction.volatility_bps)
        held = None if prediction.interval is None else lies_within(return_bps, prediction.interval)
        self._step = prediction.step
        if error_scales is not None:
            self._interval.observe(error_scales, held)
        brier = sum((p - (place == came)) ** 2 for place, p in enumerate(probabilities))
        told = Told(_PLACE[prediction.regime], probabilities[predicted], predicted == came, brier, held)
        self._reliability.add(told)
        self._untold += 1
        losses = [log_loss_of(values_of(member)[came]) for member in prediction.members.values()]
        self._weigh(prediction.regime, scored.log_loss, losses)
        return Verdict(
            predicted=predicted,
            came=came,
            log_loss=scored.log_loss,
            prior_log_loss=scored.prior_log_loss,
            brier=brier,
            confidence_frac=probabilities[predicted],
            error_scales=error_scales,
            interval_held=held,
            next_miss_frac=self._interval.alpha,
            score=self._score.read(),
            coverage=self._coverage(),
            member_log_loss=losses,
            next_weights=list(self.weights_in(prediction.regime)) if self._following else [],
            regret_nats=self._regret.read(),
        )

    def go_on_from(self, outcome: Outcome) -> None:
        """Take an outcome that a predecessor has published into the record; those of steps that are in it are not."""
        if outcome.step <= self._step:
            return
        self._step = outcome.step
        came = CLASSES.index(outcome.realised)
        self._score.restore(
            ScoredOutcome(
                is_right=outcome.predicted is outcome.realised,
                is_prior_right=most_probable(self._prior) == came,
                log_loss=outcome.log_loss,
                prior_log_loss=outcome.prior_log_loss,
                decided=not outcome.abstained,
            )
        )
        if outcome.error_scales is not None:
            self._interval.observe(outcome.error_scales, outcome.interval_held)
        if outcome.next_miss_frac is not None:
            self._interval.go_on_at(outcome.next_miss_frac)

        if outcome.confidence_frac is not None and outcome.brier is not None:
            is_right, held = outcome.predicted is outcome.realised, outcome.interval_held
            told = Told(_PLACE[outcome.regime], outcome.confidence_frac, is_right, outcome.brier, held)
            self._reliability.add(told)

        if self._trained and len(outcome.member_log_loss) == len(self._trained):
            self._regret.add(outcome.log_loss, outcome.member_log_loss)
        if self._following and len(outcome.next_weights) == len(self._trained):
            self._following[_PLACE[outcome.regime]].go_on_at(outcome.next_weights)

    def take_reliability(self) -> list[Reliability]:
        """Return how probabilities and intervals held, over all regimes and in each that has outcomes.

        Nothing until ``CALIBRATION_EVERY`` outcomes came since the last time.
        """
        if self._untold < CALIBRATION_EVERY:
            return []
        self._untold = 0
        of_regimes = [(regime, self._reliability.read(place)) for place, regime in enumerate(_REGIMES)]
        found = [(None, self._reliability.read()), *((regime, one) for regime, one in of_regimes if one.count)]
        return [Reliability(regime=regime, **asdict(one)) for regime, one in found]

    def _weigh(self, regime: Regime | None, loss: float, of_members: list[float]) -> None:
        if not self._trained or len(of_members) != len(self._trained):
            return  # of a model that names its members otherwise: nothing is known of ours
        self._regret.add(loss, of_members)
        if self._following:
            self._following[_PLACE[regime]].observe(of_members)

    def _interval_around(self, expected_bps: float, volatility_bps: float | None) -> ReturnInterval | NoInterval:
        if volatility_bps is None:
            return NoInterval.NO_VOLATILITY
        width = self._interval.width()
        if width is None:
            return NoInterval.WARMING_UP
        if isinf(width):
            return ReturnInterval(low_bps=None, high_bps=None, coverage_frac=COVERAGE_FRAC)
        reach_bps = width * volatility_bps * OUTWARD
        return ReturnInterval(
            low_bps=expected_bps - reach_bps, high_bps=expected_bps + reach_bps, coverage_frac=COVERAGE_FRAC
        )

    def _coverage(self) -> Coverage | None:
        frac = self._interval.coverage_frac
        if frac is None:
            return None
        return Coverage(count=self._interval.judged, coverage_frac=frac, target_frac=COVERAGE_FRAC)


def lies_within(return_bps: float, interval: ReturnInterval) -> bool:
    """Return whether ``return_bps`` lies in ``interval``, its ends included.

    >>> lies_within(2.0, ReturnInterval(low_bps=None, high_bps=2.0, coverage_frac=0.9))
    True
    """
    low, high = interval.low_bps, interval.high_bps
    return (low is None or low <= return_bps) and (high is None or return_bps <= high)


def _follow(weights: Sequence[float], terms: Terms) -> list[FixedShare]:
    """Return weights for each regime, all as trained; none where they are to stay so, or are no shares of a whole."""
    total = sum(weights)
    if not terms.online_weights or total <= 0.0 or min(weights) < 0.0:
        return []
    shares = [weight / total for weight in weights]
    return [FixedShare(shares, eta=1.0 / terms.horizon_steps) for _ in _REGIMES]


def _error_of(expected_bps: float, return_bps: float, volatility_bps: float | None) -> float | None:
    return None if volatility_bps is None else abs(return_bps - expected_bps) / volatility_bps
