"""The as-of join against a search by hand, and against its own result when the future is appended."""

from collections.abc import Sequence
from typing import Any

import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from foretick.history import asof_join

NAMES = {"run_id": pl.String, "venue": pl.String, "symbol": pl.String}
EVENTS = st.lists(st.tuples(st.sampled_from("AB"), st.integers(0, 20), st.sampled_from(("left", "right"))), max_size=40)
"""Events in order: instrument, time since the one before, and which side they belong to."""


def frames(events: Sequence[tuple[str, int, str]]) -> tuple[pl.DataFrame, pl.DataFrame]:
    rows: dict[str, list[dict[str, Any]]] = {"left": [], "right": []}
    now, seqs = 0, {"A": 0, "B": 0}
    for symbol, since, side in events:
        now += since
        seqs[symbol] += 1
        rows[side].append({"run_id": "r", "venue": "v", "symbol": symbol, "seq": seqs[symbol], "recv_ns": now})
    schema = {**NAMES, "seq": pl.Int64, "recv_ns": pl.Int64}
    left, right = (pl.DataFrame(rows[side], schema=schema) for side in ("left", "right"))
    return left, right.with_columns(value=pl.int_range(pl.len()))


@given(events=EVENTS, tolerance=st.one_of(st.none(), st.integers(0, 40)))
def test_each_row_gets_the_latest_that_was_known(events: list[tuple[str, int, str]], tolerance: int | None) -> None:
    left, right = frames(events)
    joined = asof_join(left, right, tolerance_ns=tolerance)
    assert joined.select(left.columns).equals(left)
    for row in joined.iter_rows(named=True):
        known = [
            other
            for other in right.iter_rows(named=True)
            if other["symbol"] == row["symbol"] and other["seq"] < row["seq"]
            and (tolerance is None or row["recv_ns"] - max(
                o["recv_ns"] for o in right.iter_rows(named=True)
                if o["symbol"] == row["symbol"] and o["seq"] < row["seq"]
            ) <= tolerance)
        ]  # fmt: skip
        expected = max(known, key=lambda other: other["seq"], default=None)
        assert row["value"] == (expected and expected["value"])
        assert row["known_ns"] == (expected and expected["recv_ns"])


@given(events=EVENTS, future=EVENTS, tolerance=st.one_of(st.none(), st.integers(0, 40)))
def test_appended_future_changes_nothing(
    events: list[tuple[str, int, str]], future: list[tuple[str, int, str]], tolerance: int | None
) -> None:
    left, right = frames(events)
    _, longer = frames([*events, *((symbol, since, "right") for symbol, since, _ in future)])
    assert_frame_equal(asof_join(left, longer, tolerance_ns=tolerance), asof_join(left, right, tolerance_ns=tolerance))


@given(events=EVENTS)
def test_each_row_is_as_if_nothing_came_after_it(events: list[tuple[str, int, str]]) -> None:
    """Cut off after any row of the left, what was joined so far stands: nothing comes from the future."""
    left, right = frames(events)
    whole = asof_join(left, right, by=()).select("seq", "recv_ns", "value")
    for count in range(1, len(left) + 1):
        until = left["recv_ns"][count - 1]
        cut = asof_join(left.head(count), right.filter(pl.col("recv_ns") <= until), by=())
        assert_frame_equal(cut.select("seq", "recv_ns", "value"), whole.head(count))


def test_bar_is_known_at_its_end_and_not_before() -> None:
    names = {"run_id": "r", "venue": "v", "symbol": "A"}
    left = pl.DataFrame([names | {"seq": n, "recv_ns": at} for n, at in enumerate((59, 60, 61, 119, 120, 500))])
    bars = pl.DataFrame([names | {"start_ns": at, "end_ns": at + 60, "close": float(at)} for at in (0, 60)])
    joined = asof_join(left, bars, tolerance_ns=100)
    assert joined["close"].to_list() == [None, 0.0, 0.0, 0.0, 60.0, None]
    assert joined["known_ns"].to_list() == [None, 60, 60, 60, 120, None]


def test_order_of_the_left_is_kept_and_equal_names_are_told_apart() -> None:
    left, right = frames([("A", 1, "right"), ("A", 1, "left"), ("B", 1, "right"), ("B", 1, "left"), ("A", 1, "left")])
    shuffled = left.sort("recv_ns", descending=True)
    joined = asof_join(shuffled, right)
    assert joined.select(left.columns).equals(shuffled)
    assert joined.columns == [*left.columns, "seq_right", "recv_ns_right", "value", "known_ns"]
