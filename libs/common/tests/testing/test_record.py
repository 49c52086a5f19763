"""Recorded values against those that they were made of: right ones pass, one wrong one is found, by linear work."""

import psycopg
import pytest

from foretick.common.testing.plans import Plan, keep_plans
from foretick.common.testing.record import assert_values_are_right, is_recorded, tables_too_short
from foretick.common.testing.servers import fresh_database
from foretick.common.testing.synthetic_record import RUN, copy_rows, write_synthetic_record

EVENTS = 4_000
JOINS = {"Nested Loop", "Hash Join", "Merge Join"}


@pytest.fixture
def rows(postgres_url: str):
    write_synthetic_record(postgres_url, EVENTS, symbols=2)
    with psycopg.connect(postgres_url) as connection:
        yield connection


def alter(rows: psycopg.Connection, query: str) -> None:
    assert rows.execute(query.encode()).rowcount == 1, "the test alters one row"


def test_right_values_pass(rows):
    assert_values_are_right(rows, RUN)


def test_mid_that_is_not_of_the_last_quote_is_found(rows):
    alter(rows, "UPDATE predictions SET mid = mid + 1e-9 WHERE symbol = 'S1' AND asof_seq = 1000")
    with pytest.raises(AssertionError, match=r"1 mids differ.*'S1', 1000"):
        assert_values_are_right(rows, RUN)


def test_quote_that_is_not_what_the_mid_was_made_of_is_found(rows):
    alter(rows, "UPDATE ticks SET bid = bid + 0.5 WHERE symbol = 'S0' AND seq = 995")
    with pytest.raises(AssertionError, match=r"2 mids differ.*'S0', 996.*'S0', 1000"):
        assert_values_are_right(rows, RUN)


def test_mid_is_judged_unless_half_a_second_was_silent_or_it_was_withheld(rows):
    rows.execute("DELETE FROM outcomes WHERE symbol = 'S0' AND 1000 IN (asof_seq, realised_seq)")
    where = "WHERE symbol = 'S0' AND asof_seq = 1000"
    alter(rows, f"UPDATE predictions SET mid = 1 {where}")
    alter(rows, f"UPDATE predictions SET recv_ns = recv_ns + 459999999 {where}")  # the quote is five events older
    with pytest.raises(AssertionError, match="1 mids differ"):
        assert_values_are_right(rows, RUN)
    alter(rows, f"UPDATE predictions SET recv_ns = recv_ns + 1 {where}")
    assert_values_are_right(rows, RUN)
    alter(rows, f"UPDATE predictions SET recv_ns = recv_ns - 460000000, withheld = 'stale' {where}")
    assert_values_are_right(rows, RUN)


def test_mid_is_not_held_against_a_quote_of_before_a_loss(rows):
    """What was lost may have been a newer quote; then the book speaks."""
    rows.execute("DELETE FROM outcomes WHERE symbol = 'S0' AND 1000 IN (asof_seq, realised_seq)")
    alter(rows, "UPDATE predictions SET mid = 1 WHERE symbol = 'S0' AND asof_seq = 1000")
    alter(
        rows,
        "INSERT INTO gaps (run_id, venue, symbol, from_seq, through_seq, found_by, reason)"
        " SELECT run_id, venue, symbol, 999, 999, 'ingest', 'reconnected' FROM predictions"
        " WHERE symbol = 'S0' AND asof_seq = 1000",
    )
    assert_values_are_right(rows, RUN)


def test_mid_waits_until_the_record_has_come_to_its_quote(rows):
    """A recorder that catches up may have more predictions than quotes."""
    rows.execute("DELETE FROM outcomes WHERE symbol = 'S0'")
    rows.execute("UPDATE predictions SET mid = 1 WHERE symbol = 'S0' AND asof_seq = 1000")
    rows.execute("DELETE FROM ticks WHERE symbol = 'S0' AND seq > 998")
    assert_values_are_right(rows, RUN)
    alter(
        rows,
        "INSERT INTO gaps (run_id, venue, symbol, from_seq, through_seq, found_by, reason)"
        " SELECT run_id, venue, symbol, 1001, 1001, 'ingest', 'reconnected' FROM predictions"
        " WHERE symbol = 'S0' AND asof_seq = 1000",
    )
    with pytest.raises(AssertionError, match=r"1 mids differ.*'S0', 1000"):
        assert_values_are_right(rows, RUN)


@pytest.mark.parametrize("by_bps", [2e-6, -2e-6])
def test_return_that_the_mids_do_not_give_is_found(rows, by_bps):
    alter(
        rows,
        f"UPDATE outcomes SET realised_return_bps = realised_return_bps + {by_bps} WHERE symbol = 'S1' AND step = 77",
    )
    with pytest.raises(AssertionError, match=r"returns differ.*\('S1', 308\)"):
        assert_values_are_right(rows, RUN)


@pytest.mark.parametrize("mid", [90.0, 110.0], ids=["lower", "higher"])
@pytest.mark.parametrize("where", ["asof_seq", "realised_seq"])
def test_return_is_held_against_every_prediction_as_of_its_events(rows, mid, where):
    """A successor predicted as of the same event and saw another mid; withheld ones count, they have one too."""
    (asof_seq,) = rows.execute(f"SELECT {where} FROM outcomes WHERE symbol = 'S0' AND step = 400".encode()).fetchone()
    copy_rows(rows, "predictions", [{"asof_seq": asof_seq, "epoch": 2, "mid": mid, "withheld": "stale"}])
    with pytest.raises(AssertionError, match=r"returns differ.*\('S0', 1600\)"):
        assert_values_are_right(rows, RUN)


def test_outcome_whose_predictions_are_gone_or_have_no_mid_is_not_judged(rows):
    rows.execute("UPDATE outcomes SET realised_return_bps = 1e6 WHERE symbol = 'S0' AND asof_seq IN (400, 800)")
    rows.execute("DELETE FROM predictions WHERE symbol = 'S0' AND asof_seq = 400")
    rows.execute("UPDATE predictions SET mid = NULL WHERE symbol = 'S0' AND asof_seq = 800")
    rows.execute("DELETE FROM outcomes WHERE symbol = 'S0' AND realised_seq IN (400, 800)")
    assert_values_are_right(rows, RUN)


def test_too_little_to_judge_is_told(rows):
    assert tables_too_short(rows, RUN) == []
    rows.execute("UPDATE predictions SET withheld = 'stale' WHERE asof_seq > 196")
    with pytest.raises(AssertionError, match="98 mids could be compared: too few to judge"):
        assert_values_are_right(rows, RUN)
    rows.execute("DELETE FROM outcomes WHERE asof_seq > 200")  # leaves 100
    assert tables_too_short(rows, RUN) == ["outcomes"]
    assert tables_too_short(rows, "another") == ["ticks", "book_events", "predictions", "outcomes"]


def test_recorder_has_come_to_a_prediction_when_one_as_new_is_there(rows):
    assert is_recorded(rows, RUN, "S0", 2000)
    assert not is_recorded(rows, RUN, "S0", 2001)
    assert not is_recorded(rows, RUN, "S2", 1)


def plans_of_verdict(url: str, events: int, *, with_statistics: bool) -> list[Plan]:
    write_synthetic_record(url, events, symbols=2)
    with psycopg.connect(url, autocommit=True) as rows:
        if with_statistics:
            rows.execute("ANALYZE")
        plans = keep_plans(rows)
        assert is_recorded(rows, RUN, "S0", events // 2)
        assert tables_too_short(rows, RUN) == []
        assert_values_are_right(rows, RUN)
    return plans


@pytest.mark.parametrize("with_statistics", [False, True], ids=["no statistics", "statistics"])
def test_verdict_s_work_grows_with_the_record_and_not_with_its_square(
    postgres_address, postgres_template, with_statistics
):
    handled: list[int] = []
    for events in (EVENTS, 4 * EVENTS):
        with fresh_database(postgres_address, postgres_template) as url:
            plans = plans_of_verdict(url, events, with_statistics=with_statistics)
            assert not [plan.query for plan in plans if plan.kinds & JOINS]
            handled.append(sum(plan.handled_rows for plan in plans))
    few, many = handled
    assert few > EVENTS, "the count counts"
    assert many <= 4.4 * few
