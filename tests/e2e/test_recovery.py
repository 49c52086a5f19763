"""``kill -9`` of each service in turn: it comes back, and no value that was recorded is wrong or doubled."""

import psycopg
import pytest

from foretick.launcher.testing import System, prediction_of, wait_until

ROLES = [
    ("ingest", "simulate"), ("ingest", "feed"), ("ingest", "record"), ("features", "serve"), ("predictor", "serve"),
    ("gateway", "api"),
]  # fmt: skip

DOUBLED_EVENTS = """
SELECT symbol, seq FROM (
    SELECT symbol, seq FROM ticks WHERE run_id = %(run)s
    UNION ALL SELECT symbol, seq FROM book_events WHERE run_id = %(run)s
) AS events GROUP BY symbol, seq HAVING count(*) > 1
"""
UNEXPLAINED_HOLES = """
WITH events AS (
    SELECT symbol, seq, lead(seq) OVER (PARTITION BY symbol ORDER BY seq) AS next FROM (
        SELECT symbol, seq FROM ticks WHERE run_id = %(run)s
        UNION ALL SELECT symbol, seq FROM book_events WHERE run_id = %(run)s
    ) AS both_kinds
)
SELECT symbol, seq, next FROM events WHERE next > seq + 1 AND NOT EXISTS (
    SELECT 1 FROM gaps WHERE gaps.run_id = %(run)s AND gaps.symbol = events.symbol AND gaps.found_by = 'ingest'
    AND gaps.from_seq <= events.seq + 1 AND gaps.through_seq >= events.next - 1
)
"""
DOUBLED_PREDICTIONS = """
SELECT symbol, step FROM predictions WHERE run_id = %(run)s AND withheld IS NULL
GROUP BY symbol, step HAVING count(*) > 1
"""
WRONG_MIDS = """
SELECT p.symbol, p.asof_seq, p.mid, q.bid, q.ask FROM predictions p
CROSS JOIN LATERAL (
    SELECT bid, ask FROM ticks t WHERE t.run_id = p.run_id AND t.venue = p.venue AND t.symbol = p.symbol
    AND t.kind = 'quote' AND t.seq <= p.asof_seq ORDER BY t.seq DESC LIMIT 1
) q
WHERE p.run_id = %(run)s AND p.withheld IS NULL AND p.mid <> (q.bid + q.ask) / 2
"""
WRONG_OUTCOMES = """
SELECT o.symbol, o.asof_seq FROM outcomes o
JOIN predictions p USING (run_id, venue, symbol, asof_seq)
JOIN predictions r ON (r.run_id, r.venue, r.symbol, r.asof_seq) = (o.run_id, o.venue, o.symbol, o.realised_seq)
WHERE o.run_id = %(run)s AND abs(o.realised_return_bps - 1e4 * ln(r.mid / p.mid)) > 1e-6
"""


@pytest.mark.timeout(240)
@pytest.mark.parametrize(("service", "role"), ROLES, ids=["-".join(role) for role in ROLES])
def test_killed_service_comes_back_with_new_predictions(simulated: System, service: str, role: str) -> None:
    victim = wait_until(lambda: simulated.role(service, role), 30, f"{service} {role}")
    before = prediction_of(simulated.wait_for_prediction())["asof_seq"]
    victim.kill()
    victim.wait(10)

    def is_back() -> bool:
        successor = simulated.role(service, role)
        if successor is None or successor.pid == victim.pid:
            return False
        now = prediction_of(simulated.get("/api/analytics/predictions/BTCUSDT") or {})
        return bool(now.get("probabilities")) and now["asof_seq"] > before

    wait_until(is_back, 90, f"{service} {role} back and a newer prediction\n{simulated.log_tail(30)}")


@pytest.mark.timeout(120)
def test_after_all_kills_the_record_is_whole_and_right(simulated: System, rows: psycopg.Connection) -> None:
    run = {"run": simulated.setting("RUN_ID")}
    last = prediction_of(simulated.wait_for_prediction())["asof_seq"]
    recorded = (
        "SELECT 1 FROM predictions WHERE run_id = %(run)s AND symbol = 'BTCUSDT' AND asof_seq >= %(last)s LIMIT 1"
    )
    wait_until(lambda: rows.execute(recorded, run | {"last": last}).fetchall(), 60, "the recorder has caught up")
    assert rows.execute(DOUBLED_EVENTS, run).fetchall() == []
    assert rows.execute(UNEXPLAINED_HOLES, run).fetchall() == []
    assert rows.execute(DOUBLED_PREDICTIONS, run).fetchall() == []
    assert rows.execute(WRONG_MIDS, run).fetchall() == []
    assert rows.execute(WRONG_OUTCOMES, run).fetchall() == []
    for table in ("ticks", "book_events", "predictions", "outcomes"):  # else the queries above had nothing to judge
        assert rows.execute(f"SELECT count(*) > 100 FROM {table} WHERE run_id = %(run)s", run).fetchone() == (True,)
