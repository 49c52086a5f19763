"""The exchange's REST side: a path in, a status and a body out, with the venue's own errors. Pure."""

import json
import re
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

import msgspec

from foretick.common.contracts import UNDECODABLE
from foretick.common.errors import Refused
from foretick.ingest.domain import exchange_coinbase, exchange_kraken
from foretick.ingest.domain.exchange import Exchange
from foretick.ingest.domain.exchange_faults import Fault, FaultKind, FaultRequest, SimVenue
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
    if parts.path.startswith("/coinbase/"):
        return _answer_coinbase(exchange, parts.path, now_ns)
    if parts.path.startswith("/kraken/"):
        return _answer_kraken(exchange, parts.path)
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
        exchange.inject(Fault(now_ns, request.kind, request.symbol, request.venue))
    except UNDECODABLE as error:
        venues = ", ".join(SimVenue)
        hint = f'send {{"kind": one of {", ".join(FaultKind)}, "symbol": "BTCUSDT", "venue": one of {venues}}}'
        return Answer(400, error_body(-1100, f"{error}; {hint}"))
    except Refused as error:
        code = -1121 if error.code == "unknown_symbol" else -1100
        return Answer(400, error_body(code, f"{error.message}; {error.hint}"))
    told = {"injected": request.kind, "symbol": request.symbol, "venue": request.venue}
    return Answer(200, msgspec.json.encode(told))


def _answer_coinbase(exchange: Exchange, path: str, now_ns: int) -> Answer:
    match path:
        case "/coinbase/api/v3/brokerage/market/products":
            return Answer(200, exchange_coinbase.products(exchange.market.listings))
        case "/coinbase/api/v3/brokerage/time":
            return Answer(200, exchange_coinbase.server_time(now_ns))
        case _:
            return Answer(404, exchange_coinbase.rest_error("NOT_FOUND", f"no such path: {path}"))


def _answer_kraken(exchange: Exchange, path: str) -> Answer:
    if path == "/kraken/0/public/AssetPairs":
        return Answer(200, exchange_kraken.pairs(exchange.market.listings))
    return Answer(404, exchange_kraken.rest_error("EQuery:Unknown method"))


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
