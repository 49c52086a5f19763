"""Every recording of the shared data passes through its venue's connector, or says by name why there is none for it."""

import pytest

from foretick.ingest.adapters.venues import CONNECTORS
from foretick.ingest.settings import KNOWN_VENUES

from .conformance.captures import CAPTURES as CAPTURES_FOLDER
from .conformance.captures import RECORDINGS
from .conformance.discovery import CAPTURES

UNREAD = {
    "BITFINEX.jsonl.zst": "Bitfinex v2 of 2021: no connector",
    "DERIBIT.jsonl.zst": "Deribit v2 of 2021: no connector",
    "GEMINI.jsonl.zst": "Gemini v2: no connector",
    "KRAKEN_FUTURES.jsonl.zst": "Kraken Futures v1 of 2021: no connector",
}
"""Recordings that no connector reads: the protocol they hold, and why."""

PRESENT = sorted(
    path.name
    for folder in (CAPTURES_FOLDER, RECORDINGS)
    if folder.is_dir()
    for path in folder.iterdir()
    if path.suffix in (".zst", ".gz")
)


@pytest.mark.parametrize("name", sorted({*PRESENT, *CAPTURES, *UNREAD}))
def test_recording_passes_through_its_connector(new_feed, name):
    assert (name in CAPTURES) != (name in UNREAD), f"{name} is either read or named as unread"
    if name in UNREAD:
        pytest.skip(f"{name}: {UNREAD[name]}")
    version, loads = CAPTURES[name]
    assert version
    for load in loads:
        source = load()
        feed = new_feed(source.listings, rules=source.rules, wire=source.new_wire())
        feed.handler.on_time(source.frames[0].recv_ns)
        feed.handler.on_connected(source.symbols, source.frames[0].connection)
        feed.play(source.frames)
        assert feed.outlet.rejected == []
        assert sum(each.local.counters.chain_breaks for each in feed.engine.feeds.values()) == 0
        assert feed.engine.live_count > 0


def test_every_venue_that_may_be_set_has_a_connector():
    assert list(KNOWN_VENUES) == list(CONNECTORS)
