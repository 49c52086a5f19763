"""Messages with sensible defaults; name only what the test is about.

Every builder takes any field of its contract by keyword. Prices are around 100, times count from ``T0_NS``.
"""

from typing import Any

from foretick.common.contracts import (
    Bar,
    BookEvent,
    BookEventKind,
    BookFrame,
    Calibration,
    ConsolidatedQuote,
    CorrelationMember,
    CorrelationPairs,
    Correlations,
    DerivativeColumns,
    Direction,
    FeatureHealth,
    FeatureVector,
    Instrument,
    LiquidationColumns,
    LiveScore,
    ModelLife,
    ModelPublished,
    Origin,
    Outcome,
    ParityCertificate,
    ParityCheck,
    ParityVerdict,
    Prediction,
    Probabilities,
    QuoteColumns,
    Regime,
    Reliability,
    TickFrame,
    TradeColumns,
    Trust,
    VenueQuote,
    VenueState,
    VenueStatus,
)
from foretick.common.units import NS_PER_MS

T0_NS = 1_750_000_000_000_000_000
"""A round instant in 2025, UTC nanoseconds: data time of the first event of most tests."""

INTERVAL_NS = 100 * NS_PER_MS


def _identity(fields: dict[str, Any], ts_ns: int, producer: str) -> dict[str, Any]:
    identity: dict[str, Any] = {
        "venue": "sim",
        "symbol": "BTCUSDT",
        "origin": Origin.SIM,
        "run_id": "test",
        "producer": producer,
        "epoch": 1,
        "ts_recv_ns": ts_ns,
        "trust": Trust.LIVE,
    }
    identity |= fields
    identity.setdefault("ts_ingest_ns", identity["ts_recv_ns"])
    identity.setdefault("ts_sent_ns", identity["ts_ingest_ns"])
    return identity


def tick_frame(
    kinds: str = "T", *, seq: int = 1, start_ns: int = T0_NS, spacing_ns: int = NS_PER_MS, **fields: Any
) -> TickFrame:
    """A frame with an event per letter of ``kinds``, ``spacing_ns`` apart from ``start_ns`` on.

    Trade k costs ``100 + 0.01 k``, has quantity 1, sides alternate and ids count up from ``seq``; quotes are
    99.99 / 100.01. Of a derivative (``D``) only a mark price of 100 is known; a liquidation (``L``) sells 2 at 99.5.
    """
    recv_ns = [start_ns + spacing_ns * index for index in range(len(kinds))]
    trades, quotes = kinds.count("T"), kinds.count("Q")
    columns: dict[str, Any] = {
        "seq": seq,
        "kinds": kinds,
        "recv_ns": recv_ns,
        "event_ns": [None if kind == "C" else at - NS_PER_MS for kind, at in zip(kinds, recv_ns, strict=True)],
        "trades": TradeColumns(
            price=[100.0 + 0.01 * index for index in range(trades)],
            qty=[1.0] * trades,
            side=[1 if index % 2 == 0 else -1 for index in range(trades)],
            trade_id=[seq + index for index in range(trades)],
        ),
        "quotes": QuoteColumns(
            bid=[99.99] * quotes, bid_qty=[2.0] * quotes, ask=[100.01] * quotes, ask_qty=[3.0] * quotes
        ),
    }
    said, forced = kinds.count("D"), kinds.count("L")
    if said:
        told: dict[str, Any] = {name: [None] * said for name in DerivativeColumns.__struct_fields__}
        told["mark_price"] = [100.0] * said
        columns["derivatives"] = DerivativeColumns(**told)
    if forced:
        columns["liquidations"] = LiquidationColumns(price=[99.5] * forced, qty=[2.0] * forced, side=[-1] * forced)
    return TickFrame(**_identity(columns | fields, recv_ns[-1], "ingest.feed-0"))


def snapshot(*, ts_ns: int = T0_NS, levels: int = 3, **fields: Any) -> BookEvent:
    """A snapshot of ``levels`` levels a side, 0.01 apart, best bid 99.99 and best ask 100.01, quantity 1 each."""
    event: dict[str, Any] = {
        "kind": BookEventKind.SNAPSHOT,
        "ts_recv_ns": ts_ns,
        "ts_event_ns": None,
        "trust": Trust.LIVE,
        "bids": [(round(99.99 - 0.01 * index, 2), 1.0) for index in range(levels)],
        "asks": [(round(100.01 + 0.01 * index, 2), 1.0) for index in range(levels)],
        "last_id": 1,
    }
    return BookEvent(**(event | fields))


def book_frame(events: list[BookEvent] | None = None, *, seq: int = 1, **fields: Any) -> BookFrame:
    """A frame of ``events``, by default one snapshot; its trust is that of the last event."""
    events = [snapshot()] if events is None else events
    columns: dict[str, Any] = {
        "seq": seq, "tick_size": 0.01, "lot_size": 0.001, "events": events, "trust": events[-1].trust,
    }  # fmt: skip
    return BookFrame(**_identity(columns | fields, events[-1].ts_recv_ns, "ingest.feed-0"))


def instrument(**fields: Any) -> Instrument:
    """BTCUSDT as ``sim`` lists it."""
    listing: dict[str, Any] = {"base": "BTC", "quote": "USDT", "tick_size": 0.01, "lot_size": 0.001}
    return Instrument(**_identity(listing | fields, T0_NS, "ingest.feed-0"))


def feature_vector(
    values: list[float | None] | None = None, *, step: int = T0_NS // INTERVAL_NS, **fields: Any
) -> FeatureVector:
    """A warm vector of ``step``, by default of three features."""
    vector: dict[str, Any] = {
        "asof_seq": 10,
        "prev_asof_seq": 9,
        "step": step,
        "interval_ns": INTERVAL_NS,
        "ts_event_ns": None,
        "mid": 100.0,
        "schema_id": "features-test",
        "schema_hash": "0" * 16,
        "values": [0.1, -0.2, None] if values is None else values,
        "warm": True,
    }
    return FeatureVector(**_identity(vector | fields, step * INTERVAL_NS, "features.serve-0"))


def bar(*, timeframe: str = "1m", start_ns: int = T0_NS, length_s: int = 60, **fields: Any) -> Bar:
    """A closed, whole bar of two trades of 1 at 100 and 101; the mid went along. Its own close closed it."""
    message: dict[str, Any] = {
        "timeframe": timeframe, "asof_seq": 10, "prev_asof_seq": None, "start_ns": start_ns,
        "end_ns": start_ns + length_s * 10**9, "first_seq": 1, "last_seq": 9, "is_closed": True, "is_whole": True,
        "open": 100.0, "high": 101.0, "low": 100.0, "close": 101.0, "volume_qty": 2.0, "buy_volume_qty": 1.0,
        "volume_quote": 201.0, "vwap": 100.5, "trades": 2, "mid_open": 100.0, "mid_high": 101.0, "mid_low": 100.0,
        "mid_close": 101.0, "events": 9, "live_frac": 1.0,
    }  # fmt: skip
    return Bar(**_identity(message | fields, start_ns + length_s * 10**9, "features.serve-0"))


def correlations(*, seq: int = T0_NS // 10**9, **fields: Any) -> Correlations:
    """BTCUSDT and ETHUSDT, correlated at 0.8, the first leading by 2 s; ADAUSDT has no price."""
    members = [
        CorrelationMember(venue="sim", symbol=symbol, trust=Trust.LIVE, observations=count, reason=reason)
        for symbol, count, reason in (("ADAUSDT", 0, "no_price"), ("BTCUSDT", 900, ""), ("ETHUSDT", 850, ""))
    ]
    pairs = CorrelationPairs(
        first=[0, 0, 1], second=[1, 2, 2], windowed=[None, None, 0.8], ewma=[None, None, 0.75],
        realised=[None, None, 0.5], lag_s=[None, None, 2], lag_correlation=[None, None, 0.82],
        lead_ratio=[None, None, 1.5],
    )  # fmt: skip
    message: dict[str, Any] = {
        "run_id": "test", "producer": "features.correlate-0", "epoch": 1, "seq": seq, "prev_seq": None,
        "origins": [Origin.SIM], "ts_recv_ns": (seq + 1) * 10**9, "ts_sent_ns": (seq + 1) * 10**9, "trust": Trust.LIVE,
        "window_s": 900, "half_life_s": 120.0, "max_lag_s": 10, "left_out": 0, "members": members, "pairs": pairs,
    }  # fmt: skip
    return Correlations(**(message | fields))


def parity_certificate(*, seq: int = 1, **fields: Any) -> ParityCertificate:
    """Of 300 vectors all were equal, 200 of them folded from the first event; the last check was of BTCUSDT."""
    last = ParityCheck(
        venue="sim", symbol="BTCUSDT", first_seq=101, last_seq=900, vectors=80, from_start=True, ts_checked_ns=T0_NS
    )
    message: dict[str, Any] = {
        "run_id": "test", "producer": "features.certify-0", "epoch": 1, "seq": seq, "ts_since_ns": T0_NS - 60 * 10**9,
        "ts_sent_ns": T0_NS, "verdict": ParityVerdict.EQUAL, "equal": 300, "different": 0, "unchecked": 0,
        "from_start": 200, "reasons": {}, "last": last, "difference": None,
    }  # fmt: skip
    return ParityCertificate(**(message | fields))


def feature_health(*, ts_ns: int = T0_NS, **fields: Any) -> FeatureHealth:
    """A minute of 600 vectors without a fault."""
    message: dict[str, Any] = {
        "run_id": "test", "producer": "features.serve-0", "epoch": 1, "ts_ns": ts_ns, "window_s": 60.0, "vectors": 600,
        "faults": [],
    }  # fmt: skip
    return FeatureHealth(**(message | fields))


def prediction(*, step: int = T0_NS // INTERVAL_NS, **fields: Any) -> Prediction:
    """A prediction that names numbers; pass ``withheld`` and nulls for one that does not."""
    message: dict[str, Any] = {
        "asof_seq": 10,
        "prev_asof_seq": 9,
        "step": step,
        "interval_ns": INTERVAL_NS,
        "mid": 100.0,
        "schema_id": "features-test",
        "schema_hash": "0" * 16,
        "horizon_steps": 5,
        "model_id": "ensemble-1",
        "model_origin": Origin.SIM,
        "expected_return_bps": 0.5,
        "probabilities": Probabilities(down=0.2, flat=0.5, up=0.3),
        "members": {"lightgbm": Probabilities(down=0.1, flat=0.6, up=0.3)},
        "flat_bps": 0.4,
    }
    return Prediction(**_identity(message | fields, step * INTERVAL_NS, "predictor.serve-0"))


def outcome(*, step: int = T0_NS // INTERVAL_NS, **fields: Any) -> Outcome:
    """What became of ``prediction(step=step)``: the flat class came true."""
    message: dict[str, Any] = {
        "asof_seq": 10,
        "step": step,
        "model_id": "ensemble-1",
        "horizon_steps": 5,
        "realised_step": step + 5,
        "realised_seq": 20,
        "realised_return_bps": 0.1,
        "predicted": Direction.FLAT,
        "realised": Direction.FLAT,
        "log_loss": 0.6931471805599453,
        "prior_log_loss": 1.0986122886681098,
        "score": LiveScore(
            count=1, accuracy_frac=1.0, prior_accuracy_frac=0.0,
            log_loss=0.6931471805599453, prior_log_loss=1.0986122886681098,
        ),
    }  # fmt: skip
    return Outcome(**_identity(message | fields, (step + 5) * INTERVAL_NS, "predictor.serve-0"))


def calibration(*, step: int = T0_NS // INTERVAL_NS, **fields: Any) -> Calibration:
    """Of 40 outcomes 24 were right at a confidence of 0.55, 10 of them in a calm, choppy market; all intervals held."""
    bins: dict[str, Any] = {
        "brier": 0.5, "ece_frac": 0.05, "bin_confidence_frac": [None] * 5 + [0.55] + [None] * 4,
        "bin_accuracy_frac": [None] * 5 + [0.6] + [None] * 4, "coverage_frac": 1.0,
    }  # fmt: skip

    def reliability(regime: Regime | None, count: int) -> Reliability:
        of_bin = [0] * 5 + [count] + [0] * 4
        return Reliability(regime=regime, count=count, bin_count=of_bin, intervals=count, **bins)

    message: dict[str, Any] = {
        "asof_seq": 10, "step": step, "model_id": "ensemble-1", "target_frac": 0.9, "total": reliability(None, 40),
        "regimes": [reliability(Regime.CALM_CHOPPY, 10), reliability(Regime.ROUGH_TRENDING, 30)],
    }  # fmt: skip
    return Calibration(**_identity(message | fields, (step + 5) * INTERVAL_NS, "predictor.serve-0"))


def model_published(**fields: Any) -> ModelPublished:
    """An announced model of three features; override any field."""
    told: dict[str, Any] = {
        "model_id": "ensemble-1", "name": "ensemble", "object_name": f"{fields.get('model_id', 'ensemble-1')}.onnx",
        "sha256": "0" * 64, "size_bytes": 1, "trained_on": Origin.SIM, "schema_id": "features-test",
        "schema_hash": "0" * 16, "feature_names": ["x", "y", "z"], "horizon_steps": 5, "interval_ns": INTERVAL_NS,
        "flat_bps": {"*": 0.5}, "prior": Probabilities(down=0.25, flat=0.5, up=0.25), "member_names": ["a"],
        "member_weights": [1.0], "metrics": {}, "rows": 1, "seed": 1, "ts_trained_ns": 1,
    }  # fmt: skip
    return ModelPublished(**told | fields)


def model_life(**fields: Any) -> ModelLife:
    """What the watch tells of a model without a drift reference; override any field."""
    told: dict[str, Any] = {
        "name": "ensemble", "champion_id": "ensemble-1", "champion_age_s": 1.0, "contests": [], "drift_rows": 0,
        "drift": [], "loss_nats": None, "is_error_drift": False, "training_asked_ns": None, "failed_trainings": 0,
        "faults": ["no drift reference"], "ts_ns": T0_NS,
    }  # fmt: skip
    return ModelLife(**told | fields)


def consolidated_quote(*, ts_ns: int = T0_NS, **fields: Any) -> ConsolidatedQuote:
    """BTC/USDT of the venues ``a`` (99.98 / 100.02) and ``b`` (99.99 / 100.01), which both count; fees are 10 bps."""
    venues = [
        VenueQuote(
            venue=venue, symbol="BTCUSDT", bid=bid, bid_qty=1.0, ask=ask, ask_qty=2.0, trust=Trust.LIVE, age_ms=50.0,
            is_used=True, deviation_bps=0.0,
        )
        for venue, bid, ask in (("a", 99.98, 100.02), ("b", 99.99, 100.01))
    ]  # fmt: skip
    message: dict[str, Any] = {
        "base": "BTC", "quote": "USDT", "origin": Origin.LIVE, "run_id": "test", "producer": "ingest.consolidate-0",
        "ts_recv_ns": ts_ns, "ts_sent_ns": ts_ns, "bid_venue": "b", "bid": 99.99, "bid_qty": 1.0, "ask_venue": "b",
        "ask": 100.01, "ask_qty": 2.0, "net_bid_venue": "b", "net_bid": 99.89001, "net_ask_venue": "b",
        "net_ask": 100.11001, "is_crossed": False, "net_edge_bps": -21.9776, "venues": venues,
    }  # fmt: skip
    return ConsolidatedQuote(**(message | fields))


def venue_status(*, ts_ns: int = T0_NS, **fields: Any) -> VenueStatus:
    """``sim``, connected with one socket and one LIVE book; its clock is 1.5 ms ahead, known to 0.25 ms."""
    status: dict[str, Any] = {
        "venue": "sim", "origin": Origin.SIM, "run_id": "test", "producer": "ingest.feed-0", "ts_ns": ts_ns,
        "state": VenueState.CONNECTED, "connections": 1, "connections_open": 1, "instruments": 1, "live": 1,
        "clock_offset_ms": 1.5, "clock_error_ms": 0.25, "latency_ms": 2.5, "connects": 1, "snapshots_requested": 1,
        "budget_used_frac": 0.125,
    }  # fmt: skip
    return VenueStatus(**(status | fields))
