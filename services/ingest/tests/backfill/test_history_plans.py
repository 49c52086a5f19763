"""The ways of paging, each on made venues: every row of the span once, and never more told whole than is."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretick.common.errors import Refused
from foretick.ingest.domain.history import Page, Request, Step, align
from foretick.ingest.domain.history_plans import BackwardPlan, ForwardPlan, RecentPlan, WindowPlan
from foretick.market.recording.spans import Span, subtract

from .conftest import MINUTE, MS, NS, T0, bar, trade

PAGE = 5


def read_nothing(_: bytes) -> Page:
    raise AssertionError("these tests hand pages over themselves")


def run(plan, answer) -> list[Step]:
    """Ask and answer until the plan ends; it must end."""
    steps = []
    for _ in range(1000):
        request = plan.next_request()
        if request is None:
            return steps
        steps.append(plan.take(answer(request)))
    raise AssertionError("the plan does not end")


def check(steps, tape, span: Span, within: Span | None = None) -> None:
    """Hold ``steps`` to ``tape``: each row once, and at every step all rows of what was told whole so far."""
    within = within or span
    told, whole = [], []
    for step in steps:
        told += step.rows
        whole += [step.whole] if step.whole is not None else []
        have = {row.trade_id for row in told}
        for row in tape:
            if span.holds(row.recv_ns) and any(each.holds(row.recv_ns) for each in whole):
                assert row.trade_id in have
    assert len({row.trade_id for row in told}) == len(told)
    assert sorted(whole) == whole or sorted(whole, reverse=True) == whole
    assert subtract(span, whole) == subtract(span, [within])
    expected = [row for row in tape if span.holds(row.recv_ns) and within.holds(row.recv_ns)]
    complete = [row for row in told if within.holds(row.recv_ns)]
    assert sorted(complete, key=lambda row: int(row.trade_id)) == expected


# Several trades an instant, but fewer than a page has: more than that no paging by time can tell apart.
TAPES = (
    st.lists(st.integers(0, 40), max_size=60)
    .map(sorted)
    .map(lambda times: [trade(n, ms) for n, ms in enumerate(times) if times[:n].count(ms) < PAGE - 1])
)
SPANS = st.tuples(st.integers(-2, 20), st.integers(21, 44)).map(lambda pair: Span(T0 + pair[0] * MS, T0 + pair[1] * MS))


@given(TAPES, SPANS)
def test_forward_by_id(tape, span):
    def answer(request: Request) -> Page:
        kind, value = request.params.popitem()
        rows = (
            [row for row in tape if row.recv_ns >= int(value)]
            if kind == "time"
            else [row for row in tape if int(row.trade_id) >= int(value)]
        )
        return Page(rows[:PAGE])

    def following(last, _) -> Request:
        return Request("/t", {"id": str(int(last.trade_id) + 1)})

    first = Request("/t", {"time": str(span.from_ns)})
    check(run(ForwardPlan(span, first, following, read_nothing, PAGE), answer), tape, span)


@given(TAPES, SPANS)
def test_forward_by_cursor(tape, span):
    """The venue's cursor is the time of the last row, exclusive in it: of an instant it never splits a page."""

    def answer(request: Request) -> Page:
        since = int(request.params["since"])
        rows = [row for row in tape if row.recv_ns > since]
        size = PAGE
        while 0 < size < len(rows) and rows[size].recv_ns == rows[size - 1].recv_ns:
            size += 1
        page = rows[:size]
        return Page(page, str(page[-1].recv_ns) if page else request.params["since"])

    def following(_, cursor) -> Request:
        return Request("/t", {"since": cursor})

    first = Request("/t", {"since": str(span.from_ns - 1)})
    check(run(ForwardPlan(span, first, following, read_nothing, PAGE), answer), tape, span)


@given(TAPES, SPANS)
def test_backward_by_id(tape, span):
    def answer(request: Request) -> Page:
        kind, value = request.params.popitem()
        rows = (
            [row for row in tape if row.recv_ns < int(value)]
            if kind == "time"
            else [row for row in tape if int(row.trade_id) < int(value)]
        )
        return Page(rows[::-1][:PAGE])

    def following(oldest) -> Request:
        return Request("/t", {"id": oldest.trade_id})

    first = Request("/t", {"time": str(span.to_ns)})
    check(run(BackwardPlan(span, first, following, read_nothing, PAGE), answer), tape, span)


@given(TAPES, SPANS, st.sampled_from([PAGE, PAGE - 1, 2 * PAGE]))
def test_backward_by_time_whatever_a_page_holds(tape, span, holds):
    """The venue gives rows again, and its pages may be shorter or longer than what is asked for."""

    def answer(request: Request) -> Page:
        rows = [row for row in tape if span.from_ns <= row.recv_ns < int(request.params["end"])]
        return Page(rows[::-1][:holds])

    def following(oldest) -> Request:
        return Request("/t", {"end": str(oldest.recv_ns + 1)})

    tape = [row for row in tape if [other.recv_ns for other in tape].count(row.recv_ns) < holds]
    first = Request("/t", {"end": str(span.to_ns)})
    check(run(BackwardPlan(span, first, following, read_nothing, 10 * PAGE), answer), tape, span)


def test_more_rows_of_an_instant_than_a_page_has_are_refused():
    tape = [trade(n, 7) for n in range(20)]
    span = Span(T0, T0 + NS)

    def backward(request: Request) -> Page:
        return Page([row for row in tape if row.recv_ns < int(request.params["end"])][:PAGE])

    first = Request("/t", {"end": str(span.to_ns)})
    back = BackwardPlan(span, first, lambda row: Request("/t", {"end": str(row.recv_ns + 1)}), read_nothing, PAGE)
    with pytest.raises(Refused, match="more rows of one instant"):
        run(back, backward)

    def forward(_: Request) -> Page:
        return Page(tape[:PAGE], "same")

    ahead = ForwardPlan(
        span, Request("/t", {}), lambda _, cursor: Request("/t", {"since": cursor}), read_nothing, PAGE
    )  # fmt: skip
    with pytest.raises(Refused, match="more rows of one instant"):
        run(ahead, forward)


def test_what_a_venue_does_not_keep_is_told_and_not_called_whole():
    tape = [trade(n, n) for n in range(20, 40)]
    span = Span(T0, T0 + 50 * MS)

    def answer(request: Request) -> Page:
        return Page([row for row in tape if row.recv_ns < int(request.params["end"])][::-1][:PAGE])

    def following(oldest) -> Request:
        return Request("/t", {"end": str(oldest.recv_ns)})

    first = Request("/t", {"end": str(span.to_ns)})
    plan = BackwardPlan(span, first, following, read_nothing, PAGE, reach="it keeps a while")
    check(run(plan, answer), tape, span, within=Span(T0 + 20 * MS + 1, span.to_ns))
    assert plan.shortfall == "the venue gives nothing before this; it keeps a while"


@pytest.mark.parametrize("window_bars", [1, 7, 60, 1000])
def test_windows_ask_for_each_bar_once(window_bars):
    bars = [bar(n) for n in range(60) if n % 11]  # a minute without a trade has no bar
    span = Span(T0 + 5 * MINUTE, T0 + 47 * MINUTE)
    asked: list[Span] = []

    def request(window: Span) -> Request:
        asked.append(window)
        return Request("/b", {"from": str(window.from_ns), "to": str(window.to_ns)})

    def answer(request: Request) -> Page:
        window = Span(int(request.params["from"]), int(request.params["to"]))
        around = Span(window.from_ns - MINUTE, window.to_ns + MINUTE)  # a venue may give the neighbours, in any order
        return Page(random.Random(1).sample(found := [b for b in bars if around.holds(b.open_ns)], len(found)))

    steps = run(WindowPlan(span, MINUTE, window_bars, request, read_nothing), answer)
    assert [row for step in steps for row in step.rows] == [b for b in bars if span.holds(b.open_ns)]
    assert [step.whole for step in steps] == [*dict.fromkeys(asked)]
    assert subtract(span, [step.whole for step in steps]) == []
    assert max(window.to_ns - window.from_ns for window in asked) == min(window_bars, 42) * MINUTE


@pytest.mark.parametrize(
    ("keeps_from_ms", "rows", "whole_from_ms", "is_short"),
    [
        (None, range(10, 15), 10 + 1e-6, True),  # a full page: of its oldest instant there may be more
        (None, range(10, 13), 10 + 1e-6, True),  # nothing says how far back it goes
        (5, range(10, 13), 5, True),
        (-5, range(10, 13), 0, False),
        (None, [], 50, True),
    ],
)
def test_latest_that_a_venue_keeps(keeps_from_ms, rows, whole_from_ms, is_short):
    span = Span(T0, T0 + 50 * MS)
    keeps_from_ns = None if keeps_from_ms is None else T0 + keeps_from_ms * MS
    tape = [trade(n, n) for n in rows]
    plan = RecentPlan(span, Request("/t", {}), read_nothing, PAGE, "it keeps a while", keeps_from_ns)
    (step,) = run(plan, lambda _: Page(tape[::-1]))
    begins_ns = T0 + round(whole_from_ms * MS)
    assert step.whole == (Span(begins_ns, span.to_ns) if begins_ns < span.to_ns else None)
    assert step.rows == [row for row in tape if row.recv_ns >= begins_ns]
    assert bool(plan.shortfall) is is_short


def test_bars_of_the_latest_are_whole_from_the_first_that_is_given():
    span = Span(T0, T0 + 100 * MINUTE)
    plan = RecentPlan(span, Request("/b", {}), read_nothing, 30, "the last 30")
    (step,) = run(plan, lambda _: Page([bar(n) for n in range(80, 110)]))
    assert step.whole == Span(T0 + 80 * MINUTE, span.to_ns)
    assert step.rows == [bar(n) for n in range(80, 100)]


@pytest.mark.parametrize(
    ("span", "now", "aligned"),
    [
        (Span(60, 600), 1000, Span(60, 600)),
        (Span(61, 659), 1000, Span(120, 600)),
        (Span(0, 900), 650, Span(0, 600)),
        (Span(700, 900), 650, Span(720, 720)),
    ],
)
def test_only_closed_whole_bars_are_wanted(span, now, aligned):
    assert align(span, 60, now) == aligned


def test_page_that_repeats_a_row_tells_it_once():
    span = Span(T0, T0 + NS)
    plan = ForwardPlan(span, Request("/t", {}), lambda *_: Request("/t", {"x": "1"}), read_nothing, PAGE)
    step = plan.take(Page([trade(1, 1), trade(1, 1), trade(2, 1)]))
    assert [row.trade_id for row in step.rows] == ["1", "2"]
    assert step.whole == span
