"""What proofs say of faults: the silence of a client, and the last line."""

import pytest

from foretick.launcher.audit import AuditReport, Fault, FaultKind, InstrumentReport, Span
from foretick.launcher.testing.follower import Arrival, Outage, longest_silence_s
from foretick.launcher.testing.verdict import summarise

ARRIVALS = [Arrival(at_s, 1.0, 1) for at_s in (1.0, 2.0, 5.0, 5.5, 9.0)]


@pytest.mark.parametrize(
    ("since_s", "until_s", "silence_s"),
    [
        (1.0, 9.0, 3.5),  # 5.5 to 9.0
        (2.5, 4.0, 3.0),  # within a silence: all of it
        (5.1, 5.2, 0.5),
        (2.0, 5.2, 3.0),
        (5.5, 6.0, 3.5),  # reaches out of the span
        (0.0, 0.5, 1.0),  # nothing before: from the span's beginning to the first arrival
        (8.0, 20.0, 11.0),  # nothing after: to the span's end
        (10.0, 12.0, 3.0),  # the last arrival begins it
    ],
)
def test_silence_is_the_longest_that_touches_the_span(since_s, until_s, silence_s):
    assert longest_silence_s(ARRIVALS, since_s, until_s) == silence_s


def test_silence_of_a_client_that_got_nothing_is_the_span():
    assert longest_silence_s([], 3.0, 7.0) == 4.0


def report() -> AuditReport:
    faults = (Fault(FaultKind.MISSING, Span(5, 6)), Fault(FaultKind.DOUBLED, Span(9, 9)))
    broken = InstrumentReport("sim", "A", Span(1, 20), events=1000, faults=faults)
    told = InstrumentReport("sim", "B", Span(1, 90), events=500, declared=(Span(11, 20), Span(31, 31)), gap_records=3)
    return AuditReport("run", (broken, told))


def test_last_line_counts_what_was_lost_doubled_and_told():
    assert summarise("7 kills", report()) == (
        "7 kills: 2 lost, 1 doubled, 3 gap records that tell of 11 events, of 1,500 recorded"
    )


def test_last_line_adds_the_outages_up():
    outages = [Outage("one", 10.0, 2.5), Outage("other", 20.0, 4.0)]
    assert summarise("2 kills", report(), outages).endswith(
        "recorded; outage seen 6.5 s, the longest 4.0 s / injected 30.0 s"
    )
    assert summarise("1 kill", report(), outages[:1]).endswith("recorded; outage seen 2.5 s / injected 10.0 s")
