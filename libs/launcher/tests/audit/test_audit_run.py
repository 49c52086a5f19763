"""The audit of a record that a real recorder wrote to PostgreSQL from real streams, whole and tampered with."""

import psycopg
import pytest

from foretick.launcher import operator_bus
from foretick.launcher.audit import CannotAudit, FaultKind, InstrumentReport, Span, audit_run, reconcile

from .conftest import RUN, Recorded


def look(recorded: Recorded, symbol: str, *, with_streams: bool = True) -> InstrumentReport:
    nats_url = recorded.nats_url if with_streams else None
    (found,) = audit_run(recorded.database_url, nats_url, RUN, symbols=[symbol]).instruments
    return found


def faults(found: InstrumentReport) -> dict[FaultKind, tuple[Span, ...]]:
    return {kind: found.of(kind) for kind in FaultKind if found.of(kind)}


def test_whole_run_is_whole(recorded: Recorded):
    report = audit_run(recorded.database_url, recorded.nats_url, RUN, symbols=["WHOLE"])
    (found,) = report.instruments
    assert report.is_whole
    assert (found.rows, found.stream, found.events, found.compared) == (Span(1, 104), Span(1, 104), 104, 104)
    assert found.derived == {"features": 10, "predictions": 10, "outcomes": 9}
    assert (found.declared, found.waiting, found.faults) == ((), 0, ())
    assert report.describe().splitlines()[-1] == "whole: nothing to do"


def test_all_instruments_are_reported_and_the_worst_comes_last(recorded: Recorded):
    report = audit_run(recorded.database_url, recorded.nats_url)
    assert report.run_id == RUN
    assert not report.is_whole
    assert {found.symbol for found in report.instruments if found.is_whole} == {
        "WHOLE", "TOLD", "FENCED", "REPEATED", "OUTAGE", "PERP",
    }  # fmt: skip
    last = report.describe().splitlines()[-1]
    assert last.startswith("NOT WHOLE (missing, doubled, chain broken, no event)")


def test_loss_that_ingest_declared_is_told_and_whole(recorded: Recorded):
    found = look(recorded, "TOLD")
    assert found.is_whole
    assert (found.declared, found.missing, found.events) == ((Span(21, 30),), (), 41)


def test_gap_record_that_is_too_short_leaves_the_rest_missing(recorded: Recorded):
    found = look(recorded, "SHORT")
    assert (found.declared, found.missing) == ((Span(21, 26),), (Span(27, 30),))
    assert faults(found) == {FaultKind.MISSING: (Span(27, 30),)}


def test_loss_without_gap_record_is_missing_though_the_recorder_noticed_it(recorded: Recorded):
    found = look(recorded, "UNTOLD")
    assert (found.declared, found.missing) == ((), (Span(21, 30),))
    assert "the recorder noticed 10 of them" in found.faults[0].note


def test_gap_record_taken_away_leaves_its_range_missing(recorded: Recorded):
    recorded.execute("DELETE FROM gaps WHERE symbol = 'TOLD' AND found_by = 'ingest'")
    assert faults(look(recorded, "TOLD")) == {FaultKind.MISSING: (Span(21, 30),)}


def test_beginning_that_was_never_published_is_missing_and_without_streams_unknown(recorded: Recorded):
    assert faults(look(recorded, "LATE")) == {FaultKind.MISSING: (Span(1, 4),)}
    assert look(recorded, "LATE", with_streams=False).is_whole


def test_writer_that_began_anew_doubles_its_numbers(recorded: Recorded):
    assert faults(look(recorded, "ANEW")) == {FaultKind.DOUBLED: (Span(15, 21),)}


def test_removed_rows_are_missing_and_the_stream_still_has_them(recorded: Recorded):
    recorded.execute("DELETE FROM ticks WHERE symbol = 'WHOLE' AND seq BETWEEN 40 AND 49")
    spans = (Span(40, 49),)
    assert faults(look(recorded, "WHOLE")) == {
        FaultKind.UNRECORDED: spans,
        FaultKind.MISSING: spans,
        FaultKind.NO_EVENT: (Span(40, 40),),  # a vector and a prediction are as of it
    }
    assert look(recorded, "WHOLE", with_streams=False).missing == spans


@pytest.mark.parametrize(("first", "last"), [(1, 3), (95, 104)])
def test_removed_ends_are_found(recorded: Recorded, first: int, last: int):
    for table in ("ticks", "book_events"):
        if (table, first) != ("book_events", 95):
            recorded.execute(f"DELETE FROM {table} WHERE symbol = 'WHOLE' AND seq BETWEEN %s AND %s", first, last)
    assert look(recorded, "WHOLE").of(FaultKind.UNRECORDED) == (Span(first, last),)


def test_removed_last_rows_are_missing_by_what_the_recorder_says_alone(recorded: Recorded):
    recorded.execute("DELETE FROM ticks WHERE symbol = 'WHOLE' AND seq > 100")
    assert look(recorded, "WHOLE", with_streams=False).missing == (Span(101, 104),)


@pytest.mark.parametrize(
    ("table", "change", "where", "span"),
    [
        ("ticks", "price = price + 1e-12", "seq = 34 AND kind = 'T'", Span(34, 34)),
        ("ticks", "event_ns = event_ns + 1", "seq BETWEEN 33 AND 34", Span(33, 34)),
        ("ticks", "trust = 'STALE'", "seq BETWEEN 2 AND 61", Span(2, 61)),
        ("book_events", "bid_qty[2] = -0.0", "seq = 63", Span(63, 63)),
        ("book_events", "reason = 'other'", "seq = 1", Span(1, 1)),
        ("predictions", "p_up = 0.31", "asof_seq = 50", Span(50, 50)),
        ("outcomes", "log_loss = 0", "asof_seq = 50", Span(50, 50)),
        ("features", "vector[1] = 0.2", "asof_seq = 50", Span(50, 50)),
    ],
)
def test_altered_value_conflicts_with_the_stream(recorded: Recorded, table: str, change: str, where: str, span: Span):
    recorded.execute(f"UPDATE {table} SET {change} WHERE symbol = 'WHOLE' AND {where}")
    found = look(recorded, "WHOLE")
    assert faults(found) == {FaultKind.CONFLICT: (span,)}
    assert found.faults[0].note == f"in {table}"


@pytest.mark.parametrize("rows", [1, 7])
def test_faults_are_the_same_however_few_rows_are_held_at_once(
    recorded: Recorded, monkeypatch: pytest.MonkeyPatch, rows: int
):
    recorded.execute("DELETE FROM ticks WHERE seq BETWEEN 40 AND 49")
    recorded.execute("UPDATE predictions SET p_up = 0.31 WHERE asof_seq BETWEEN 30 AND 60")
    at_once = audit_run(recorded.database_url, recorded.nats_url).instruments
    monkeypatch.setattr(reconcile, "_CHUNK_ROWS", rows)
    in_pieces = audit_run(recorded.database_url, recorded.nats_url).instruments
    assert [(found.compared, faults(found)) for found in in_pieces] == [
        (found.compared, faults(found)) for found in at_once
    ]
    (whole,) = (found for found in in_pieces if found.symbol == "WHOLE")
    assert whole.conflicts == (Span(30, 30), Span(40, 40), Span(50, 50), Span(60, 60))


def test_derivatives_are_recorded_and_compared_like_ticks(recorded: Recorded):
    found = look(recorded, "PERP")
    assert found.is_whole
    assert (found.rows, found.events, found.compared) == (Span(1, 25), 25, 25)
    with psycopg.connect(recorded.database_url) as rows:
        kinds = rows.execute("SELECT kind, array_agg(seq ORDER BY seq) FROM derivatives GROUP BY kind ORDER BY kind")
        assert kinds.fetchall() == [("D", [3, 7, 9]), ("L", [5, 10, 12])]


@pytest.mark.parametrize(
    ("table", "change", "seq"),
    [
        ("book_events", "counts = '{}'", 25),
        ("derivatives", "mark_price = mark_price + 1e-12", 3),
        ("derivatives", "funding_rate_frac = 0", 7),
        ("derivatives", "open_interest_qty = NULL", 7),
        ("derivatives", "price = 99.4", 10),
        ("derivatives", "kind = 'D'", 12),
        ("ticks", "kind = 'C'", 13),
    ],
)
def test_altered_derivative_or_count_conflicts_with_the_stream(recorded: Recorded, table: str, change: str, seq: int):
    recorded.execute(f"UPDATE {table} SET {change} WHERE symbol = 'PERP' AND seq = {seq}")
    found = look(recorded, "PERP")
    assert faults(found) == {FaultKind.CONFLICT: (Span(seq, seq),)}
    assert found.faults[0].note == f"in {table}"


def test_removed_derivative_is_missing(recorded: Recorded):
    recorded.execute("DELETE FROM derivatives WHERE symbol = 'PERP' AND seq = 10")
    assert faults(look(recorded, "PERP")) == {
        FaultKind.UNRECORDED: (Span(10, 10),),
        FaultKind.MISSING: (Span(10, 10),),
    }


def test_doubled_rows_are_found(recorded: Recorded):
    columns = "ts, recv_ns, epoch, seq, kind, trust, origin, run_id, venue, symbol"
    recorded.execute(
        f"INSERT INTO ticks (ingested_at, {columns}) SELECT ingested_at + interval '1 s', {columns} FROM ticks"
        " WHERE symbol = 'WHOLE' AND seq BETWEEN 20 AND 24"
    )
    found = look(recorded, "WHOLE")
    assert faults(found) == {FaultKind.DOUBLED: (Span(20, 24),)}
    assert found.events == 104 + 5


def test_epoch_turned_back_is_found(recorded: Recorded):
    recorded.execute("UPDATE ticks SET epoch = 0 WHERE symbol = 'WHOLE' AND seq BETWEEN 80 AND 84")
    assert look(recorded, "WHOLE").of(FaultKind.EPOCH_FELL) == (Span(80, 80),)


def test_vector_that_was_never_stored_breaks_the_chain(recorded: Recorded):
    assert faults(look(recorded, "CHAIN")) == {FaultKind.CHAIN_BROKEN: (Span(21, 40),)}


def test_prediction_of_a_vector_that_was_never_stored_is_found(recorded: Recorded):
    recorded.execute("UPDATE predictions SET symbol = 'CHAIN' WHERE symbol = 'WHOLE' AND asof_seq = 30")
    assert look(recorded, "CHAIN").of(FaultKind.NO_VECTOR) == (Span(30, 30),)


def test_vector_beyond_the_last_event_is_found_once_nothing_waits(recorded: Recorded):
    assert faults(look(recorded, "AHEAD")) == {FaultKind.NO_EVENT: (Span(25, 25),)}


def test_prediction_that_says_otherwise_than_its_vector_is_found(recorded: Recorded):
    recorded.execute("UPDATE predictions SET mid = 99 WHERE symbol = 'WHOLE' AND asof_seq = 70")
    assert faults(look(recorded, "WHOLE", with_streams=False)) == {FaultKind.NO_VECTOR: (Span(70, 70),)}


def test_outcome_of_a_prediction_that_is_gone_is_found(recorded: Recorded):
    recorded.execute("DELETE FROM predictions WHERE symbol = 'WHOLE' AND asof_seq = 70")
    assert faults(look(recorded, "WHOLE", with_streams=False)) == {FaultKind.NO_PREDICTION: (Span(70, 70),)}
    assert look(recorded, "WHOLE").of(FaultKind.UNRECORDED) == (Span(70, 70),)


def test_step_predicted_twice_is_found(recorded: Recorded):
    recorded.execute("UPDATE predictions SET step = step - 10 WHERE symbol = 'WHOLE' AND asof_seq = 70")
    assert look(recorded, "WHOLE").of(FaultKind.PREDICTION_DOUBLED) == (Span(60, 60), Span(70, 70))


def test_unknown_run_names_those_that_are_known(recorded: Recorded):
    with pytest.raises(CannotAudit, match="unknown run nowhere") as refused:
        audit_run(recorded.database_url, None, "nowhere")
    assert RUN in refused.value.hint


@pytest.mark.parametrize(
    ("database", "nats_url", "code"),
    [
        ("postgresql://nobody@127.0.0.1:1/none", None, "no_database"),
        (None, "nats://127.0.0.1:1", "no_streams"),
    ],
)
def test_server_that_does_not_answer_is_told(
    recorded: Recorded, monkeypatch: pytest.MonkeyPatch, database: str | None, nats_url: str | None, code: str
):
    monkeypatch.setattr(operator_bus, "_CONNECT_S", 0.5)  # an operator's patience, which tells the same thing later
    with pytest.raises(CannotAudit) as refused:
        audit_run(database or recorded.database_url, nats_url)
    assert refused.value.code == code


def test_database_without_tables_is_told(empty_postgres_url: str):
    with pytest.raises(CannotAudit) as refused:
        audit_run(empty_postgres_url, None)
    assert refused.value.code == "no_record"
    assert "foretick migrate" in refused.value.hint
