"""Records of any size, as the recorder writes them and without its work: for what must not grow with their square.

Events of an instrument are numbered from 1 on, ``SPACING_NS`` apart. Of every ten the first is a book event, the next
four are quotes, the others trades. A prediction is as of every ``PREDICTED_EVERY``-th event, its outcome is known
``HORIZON`` predictions later, and every ``SAMPLED_EVERY``-th of the predictions has its vector recorded. All of it is
whole and right; a test that wants it otherwise alters it.
"""

import math
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg import sql

from foretick.common.testing.builders import T0_NS
from foretick.common.units import NS_PER_MS

RUN = "synthetic"
VENUE = "sim"
SPACING_NS = 8 * NS_PER_MS
PREDICTED_EVERY = 4
HORIZON = 5
SAMPLED_EVERY = 10

_DAY = datetime.fromtimestamp(T0_NS / 1e9, UTC)
_OF_ALL: dict[str, Any] = {
    "ingested_at": _DAY, "ts": _DAY, "recv_ns": T0_NS, "event_ns": T0_NS, "epoch": 1, "trust": "LIVE",
    "origin": "sim", "run_id": RUN, "venue": VENUE, "symbol": "S0",
}  # fmt: skip
_DERIVED = _OF_ALL | {"sent_ns": T0_NS, "asof_seq": 1, "step": 1, "mid": 100.0}
_SCHEMA: dict[str, Any] = {
    "prev_asof_seq": None, "interval_ns": 100 * NS_PER_MS, "schema_id": "synthetic", "schema_hash": "0",
}  # fmt: skip
DEFAULTS: dict[str, dict[str, Any]] = {
    "ticks": _OF_ALL | {
        "seq": 1, "kind": "C", "price": None, "qty": None, "side": None, "trade_id": None, "bid": None, "bid_qty": None,
        "ask": None, "ask_qty": None,
    },
    "book_events": _OF_ALL | {
        "seq": 1, "kind": "delta", "reason": "", "bid_price": [100.0], "bid_qty": [1.0], "ask_price": [100.5],
        "ask_qty": [1.0],
    },
    "features": _DERIVED | _SCHEMA | {"warm": True, "vector": [0.5]},
    "predictions": _DERIVED | _SCHEMA | {
        "horizon_steps": HORIZON, "out_of_origin": False, "model_id": "m", "withheld": None, "members": "[]",
    },
    "outcomes": {name: value for name, value in _DERIVED.items() if name != "mid"} | {
        "horizon_steps": HORIZON, "realised_step": 1 + HORIZON, "realised_seq": 2, "realised_return_bps": 0.0,
        "log_loss": 1.0, "prior_log_loss": 1.0, "score_count": 1, "accuracy_frac": 0.5, "prior_accuracy_frac": 0.5,
        "model_id": "m", "predicted": "up", "realised": "up",
    },
}  # fmt: skip
"""By table, the columns that are written and what a row says that does not say otherwise."""


def write_synthetic_record(database_url: str, events: int, symbols: int = 8) -> dict[str, int]:
    """Write a run of about ``events`` events of ``symbols`` instruments; return the number of rows by table."""
    each = events // symbols
    names = [f"S{number}" for number in range(symbols)]
    with psycopg.connect(database_url) as connection:
        prepare_record(connection)
        return {
            "ticks": copy_rows(connection, "ticks", _of_each(names, _ticks(each))),
            "book_events": copy_rows(connection, "book_events", _of_each(names, _book_events(each))),
            "features": copy_rows(connection, "features", _of_each(names, _vectors(each))),
            "predictions": copy_rows(connection, "predictions", _of_each(names, _predictions(each))),
            "outcomes": copy_rows(connection, "outcomes", _of_each(names, _outcomes(each))),
        }


def prepare_record(connection: psycopg.Connection, run_id: str = RUN) -> None:
    """Make the partitions of the day that rows are written in, and the run known."""
    connection.execute("SELECT ensure_day(%s)", (_DAY.date(),))
    connection.execute("INSERT INTO runs (run_id, origin) VALUES (%s, 'sim')", (run_id,))


def copy_rows(connection: psycopg.Connection, table: str, rows: Iterable[dict[str, Any]]) -> int:
    """Write ``rows``, each over the ``DEFAULTS`` of ``table``; return how many there were."""
    defaults = DEFAULTS[table]
    into = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, defaults))
    )
    count = 0
    with connection.cursor() as cursor, cursor.copy(into) as copy:
        for row in rows:
            copy.write_row(tuple((defaults | row).values()))
            count += 1
    return count


def mid_at(seq: int) -> float:
    """Return the mid of the last quote up to event ``seq``, which is not before the first quote."""
    quoted = seq if seq % 10 in (2, 3, 4, 5) else seq - (seq - 5) % 10
    return (_bid(quoted) + _bid(quoted) + 0.5) / 2


def _bid(seq: int) -> float:
    return 100.0 + seq % 7


def _of_each(names: list[str], rows: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield each of ``rows`` for every symbol, side by side as they come from the bus."""
    return (row | {"symbol": name} for row in rows for name in names)


def _at(seq: int) -> dict[str, int]:
    return {"recv_ns": T0_NS + seq * SPACING_NS, "event_ns": T0_NS + seq * SPACING_NS}


def _ticks(events: int) -> Iterator[dict[str, Any]]:
    for seq in range(1, events + 1):
        if seq % 10 in (2, 3, 4, 5):
            bid = _bid(seq)
            yield {"seq": seq, "kind": "Q", "bid": bid, "bid_qty": 1.0, "ask": bid + 0.5, "ask_qty": 1.0} | _at(seq)
        elif seq % 10 != 1:
            yield {"seq": seq, "kind": "T", "price": 100.0, "qty": 1.0, "side": 1, "trade_id": seq} | _at(seq)


def _book_events(events: int) -> Iterator[dict[str, Any]]:
    return ({"seq": seq} | _at(seq) for seq in range(1, events + 1, 10))


def _derived(events: int) -> Iterator[dict[str, Any]]:
    for step, seq in enumerate(range(PREDICTED_EVERY, events + 1, PREDICTED_EVERY), start=1):
        prev = seq - PREDICTED_EVERY if step > 1 else None
        yield {"asof_seq": seq, "prev_asof_seq": prev, "step": step, "mid": mid_at(seq)} | _at(seq)


def _predictions(events: int) -> Iterator[dict[str, Any]]:
    return _derived(events)


def _vectors(events: int) -> Iterator[dict[str, Any]]:
    return (row for row in _derived(events) if row["step"] % SAMPLED_EVERY == 0)


def _outcomes(events: int) -> Iterator[dict[str, Any]]:
    for row in _derived(events - HORIZON * PREDICTED_EVERY):
        realised_seq = row["asof_seq"] + HORIZON * PREDICTED_EVERY
        return_bps = 1e4 * math.log(mid_at(realised_seq) / row["mid"])
        of_prediction = {name: value for name, value in row.items() if name not in ("mid", "prev_asof_seq")}
        yield of_prediction | {
            "realised_seq": realised_seq, "realised_step": row["step"] + HORIZON, "realised_return_bps": return_bps,
        }  # fmt: skip
