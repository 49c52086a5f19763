"""The audit of a run: the database first, in one snapshot, then the streams against it."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import psycopg

from foretick.common.errors import Refused, Transient
from foretick.launcher.audit.domain.faults import FaultKind
from foretick.launcher.audit.domain.ledger import InstrumentLedger, Key, missing_numbers
from foretick.launcher.audit.domain.report import AuditReport, InstrumentReport
from foretick.launcher.audit.domain.spans import Span, merge, touches
from foretick.launcher.audit.reconcile import Reconciliation
from foretick.launcher.audit.record import RecordReader, known_runs, open_snapshot
from foretick.launcher.audit.streams import StreamReader
from foretick.launcher.operator_bus import connected

Progress = Callable[[float, str], None]
"""Takes how much is done, 0 to 1, and what is being done."""

_ROWS_SHARE_FRAC = 0.4
_SHOWN_RUNS = 10


class CannotAudit(Refused):
    """There is nothing to audit, or no way to it."""


def audit_run(
    database_url: str,
    nats_url: str | None,
    run_id: str | None = None,
    *,
    symbols: Sequence[str] = (),
    progress: Progress | None = None,
) -> AuditReport:
    """Audit ``run_id`` (default: the newest run), all its instruments or those of ``symbols``.

    Args:
        database_url: where the rows are
        nats_url: where the streams are; None audits the rows alone
        run_id: which run
        symbols: only these instruments: ``BTCUSDT``, or ``venue:BTCUSDT``
        progress: told how far the audit is

    Raises:
        CannotAudit: the database or NATS does not answer, or does not know the run or the symbol
    """
    tell = progress or (lambda done_frac, what: None)
    try:
        with open_snapshot(database_url) as connection:
            record = RecordReader(connection, _choose_run(known_runs(connection), run_id))
            ledgers = _audit_rows(record, _choose(record.instruments(), symbols), tell)
            notes: list[str] = []
            if nats_url is None:
                notes.append("the streams were not looked at: no NATS_URL")
            else:
                # on a thread of its own: the caller may be inside an event loop
                with ThreadPoolExecutor(1) as thread:
                    notes += thread.submit(asyncio.run, _audit_streams(nats_url, record, ledgers, tell)).result()
    except psycopg.errors.UndefinedTable:
        raise CannotAudit("no_record", "the database has no tables of Foretick", "run: foretick migrate") from None
    except psycopg.OperationalError as error:
        reason = next(iter(str(error).splitlines()), "")
        raise CannotAudit("no_database", f"the database does not answer: {reason}", "check DATABASE_URL") from error
    except Transient as error:
        raise CannotAudit(
            "no_streams", str(error), "check NATS_URL, or leave it out to audit the rows alone"
        ) from error
    tell(1.0, "done")
    return AuditReport(record.run_id, tuple(map(_report, ledgers.values())), tuple(notes))


def _choose_run(known: list[str], run_id: str | None) -> str:
    if not known:
        raise CannotAudit("no_runs", "the database holds no run", "is this the right DATABASE_URL? foretick status")
    if run_id is None:
        return known[0]
    if run_id not in known:
        others = ", ".join(known[:_SHOWN_RUNS])
        raise CannotAudit("unknown_run", f"unknown run {run_id}", f"the newest known runs are: {others}")
    return run_id


def _choose(known: list[Key], symbols: Sequence[str]) -> list[Key]:
    """Return the instruments that ``symbols`` name; all for none."""
    names = ", ".join(":".join(key) for key in known)
    if not known:
        raise CannotAudit("no_events", "the run has no events", "wait until the recorder has written some")
    for symbol in symbols:
        if not any(symbol in (key[1], ":".join(key)) for key in known):
            raise CannotAudit("unknown_symbol", f"the run has no instrument {symbol}", f"it has: {names}")
    return [key for key in known if not symbols or key[1] in symbols or ":".join(key) in symbols]


def _audit_rows(record: RecordReader, keys: list[Key], tell: Progress) -> dict[Key, InstrumentLedger]:
    through = record.recorded_through_seq()
    ledgers: dict[Key, InstrumentLedger] = {}
    for number, key in enumerate(keys):
        tell(_ROWS_SHARE_FRAC * number / len(keys), f"rows of {':'.join(key)}")
        ledger = ledgers[key] = InstrumentLedger(key)
        for found in record.breaks(key):
            ledger.rows.note(found)
        ledger.rows.close(record.last_seq(key))
        declared, ledger.noticed_gaps = record.gaps(key)
        ledger.declared_gaps, ledger.gap_records = merge(declared), len(declared)
        ledger.missing = missing_numbers(ledger.rows.present, through.get(key))
        ledger.judge_rows()
        _audit_derived(record, ledger)
    return ledgers


def _audit_derived(record: RecordReader, ledger: InstrumentLedger) -> None:
    key = ledger.key
    ledger.derived = record.counts(key)
    ledger.blame(FaultKind.NO_EVENT, _each(record.asof_within(key, ledger.undeclared)))
    ledger.blame(FaultKind.PREDICTION_DOUBLED, _each(record.doubled_predictions(key)))
    ledger.blame(
        FaultKind.NO_VECTOR, _each(record.predictions_unlike_vectors(key)), "step, mid or schema differ from the vector"
    )
    # A prediction that left while NATS went away may have been settled all the same: the gap record says when that was.
    for span in record.orphaned_outcomes(key):
        if not touches(span, ledger.declared_gaps):
            ledger.blame(FaultKind.NO_PREDICTION, [Span(span.first, span.first)])


async def _audit_streams(
    nats_url: str, record: RecordReader, ledgers: dict[Key, InstrumentLedger], tell: Progress
) -> list[str]:
    def tell_share(done_frac: float, what: str) -> None:
        tell(_ROWS_SHARE_FRAC + (1 - _ROWS_SHARE_FRAC) * done_frac, what)

    async with connected(nats_url) as bus:
        return await Reconciliation(record, StreamReader(bus), ledgers, tell_share).run()


def _each(numbers: list[int]) -> list[Span]:
    return [Span(number, number) for number in numbers]


def _report(ledger: InstrumentLedger) -> InstrumentReport:
    return InstrumentReport(
        venue=ledger.key[0],
        symbol=ledger.key[1],
        rows=ledger.rows.extent,
        stream=ledger.stream,
        events=ledger.rows.events,
        declared=tuple(ledger.declared),
        faults=tuple(ledger.faults),
        compared=ledger.compared,
        waiting=ledger.waiting,
        derived=ledger.derived,
        gap_records=ledger.gap_records,
    )
