"""A venue halves its tick in the midst of a run: the feed asks for the listing again, tells it, and goes on."""

import re

import msgspec
import nats
import pytest

from foretick.common.contracts import BookFrame, Instrument, Trust
from foretick.common.subjects import INSTRUMENT_LISTINGS
from foretick.common.testing.waiting import eventually
from foretick.ingest.app.feed import build
from foretick.market.recording.lines import decode_line
from foretick.market.recording.records import RecordKind
from foretick.market.recording.text import read_lines

from ..feed.replays import play
from ..feed.test_feed_on_bus import consumer, runtime
from .test_venues_on_bus import USDM_LISTING, Script, venue

COARSE, FINE = "0.10", "0.05"
CHANGES_AT = 5


def listing_with(tick: str) -> dict:
    price, *others = USDM_LISTING["filters"]
    return {"symbols": [USDM_LISTING | {"filters": [price | {"tickSize": tick}, *others]}]}


class Market:
    """Binance's futures: from ``CHANGES_AT`` on prices lie between the old ticks, and the listing says so."""

    def __init__(self, *, is_listed: bool) -> None:
        self.turn = 0
        self.is_listed = is_listed
        book = {"lastUpdateId": 10, "bids": [["99.0", "2"]], "asks": [["101.0", "1"]]}
        bodies = {"/fapi/v1/exchangeInfo": listing_with(COARSE), "/fapi/v1/depth": book}
        self.script = Script(bodies, on_open=self.frames)

    def frames(self, path: str, turn: int) -> list:
        if not path.startswith("/public/"):
            return []
        if turn >= CHANGES_AT:
            bids = [["99.0", "2"], ["99.05", "3"]]
            self.script.bodies["/fapi/v1/depth"] = {
                "lastUpdateId": 10 + turn, "bids": bids, "asks": [["101.0", "1"]],
            }  # fmt: skip
            if self.is_listed:
                self.script.bodies["/fapi/v1/exchangeInfo"] = listing_with(FINE)
        price = "99.05" if turn >= CHANGES_AT else "99.0"
        update = {"s": "BTCUSDT", "E": 5, "U": 10 + turn, "u": 10 + turn, "pu": 9 + turn, "b": [[price, "3"]], "a": []}
        return [{"stream": "btcusdt@depth@100ms", "data": update}]


async def listings_on(url: str) -> tuple[nats.NATS, list[float]]:
    """The tick of each listing that is told from now on."""
    ticks: list[float] = []
    client = await nats.connect(url)

    async def receive(message) -> None:
        ticks.append(msgspec.json.decode(message.data, type=Instrument).tick_size)

    await client.subscribe(INSTRUMENT_LISTINGS.wildcard, cb=receive)
    await client.flush()
    return client, ticks


def live_ticks(frames) -> set[float]:
    return {each.tick_size for each in frames if isinstance(each, BookFrame) and each.trust is Trust.LIVE}


async def test_book_is_live_again_on_the_new_tick(nats_url, tmp_path):
    market = Market(is_listed=True)
    client, ticks = await listings_on(nats_url)
    async with venue(market.script) as address, consumer(nats_url) as frames:
        name = "binance-usdm"
        places = {"VENUE_WS_URLS": f"{name}=ws://{address}", "VENUE_REST_URLS": f"{name}=http://{address}"}
        recorded = {"RECORD_RAW_DIR": str(tmp_path)}
        async with runtime(nats_url, VENUES=name, DEFAULT_SYMBOLS="BTCUSDT", **places, **recorded) as (rt, settings):
            await build(rt, settings)

            async def is_live_on(tick: float) -> bool:
                await market.script.go_on()
                return tick in live_ticks(frames)

            await eventually(lambda: is_live_on(0.1))
            await eventually(lambda: is_live_on(0.05), deadline_s=30)
            told = rt.metrics.render()[0].decode()
            counted = re.findall(r"feed_listings_asked_again_total{(.*)} (.*)", told)
            assert [value for labels, value in counted if "changed" in labels and "unchanged" not in labels] == ["1.0"]
            assert (await rt.bus.last(INSTRUMENT_LISTINGS, name, "BTCUSDT")).tick_size == 0.05
    await client.close()
    assert ticks == [0.1, 0.05]
    assert recorded_ticks(tmp_path) == [0.1, 0.05]
    replayed = await play([tmp_path])
    assert live_ticks(replayed.outlet.frames) == {0.1, 0.05}


def recorded_ticks(folder) -> list[float]:
    """The ticks of the listings in a recording, in order, by its text."""
    ticks: list[float] = []
    for path in sorted(folder.glob("*.zst")):
        with path.open("rb") as stream:
            for line in read_lines(stream, path.name):
                record = decode_line(line.rstrip(b"\n"), path.name, 1)
                if record.kind is RecordKind.LISTING:
                    ticks.append(msgspec.json.decode(record.payload)["tick_size"])
    return ticks


@pytest.mark.parametrize("is_listed", [True, False])
def test_market_of_this_test_changes_its_prices(is_listed):
    """The control of the script: between the ticks of before lies what it sends then."""
    market = Market(is_listed=is_listed)
    (before,), (after,) = (market.frames("/public/stream", turn) for turn in (CHANGES_AT - 1, CHANGES_AT))
    assert (before["data"]["b"], after["data"]["b"]) == ([["99.0", "3"]], [["99.05", "3"]])
    listed = market.script.bodies["/fapi/v1/exchangeInfo"]["symbols"][0]["filters"][0]["tickSize"]
    assert listed == (FINE if is_listed else COARSE)
