"""What the audit asks of the database: answers by their definitions, pair by pair, and work that grows with rows."""

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from foretick.common.testing.plans import Plan, keep_plans
from foretick.common.testing.servers import fresh_database
from foretick.common.testing.synthetic_record import (
    DEFAULTS,
    RUN,
    VENUE,
    copy_rows,
    prepare_record,
    write_synthetic_record,
)
from foretick.launcher.audit import FaultKind, Span, audit_run, run
from foretick.launcher.audit.record import RecordReader, open_snapshot

Rows = list[dict[str, Any]]

KEY = (VENUE, "S0")
MARKETS = 60
EVENTS = 2_000
JOINS = {"Nested Loop", "Hash Join", "Merge Join"}


def some_rows(rng: random.Random, table: str, **choices: list[Any]) -> Rows:
    """Up to twelve rows with values from so few that they meet; a row of the key is there once."""
    rows: dict[tuple[int, int], dict[str, Any]] = {}
    for _ in range(rng.randrange(13)):
        row = DEFAULTS[table] | {name: rng.choice(values) for name, values in choices.items()}
        rows[row["asof_seq"], row["epoch"]] = row
    return list(rows.values())


def some_market(seed: int) -> tuple[Rows, Rows, Rows]:
    """Predictions, vectors and outcomes that fit each other here and there."""
    rng = random.Random(seed)
    common = {"run_id": [f"market {seed}"], "asof_seq": list(range(1, 7)), "epoch": [1, 2], "step": [1, 2]}
    seen: dict[str, list[Any]] = {"mid": [None, 1.0, 2.0], "schema_hash": ["0", "1"]}
    return (
        some_rows(rng, "predictions", model_id=["m", "n", None], withheld=[None, None, "stale"], **common, **seen),
        some_rows(rng, "features", **common, **seen),
        some_rows(rng, "outcomes", model_id=["m", "n"], realised_seq=[7, 8], **common),
    )


@pytest.fixture(scope="module")
def readers(postgres_address: str, postgres_template: str) -> Iterator[list[RecordReader]]:
    """One of each market, all in one database."""
    with fresh_database(postgres_address, postgres_template) as url:
        with psycopg.connect(url) as connection:
            prepare_record(connection)
            for seed in range(MARKETS):
                for table, rows in zip(("predictions", "features", "outcomes"), some_market(seed), strict=True):
                    copy_rows(connection, table, rows)
        with open_snapshot(url) as snapshot:
            yield [RecordReader(snapshot, f"market {seed}") for seed in range(MARKETS)]


def test_outcome_is_an_orphan_when_no_prediction_with_numbers_is_the_one_it_settles(readers):
    found = 0
    for seed, reader in enumerate(readers):
        predictions, _, outcomes = some_market(seed)
        extent = [row["asof_seq"] for row in predictions]
        orphans = [
            Span(o["asof_seq"], o["realised_seq"])
            for o in outcomes
            if extent
            and min(extent) <= o["asof_seq"] <= max(extent)
            and not any(
                p["withheld"] is None
                and (p["asof_seq"], p["step"], p["model_id"]) == (o["asof_seq"], o["step"], o["model_id"])
                for p in predictions
            )
        ]
        assert sorted(reader.orphaned_outcomes(KEY)) == sorted(orphans)
        found += len(orphans)
    assert 0 < found < sum(len(some_market(seed)[2]) for seed in range(MARKETS))


def test_prediction_is_unlike_its_vector_when_step_mid_or_schema_differ_from_any_as_of_its_event(readers):
    found = 0
    for seed, reader in enumerate(readers):
        predictions, vectors, _ = some_market(seed)
        unlike = {
            p["asof_seq"]
            for p in predictions
            for v in vectors
            if p["asof_seq"] == v["asof_seq"] and any(p[name] != v[name] for name in ("step", "mid", "schema_hash"))
        }
        assert reader.predictions_unlike_vectors(KEY) == sorted(unlike)
        found += len(unlike)
    assert 0 < found < sum(len(some_market(seed)[0]) for seed in range(MARKETS))


def test_predictions_with_numbers_that_share_a_step_are_doubled(readers):
    for seed, reader in enumerate(readers):
        steps = [(row["step"], row["asof_seq"]) for row in some_market(seed)[0] if row["withheld"] is None]
        shared = Counter(step for step, _ in steps)
        assert reader.doubled_predictions(KEY) == sorted(asof_seq for step, asof_seq in steps if shared[step] > 1)


@pytest.mark.parametrize(
    "holes",
    [[], [Span(2, 2)], [Span(1, 1), Span(3, 4), Span(6, 9)], [Span(5, 2**62)], [Span(2, 5), Span(3, 3)]],
    ids=str,
)
def test_holes_name_the_events_in_them_that_something_is_as_of(readers, holes):
    for seed, reader in enumerate(readers):
        predictions, vectors, _ = some_market(seed)
        asofs = {row["asof_seq"] for row in predictions + vectors}
        assert reader.asof_within(KEY, holes) == sorted(
            asof_seq for asof_seq in asofs if any(first <= asof_seq <= last for first, last in holes)
        )


def test_predictions_come_in_order_and_within_the_extent(readers):
    for seed, reader in enumerate(readers):
        asofs = sorted(row["asof_seq"] for row in some_market(seed)[0])
        assert list(reader.prediction_asofs(KEY, Span(2, 4))) == [asof_seq for asof_seq in asofs if 2 <= asof_seq <= 4]


def plans_of_audit(url: str, events: int, monkeypatch: pytest.MonkeyPatch, *, with_statistics: bool) -> list[Plan]:
    """Audit a record with faults of every kind that the rows show; return what the database did, reads of rows last."""
    write_synthetic_record(url, events, symbols=2)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DELETE FROM ticks WHERE seq % 20 = 8")  # with a prediction as of each
        connection.execute("DELETE FROM predictions WHERE step % 7 = 0")
        connection.execute("UPDATE features SET step = step + 1 WHERE step % 30 = 0")
        if with_statistics:
            connection.execute("ANALYZE")
    plans: list[Plan] = []

    @contextmanager
    def watched(database_url: str) -> Iterator[psycopg.Connection]:
        with open_snapshot(database_url) as snapshot:
            kept = keep_plans(snapshot)
            yield snapshot
            plans.extend(kept)

    monkeypatch.setattr(run, "open_snapshot", watched)
    report = audit_run(url, None)
    assert {fault.kind for fault in report.instruments[0].faults} == {
        FaultKind.MISSING, FaultKind.NO_EVENT, FaultKind.NO_VECTOR, FaultKind.NO_PREDICTION,
    }  # fmt: skip
    with watched(url) as snapshot:
        reader = RecordReader(snapshot, RUN)
        assert len(list(reader.prediction_asofs(KEY, Span(1, events)))) > events / 10
        for first in range(1, events // 2, 200):
            for table in ("ticks", "book_events", "features", "predictions", "outcomes"):
                assert reader.rows(table, KEY, Span(first, first + 199))
    return plans


@pytest.mark.parametrize("with_statistics", [False, True], ids=["no statistics", "statistics"])
def test_audit_s_work_grows_with_the_record_and_not_with_its_square(
    postgres_address: str, postgres_template: str, monkeypatch: pytest.MonkeyPatch, with_statistics: bool
):
    handled: list[int] = []
    for events in (EVENTS, 4 * EVENTS):
        with fresh_database(postgres_address, postgres_template) as url:
            plans = plans_of_audit(url, events, monkeypatch, with_statistics=with_statistics)
            assert not [plan.query for plan in plans if plan.kinds & JOINS]
            handled.append(sum(plan.handled_rows for plan in plans))
    few, many = handled
    assert few > EVENTS, "the count counts"
    assert many <= 4.4 * few
