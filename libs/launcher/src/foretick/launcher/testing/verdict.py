"""What must hold after any fault: everybody ready, newer predictions everywhere, a whole record, no wrong value."""

import psycopg

from foretick.common.testing.record import assert_values_are_right, is_recorded, tables_too_short
from foretick.launcher.audit import audit_run
from foretick.launcher.testing.follower import Follower
from foretick.launcher.testing.processes import VICTIMS, Victim, troubles
from foretick.launcher.testing.system import System, wait_until


def wait_until_well(
    system: System, follower: Follower, deadline_s: float = 90, victims: tuple[Victim, ...] = VICTIMS
) -> int:
    """Wait until every process serves and a newer prediction has come to a client; return its ``asof_seq``.

    Raises:
        TimeoutError: with what is not well, and the end of the launcher's output.
    """
    try:
        wait_until(lambda: not troubles(system, victims), deadline_s, "every process ready")
        return follower.wait_for_newer(deadline_s).asof_seq
    except TimeoutError as error:
        raise TimeoutError(f"{error}\nnot well: {troubles(system, victims)}\n{system.log_tail(40)}") from None


def assert_sound(
    system: System, follower: Follower, deadline_s: float = 90, victims: tuple[Victim, ...] = VICTIMS
) -> None:
    """Fail unless the system is well again and its record, up to a prediction that was made now, is whole and right.

    Every loss of market data must have the gap record that ingest published.
    """
    asof_seq = wait_until_well(system, follower, deadline_s, victims)
    assert follower.regressions == [], "a client was sent something older than what it had"
    run_id = system.setting("RUN_ID")
    with psycopg.connect(system.setting("DATABASE_URL"), autocommit=True) as rows:
        wait_until(
            lambda: is_recorded(rows, run_id, "BTCUSDT", asof_seq), deadline_s,
            f"the recorder at the prediction as of {asof_seq}\n{system.log_tail(20)}",
        )  # fmt: skip
        wait_until(lambda: not tables_too_short(rows, run_id), deadline_s, "rows enough to judge")
        assert_values_are_right(rows, run_id)
    report = audit_run(system.setting("DATABASE_URL"), system.setting("NATS_URL"), run_id)
    assert report.is_whole, report.describe()


_FALLING_DATA_TIME = """
SELECT symbol, seq FROM (
    SELECT symbol, seq, recv_ns, lag(recv_ns) OVER (PARTITION BY symbol ORDER BY seq) AS before FROM (
        SELECT symbol, seq, recv_ns FROM ticks WHERE run_id = %(run)s
        UNION ALL SELECT symbol, seq, recv_ns FROM book_events WHERE run_id = %(run)s
    ) AS events
) AS pairs WHERE recv_ns < before
"""


def assert_data_time_never_fell(system: System) -> None:
    """Fail if an instrument's recorded receive times fall along its sequence."""
    with psycopg.connect(system.setting("DATABASE_URL"), autocommit=True) as rows:
        found = rows.execute(_FALLING_DATA_TIME.encode(), {"run": system.setting("RUN_ID")}).fetchmany(5)
    assert found == [], f"data time fell at {found}"
