"""The simulated exchange's bytes: against the documented format by hand, and against recorded frames of the venue."""

import gzip
import json
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from foretick.ingest.adapters.simulator import frames
from foretick.ingest.domain.exchange_text import decimal_text
from foretick.ingest.domain.exchange_wire import InstrumentWire, error_body, server_shutdown, server_time
from foretick.market.simulation import LISTINGS

WIRE = InstrumentWire(LISTINGS["BTCUSDT"])
T_NS = 1_723_161_255_343_999_999


def test_trade_has_the_documented_bytes():
    assert WIRE.trade(T_NS, 3735683259, (6183763, 2000), -1) == (
        b'{"stream":"btcusdt@trade","data":{"e":"trade","E":1723161255343,"s":"BTCUSDT","t":3735683259,'
        b'"p":"61837.63000000","q":"0.02000000","T":1723161255343,"m":true,"M":true}}'
    )


def test_book_ticker_has_the_documented_bytes():
    assert WIRE.quote(50093239212, (6183763, 378826), (6183764, 154698)) == (
        b'{"stream":"btcusdt@bookTicker","data":{"u":50093239212,"s":"BTCUSDT","b":"61837.63000000",'
        b'"B":"3.78826000","a":"61837.64000000","A":"1.54698000"}}'
    )


def test_depth_update_has_the_documented_bytes():
    assert WIRE.depth(T_NS, (157, 160), [(6183763, 0)], []) == (
        b'{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1723161255343,"s":"BTCUSDT","U":157,"u":160,'
        b'"b":[["61837.63000000","0.00000000"]],"a":[]}}'
    )


def test_rest_bodies_have_the_documented_bytes():
    assert WIRE.snapshot(1027024, [(400, 43100)], [(401, 1)]) == (
        b'{"lastUpdateId":1027024,"bids":[["4.00000000","0.43100000"]],"asks":[["4.01000000","0.00001000"]]}'
    )
    assert server_time(1_499_827_319_559_000_000) == b'{"serverTime":1499827319559}'
    assert server_shutdown(1_770_123_456_789_000_000) == b'{"e":"serverShutdown","E":1770123456789}'
    assert error_body(-1121, "Invalid symbol.") == b'{"code":-1121,"msg":"Invalid symbol."}'


@pytest.mark.parametrize(
    ("count", "step_e8", "text"), [(0, 1, "0.00000000"), (7, 10**8, "7.00000000"), (3, 1000, "0.00003000")]
)
def test_numbers_have_eight_decimals(count: int, step_e8: int, text: str):
    assert decimal_text(count, step_e8) == text
    assert Decimal(text) == Decimal(count * step_e8).scaleb(-8)


def shape(value: Any) -> Any:
    """Key order, JSON types and number patterns of a message; lists are described by their kinds of elements."""
    if isinstance(value, dict):
        return [(key, shape(item)) for key, item in value.items()]
    if isinstance(value, list):
        return sorted({json.dumps(shape(item)) for item in value})
    if isinstance(value, str):
        return re.sub(r"\d+", "9", value) if re.fullmatch(r"\d+\.\d{8}", value) else value
    return f"{type(value).__name__} of {len(str(value))} digits" if value > 10**12 else type(value).__name__


def shapes_by_kind(lines: list[bytes]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for line in lines:
        message = json.loads(line)
        kind = message["stream"].partition("@")[2] if "stream" in message else "rest"
        # Trade ids and update ids are plain integers of any size.
        text = json.dumps(shape(message))
        found.setdefault(kind, set()).add(re.sub(r'"int( of \d+ digits)?"', lambda m: '"int"', text))
    return found


def test_simulated_frames_have_the_shapes_of_recorded_ones(recording_path: Callable):
    with gzip.open(recording_path("binance_spot_btcusdt_20240808.gz"), "rb") as stream:
        recorded = shapes_by_kind([line.partition(b" ")[2] for line in stream])
    simulated = shapes_by_kind([frame.payload for frame in frames(["BTCUSDT"], seed=3, duration_s=30)])
    assert set(simulated) == set(recorded) == {"trade", "bookTicker", "depth@100ms", "rest"}
    for kind, found in simulated.items():
        assert found <= recorded[kind], kind


def test_the_comparison_sees_a_changed_key_order():
    right = {"stream": "x@trade", "data": {"e": "trade", "p": "1.00000000"}}
    wrong = {"stream": "x@trade", "data": {"p": "1.00000000", "e": "trade"}}
    short = {"stream": "x@trade", "data": {"e": "trade", "p": "1.0"}}
    assert len({json.dumps(shape(message)) for message in (right, wrong, short)}) == 3


def test_equal_arguments_give_equal_frames_in_order_of_receipt():
    first, again = ([*frames(["ETHUSDT", "AAPL"], seed=3, duration_s=5)] for _ in range(2))
    assert first == again
    assert [frame.recv_ns for frame in first] == sorted(frame.recv_ns for frame in first)
    assert sum(b"lastUpdateId" in frame.payload for frame in first) == 2
