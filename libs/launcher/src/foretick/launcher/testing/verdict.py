"""What must hold after any fault: everybody ready, newer predictions everywhere, a whole record, no wrong value."""

from collections.abc import Sequence

import psycopg

from foretick.common.testing.record import assert_values_are_right, is_recorded, tables_too_short
from foretick.launcher.audit import AuditReport, Progress, audit_run
from foretick.launcher.testing.follower import Follower, Outage
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
    system: System,
    follower: Follower,
    deadline_s: float = 90,
    victims: tuple[Victim, ...] = VICTIMS,
    progress: Progress | None = None,
) -> AuditReport:
    """Fail unless the system is well again and its record, up to a prediction that was made now, is whole and right.

    Every loss of market data must have the gap record that ingest published. ``progress`` is told how far the audit is.
    """
    tell = progress or (lambda done_frac, what: None)
    asof_seq = wait_until_well(system, follower, deadline_s, victims)
    assert follower.regressions == [], "a client was sent something older than what it had"
    run_id = system.setting("RUN_ID")
    with psycopg.connect(system.setting("DATABASE_URL"), autocommit=True) as rows:
        wait_until(
            lambda: is_recorded(rows, run_id, "BTCUSDT", asof_seq), deadline_s,
            lambda: f"the recorder at the prediction as of {asof_seq}\n{system.log_tail(20)}",
        )  # fmt: skip
        wait_until(lambda: not tables_too_short(rows, run_id), deadline_s, "rows enough to judge")
        tell(0.0, "recorded values")
        assert_values_are_right(rows, run_id)
    report = audit_run(system.setting("DATABASE_URL"), system.setting("NATS_URL"), run_id, progress=tell)
    assert report.is_whole, report.describe()
    return report


def summarise(what: str, report: AuditReport, outages: Sequence[Outage] = ()) -> str:
    """Return what a proof ends with: how much was lost, doubled and told, and what clients saw of the faults."""
    line = (
        f"{what}: {report.missing:,} lost, {report.doubled:,} doubled, {report.gap_records:,} gap records that tell of "
        f"{report.declared:,} events, of {report.events:,} recorded"
    )
    if not outages:
        return line
    seen_s, injected_s = sum(outage.seen_s for outage in outages), sum(outage.injected_s for outage in outages)
    longest = f", the longest {max(outage.seen_s for outage in outages):.1f} s" if len(outages) > 1 else ""
    return f"{line}; outage seen {seen_s:.1f} s{longest} / injected {injected_s:.1f} s"


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
