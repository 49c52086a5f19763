"""Instants, lengths and sizes as people write and read them."""

import pytest

from foretick.launcher.domain.instant import parse_instant, render_instant, render_length, render_size

AUGUST_9 = 1_786_233_600_000_000_000  # date -u -d 2026-08-09 +%s


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("2026-08-09", AUGUST_9),
        ("2026-08-09T00:00:01", AUGUST_9 + 10**9),
        ("2026-08-09 01:00", AUGUST_9 + 3600 * 10**9),
        ("2026-08-09T02:00:00.000001+02:00", AUGUST_9 + 1000),
        ("2026-08-09T00:00:00Z", AUGUST_9),
        ("1786233600000000001", AUGUST_9 + 1),
        ("1969-12-31T23:59:59", -(10**9)),
    ],
)
def test_instant_is_read_in_utc_unless_it_says_otherwise(text, ns):
    assert parse_instant(text) == ns


@pytest.mark.parametrize("text", ["", "noon", "1786233600", "2026-13-01", "2026-08-09T25:00"])
def test_other_text_is_refused_with_the_forms(text):
    with pytest.raises(ValueError, match="2026-08-09T21:05"):
        parse_instant(text)


def test_instant_is_shown_to_the_millisecond():
    assert render_instant(AUGUST_9 + 1_999_999) == "2026-08-09T00:00:00.001Z"


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "0ms"),
        (1_500_000, "2ms"),
        (59 * 10**9, "59.0s"),
        (60 * 10**9, "1m 0s"),
        (86_399 * 10**9, "23h 59m"),
        (90_000 * 10**9, "1d 1h"),
    ],
)
def test_length_is_shown_in_two_units(ns, text):
    assert render_length(ns) == text


@pytest.mark.parametrize(("size", "text"), [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (5 * 1024**4, "5.0 TiB")])
def test_size_is_shown_in_its_unit(size, text):
    assert render_size(size) == text
