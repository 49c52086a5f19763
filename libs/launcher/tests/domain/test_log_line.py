import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretick.launcher.domain.log_line import parse_log_line, render_log_line


def test_json_line_shows_time_role_level_event_and_fields():
    text = json.dumps({
        "symbol": "BTCUSDT", "attempts": 2, "event": "book resynced", "level": "info", "ts": "2026-11-22T12:00:01.123Z",
        "service": "ingest.feed-0",
    })  # fmt: skip
    rendered = render_log_line("ingest.feed", parse_log_line(text), colour=False)
    assert rendered == "12:00:01  ingest.feed       INFO   book resynced  symbol=BTCUSDT attempts=2"


def test_value_with_blanks_is_quoted_and_a_float_is_short():
    text = '{"event":"gap","level":"warning","reason":"two words","gap_s":0.30000000000000004,"empty":""}'
    rendered = render_log_line("features.serve", parse_log_line(text, "09:08:07"), colour=False)
    assert rendered == '09:08:07  features.serve    WARN   gap  reason="two words" gap_s=0.3 empty=""'


def test_exception_follows_on_lines_of_its_own():
    text = json.dumps({"event": "died", "level": "error", "exception": "Traceback\nValueError: x"})
    rendered = render_log_line("a.b", parse_log_line(text, "00:00:00"), colour=False)
    assert rendered.splitlines()[1:] == ["    Traceback", "    ValueError: x"]


@pytest.mark.parametrize("text", ["plain words", "{not json", "[1, 2]", '{"no": "event"}', '"event"'])
def test_line_that_is_not_ours_is_shown_as_it_is(text: str):
    line = parse_log_line(text, "01:02:03")
    assert (line.clock, line.level, line.event) == ("01:02:03", "INFO", text)


def test_start_of_a_traceback_is_an_error():
    assert parse_log_line("Traceback (most recent call last):").level == "ERROR"


def test_level_decides_what_is_at_least_as_grave():
    warning = parse_log_line('{"event":"x","level":"warning"}')
    assert warning.is_at_least("INFO")
    assert warning.is_at_least("WARNING")
    assert not warning.is_at_least("ERROR")


def test_unknown_level_counts_as_info():
    assert parse_log_line('{"event":"x","level":"loud"}').level == "INFO"


def test_colours_change_nothing_but_escapes():
    line = parse_log_line('{"event":"x","level":"error","a":1,"ts":"2026-11-22T12:00:01Z"}')
    plain = render_log_line("a.b", line, colour=False)
    coloured = render_log_line("a.b", line, colour=True, role_index=3)
    assert "\x1b[31m" in coloured
    for code in ("\x1b[2m", "\x1b[31m", "\x1b[34m", "\x1b[0m"):
        coloured = coloured.replace(code, "")
    assert coloured == plain


@given(st.text())
def test_any_line_can_be_shown(text: str):
    assert isinstance(render_log_line("a.b", parse_log_line(text), colour=True), str)
