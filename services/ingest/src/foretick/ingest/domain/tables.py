"""The columns of the record's tables, in COPY's order, with their types."""

from foretick.common.contracts import BookCounts

TIMES = {"ingested_at": "timestamptz", "ts": "timestamptz", "recv_ns": "int8", "event_ns": "int8", "epoch": "int8"}
INSTRUMENT = {"run_id": "text", "venue": "text", "symbol": "text"}
IDENTITY = {"trust": "text", "origin": "text"} | INSTRUMENT
TABLES: dict[str, dict[str, str]] = {
    "ticks": TIMES
    | {
        "seq": "int8", "trade_id": "int8", "price": "float8", "qty": "float8", "bid": "float8", "bid_qty": "float8",
        "ask": "float8", "ask_qty": "float8", "side": "int2", "kind": "text",
    }
    | IDENTITY,
    "book_events": TIMES
    | {
        "seq": "int8", "first_id": "int8", "last_id": "int8", "kind": "text", "reason": "text",
        "bid_price": "float8[]", "bid_qty": "float8[]", "ask_price": "float8[]", "ask_qty": "float8[]",
        "counts": "jsonb",
    }
    | IDENTITY,
    "derivatives": TIMES
    | {
        "seq": "int8", "mark_price": "float8", "index_price": "float8", "funding_rate_frac": "float8",
        "next_funding_ns": "int8", "open_interest_qty": "float8", "price": "float8", "qty": "float8", "side": "int2",
        "kind": "text",
    }
    | IDENTITY,
    "integrity_events": TIMES
    | {"seq": "int8", "from_trust": "text", "to_trust": "text", "reason": "text"}
    | dict.fromkeys(BookCounts.__struct_fields__, "int8")
    | {"origin": "text"}
    | INSTRUMENT,
    "features": TIMES
    | {
        "sent_ns": "int8", "asof_seq": "int8", "prev_asof_seq": "int8", "step": "int8", "interval_ns": "int8",
        "mid": "float8", "warm": "bool", "schema_id": "text", "schema_hash": "text", "vector": "float8[]",
    }
    | IDENTITY,
    "predictions": TIMES
    | {
        "sent_ns": "int8", "asof_seq": "int8", "prev_asof_seq": "int8", "step": "int8", "interval_ns": "int8",
        "horizon_steps": "int8", "mid": "float8", "expected_return_bps": "float8", "p_down": "float8",
        "p_flat": "float8", "p_up": "float8", "flat_bps": "float8", "out_of_origin": "bool",
        "volatility_bps": "float8", "interval_low_bps": "float8", "interval_high_bps": "float8",
        "interval_coverage_frac": "float8", "abstained": "bool", "schema_id": "text", "schema_hash": "text",
        "model_id": "text", "model_origin": "text", "withheld": "text", "regime": "text", "no_interval": "text",
        "members": "jsonb",
    }
    | IDENTITY,
    "outcomes": TIMES
    | {
        "sent_ns": "int8", "asof_seq": "int8", "step": "int8", "horizon_steps": "int8", "realised_step": "int8",
        "realised_seq": "int8", "realised_return_bps": "float8", "log_loss": "float8", "prior_log_loss": "float8",
        "score_count": "int8", "accuracy_frac": "float8", "prior_accuracy_frac": "float8", "brier": "float8",
        "error_scales": "float8", "interval_held": "bool", "abstained": "bool", "model_id": "text",
        "predicted": "text", "realised": "text", "regime": "text",
    }
    | IDENTITY,
    "bar_parts_1s": {
        "start_ns": "int8", "first_seq": "int8", "last_seq": "int8", "events": "int8", "live_events": "int8",
        "trades": "int8", "volume_qty": "float8", "buy_volume_qty": "float8", "price_qty": "float8",
        "qty_per_price": "float8", "open": "float8", "high": "float8", "low": "float8", "close": "float8",
        "mid_open": "float8", "mid_high": "float8", "mid_low": "float8", "mid_close": "float8", "worst_trust": "int2",
    }
    | INSTRUMENT,
}  # fmt: skip
"""Times are nanoseconds, whatever the column's type; ``bar_parts_1s`` gets ``recorded_at`` from the database."""
