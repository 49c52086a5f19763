"""Which Host and Origin may come in."""

import pytest

from foretick.gateway.domain.principal import Perimeter


@pytest.mark.parametrize("host", ["localhost", "localhost:8000", "127.0.0.1:1", "[::1]:8000", "LOCALHOST"])
def test_loopback_host_passes(host: str):
    assert Perimeter().host_refusal(host) == ""


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "", None, "127.0.0.1.evil.example:80", "["])
def test_foreign_host_is_refused(host: str | None):
    assert Perimeter().host_refusal(host)


def test_named_host_passes():
    assert Perimeter(hosts=("Desk.example",)).host_refusal("desk.example:443") == ""


@pytest.mark.parametrize("origin", [None, "http://localhost:5173", "http://127.0.0.1:8000", "https://desk.example"])
def test_own_origin_passes(origin: str | None):
    assert Perimeter(origins=("https://desk.example",)).origin_refusal(origin, "localhost:8000") == ""


def test_page_of_the_same_named_host_passes():
    assert Perimeter(hosts=("desk.example",)).origin_refusal("https://desk.example", "desk.example") == ""


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost.evil.example", "https://"])
def test_foreign_origin_is_refused(origin: str):
    assert Perimeter().origin_refusal(origin, "localhost:8000")


def test_star_allows_everyone():
    perimeter = Perimeter(hosts=("*",), origins=("*",))
    assert perimeter.host_refusal("x.example") == perimeter.origin_refusal("http://y.example", "x.example") == ""
