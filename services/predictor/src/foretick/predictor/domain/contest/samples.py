"""An instrument's events as rows to predict from: one at each event of its order book."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foretick.common.units import BPS_PER_UNIT, NS_PER_MS
from foretick.predictor.domain.contest.names import KERNEL_COLUMNS, PLAIN_NAMES
from foretick.predictor.domain.contest.plan import EvaluationPlan
from foretick.quant.book_windows import (
    book_mid,
    level_features,
    past_return,
    window_features,
)
from foretick.quant.events import EventArrays, EventKind
from foretick.quant.kernel import Grid, fold_history
from foretick.quant.labels import label_next_events

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes:
    """What came of each row over one horizon.

    return_bps: float64 (n), mean mid of the next events against the mid; NaN where unknown
    end_ns: int64 (n), when it was known; 0 where it is not
    exit_return_bps: float64 (n), mid of the quotes at the end of the horizon against that at the row; NaN where unknown
    last_return_bps: float64 (n), return of the mid over as many events before the row; NaN where unknown
    """

    return_bps: Floats
    end_ns: Ints
    exit_return_bps: Floats
    last_return_bps: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Rows of one instrument, one at each event of its live book, n of them.

    features: float32 (n, ``ENSEMBLE_NAMES``), NaN where missing; the first columns are ``PLAIN_NAMES``
    recv_ns: int64 (n), never decreasing; spread_bps: float64 (n), of the quotes then
    outcomes: by horizon in events
    """

    name: str
    features: NDArray[np.float32]
    recv_ns: Ints
    spread_bps: Floats
    outcomes: dict[int, Outcomes]
    taker_fee_bps: float


def build_samples(name: str, events: EventArrays, taker_fee_bps: float, plan: EvaluationPlan) -> Samples:
    """Return the rows of an instrument. Nothing in a row's features is later than its event.

    Raises:
        ValueError: the events hold no live book.
    """
    at = np.flatnonzero(events.kind == EventKind.DEPTH)
    if not len(at):
        raise ValueError("holds no live order book")
    depth = events.depth[events.v[at, 0].astype(np.int64)]
    recv_ns = events.recv_ns[at]
    bid, ask = _quotes_at(events, at)
    quote_mid = np.where(np.isfinite(bid), (bid + ask) / 2.0, book_mid(depth))
    lead = np.where(np.isfinite(bid), BPS_PER_UNIT * np.log(quote_mid / book_mid(depth)), np.nan)
    stretch = np.cumsum(events.kind == EventKind.STATE)[at]  # the book was not live between two of them
    plain = np.full((len(at), len(PLAIN_NAMES)), np.nan)
    outcomes = {horizon: _unknown(len(at)) for horizon in plan.horizons_events}
    for number in np.unique(stretch):
        rows = np.flatnonzero(stretch == number)
        plain[rows] = np.concatenate([level_features(depth[rows]), window_features(depth[rows])], axis=1)
        for horizon, found in outcomes.items():
            _label(found, rows, (book_mid(depth[rows]), quote_mid[rows], recv_ns[rows]), horizon)
    live = _vectors_at(events, at, plan)
    best_bid, best_ask = np.where(np.isfinite(bid), bid, depth[:, 0]), np.where(np.isfinite(ask), ask, depth[:, 20])
    return Samples(
        name=name,
        features=np.concatenate([plain, live, lead[:, None]], axis=1).astype(np.float32),
        recv_ns=recv_ns,
        spread_bps=BPS_PER_UNIT * (best_ask - best_bid) / quote_mid,
        outcomes=outcomes,
        taker_fee_bps=taker_fee_bps,
    )


def _unknown(n: int) -> Outcomes:
    return Outcomes(np.full(n, np.nan), np.zeros(n, np.int64), np.full(n, np.nan), np.full(n, np.nan))


def _label(found: Outcomes, rows: Ints, series: tuple[Floats, Floats, Ints], horizon: int) -> None:
    """Write what came of ``rows``, which follow each other without a gap, into ``found``."""
    mid, quote_mid, recv_ns = series
    labels = label_next_events(mid, horizon, 0.0)
    known = labels.known
    found.return_bps[rows] = labels.return_bps
    found.end_ns[rows[known]] = recv_ns[labels.end[known]]
    moved = BPS_PER_UNIT * np.log(quote_mid[labels.end[known]] / quote_mid[known])
    found.exit_return_bps[rows[known]] = moved
    found.last_return_bps[rows] = past_return(mid, horizon)


def _quotes_at(events: EventArrays, at: Ints) -> tuple[Floats, Floats]:
    """Return best bid and ask of the latest quote before each event ``at``; NaN before the first, and after a loss."""
    is_quote = events.kind == EventKind.QUOTE
    speaks = is_quote | (events.kind == EventKind.STATE)
    latest = np.maximum.accumulate(np.where(speaks, np.arange(len(events.kind)), -1))[at]
    holds = (latest >= 0) & is_quote[np.maximum(latest, 0)]
    values = events.v[np.maximum(latest, 0)]
    return np.where(holds, values[:, 0], np.nan), np.where(holds, values[:, 2], np.nan)


def _vectors_at(events: EventArrays, at: Ints, plan: EvaluationPlan) -> Floats:
    """Return the live features of the latest vector that was emitted up to each event ``at``; NaN before the first."""
    vectors = fold_history(events, Grid(plan.step_ms * NS_PER_MS, plan.window_steps), first_seq=0)
    latest = np.searchsorted(vectors.asof_seq, at, side="right") - 1
    values = np.full((len(at), len(KERNEL_COLUMNS)), np.nan)
    known = latest >= 0
    values[known] = vectors.values[latest[known]][:, list(KERNEL_COLUMNS)]
    return values
