"""The exchange's REST side: a path in, a status and a body out, with the venue's own errors. Pure."""

import json
import re
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

import msgspec

from foretick.common.contracts import UNDECODABLE
from foretick.common.errors import Refused
from foretick.ingest.domain.exchange import Exchange
from foretick.ingest.domain.exchange_faults import Fault, FaultKind, FaultRequest
from foretick.ingest.domain.exchange_wire import error_body, server_time

_DEFAULT_LIMIT, _MOST_LIMIT = 100, 5000
_SYMBOL = re.compile(r"[A-Z0-9\-_.]{1,20}")


class Answer(NamedTuple):
    """A response. ``after_s``: how long to wait before it is sent."""

    status: int
    body: bytes
    after_s: float = 0.0


class _BadRequest(Exception):
    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def answer_get(exchange: Exchange, target: str, now_ns: int) -> Answer:
    """Answer a GET for ``target`` (path and query)."""
    parts = urlsplit(target)
    query = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
    try:
        match parts.path:
            case "/api/v3/ping":
                return Answer(200, b"{}")
            case "/api/v3/time":
                return Answer(200, server_time(now_ns))
            case "/api/v3/depth":
                return Answer(200, *exchange.snapshot(_symbol(query), _limit(query)))
            case "/api/v3/exchangeInfo":
                return Answer(200, exchange.info(now_ns, _symbols(query)))
            case _:
                return Answer(404, error_body(-1000, f"No such path: {parts.path}"))
    except _BadRequest as error:
        return Answer(400, error_body(error.code, str(error)))
    except Refused as error:
        return Answer(400, error_body(-1121, error.message))


def answer_post(exchange: Exchange, target: str, body: bytes, now_ns: int) -> Answer:
    """Answer a POST: ``/sim/faults`` injects a fault, which no real venue offers."""
    if urlsplit(target).path != "/sim/faults":
        return Answer(404, error_body(-1000, f"No such path: {target}"))
    try:
        request = msgspec.json.decode(body, type=FaultRequest)
        exchange.inject(Fault(now_ns, request.kind, request.symbol))
    except UNDECODABLE as error:
        hint = f'send {{"kind": one of {", ".join(FaultKind)}, "symbol": "BTCUSDT"}}'
        return Answer(400, error_body(-1100, f"{error}; {hint}"))
    except Refused as error:
        return Answer(400, error_body(-1121, error.message))
    return Answer(200, msgspec.json.encode({"injected": request.kind, "symbol": request.symbol}))


def _symbol(query: dict[str, str]) -> str:
    symbol = query.get("symbol", "")
    if not symbol:
        raise _BadRequest(-1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.")
    if not _SYMBOL.fullmatch(symbol):
        raise _BadRequest(
            -1100, "Illegal characters found in parameter 'symbol'; legal range is '^[A-Z0-9-_.]{1,20}$'."
        )
    return symbol


def _limit(query: dict[str, str]) -> int:
    text = query.get("limit", str(_DEFAULT_LIMIT))
    if not (text.isascii() and text.isdigit() and len(text) <= 20 and int(text) > 0):
        raise _BadRequest(-1100, "Illegal characters found in parameter 'limit'; legal range is '^[0-9]{1,20}$'.")
    return min(int(text), _MOST_LIMIT)


def _symbols(query: dict[str, str]) -> list[str] | None:
    if "symbol" in query:
        return [_symbol(query)]
    if "symbols" not in query:
        return None
    try:
        symbols = json.loads(query["symbols"])
    except ValueError:
        symbols = None
    if not isinstance(symbols, list) or not all(isinstance(symbol, str) for symbol in symbols):
        raise _BadRequest(-1100, "Illegal characters found in parameter 'symbols'; send a JSON list of symbols.")
    return symbols
