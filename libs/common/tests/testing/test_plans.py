"""The count of rows is quadratic where the work is: the control of every test that says it is not."""

import psycopg
import pytest

from foretick.common.testing.plans import Plan, keep_plans

JOIN = b"SELECT count(*) FROM generate_series(1, %(n)s) AS a JOIN generate_series(1, %(n)s) AS b ON a = b"
WINDOW = b"SELECT count(*) OVER (PARTITION BY n) FROM generate_series(1, %(n)s) AS n"


@pytest.fixture
def connection(empty_postgres_url: str):
    with psycopg.connect(empty_postgres_url) as connection:
        connection.execute("SET enable_hashjoin = off")
        connection.execute("SET enable_mergejoin = off")
        yield connection


def plan_of(connection: psycopg.Connection, query: bytes, n: int) -> Plan:
    plans = keep_plans(connection)
    connection.execute(query, {"n": n})
    (plan,) = plans
    return plan


def test_nested_loop_handles_every_pair_and_is_named(connection):
    plan = plan_of(connection, JOIN, 300)
    assert plan.handled_rows >= 300 * 300
    assert "Nested Loop" in plan.kinds


def test_window_handles_every_row_a_few_times(connection):
    plan = plan_of(connection, WINDOW, 300)
    assert 300 <= plan.handled_rows <= 5 * 300 + 5
    assert "WindowAgg" in plan.kinds


def test_plan_of_a_server_s_cursor_is_kept_and_its_rows_come(connection):
    plans = keep_plans(connection)
    with connection.cursor("numbers") as cursor:
        assert [n for (n,) in cursor.execute(b"SELECT generate_series(1, 9)")] == list(range(1, 10))
    assert [plan.query for plan in plans] == ["DECLARE explained CURSOR FOR SELECT generate_series(1, 9)"]
    assert plans[0].handled_rows >= 9
