"""What a client may ask the simulated exchange over its socket, and how the venue answers."""

from typing import Any

import msgspec

from foretick.common.contracts import UNDECODABLE

_MAX_STREAMS = 1024
_METHODS = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS")


class StreamRequest(msgspec.Struct):
    """A request: ``{"method": ..., "params": [...], "id": ...}``."""

    method: str
    params: list[str] = []
    id: int | str | None = None


_decoder = msgspec.json.Decoder(StreamRequest)


def streams_in_query(query: str) -> set[str]:
    """Return the streams of ``streams=a/b/c``; empty where there are none.

    >>> sorted(streams_in_query("streams=btcusdt@trade/btcusdt@bookTicker"))
    ['btcusdt@bookTicker', 'btcusdt@trade']
    """
    for part in query.split("&"):
        name, _, value = part.partition("=")
        if name == "streams":
            return {stream for stream in value.split("/") if stream}
    return set()


def answer(payload: str | bytes, streams: set[str]) -> bytes:
    """Carry out a request on a client's ``streams`` and return the reply, a typed error where it is wrong.

    A stream that does not exist is accepted and never sends, as at the venue.
    """
    try:
        request = _decoder.decode(payload)
    except msgspec.ValidationError as error:
        return _refusal(2, f"Invalid request: {error}", None)
    except UNDECODABLE as error:
        return _refusal(3, f"Invalid JSON: {error}", None)
    if request.method == "LIST_SUBSCRIPTIONS":
        return _reply(sorted(streams), request.id)
    if request.method not in _METHODS:
        known = ", ".join(f"`{method}`" for method in _METHODS)
        return _refusal(2, f"Invalid request: unknown variant `{request.method}`, expected one of {known}", request.id)
    if request.method == "UNSUBSCRIBE":
        streams.difference_update(request.params)
    elif len(streams.union(request.params)) > _MAX_STREAMS:
        return _refusal(2, f"Invalid request: at most {_MAX_STREAMS} streams a connection", request.id)
    else:
        streams.update(request.params)
    return _reply(None, request.id)


def _reply(result: Any, request_id: int | str | None) -> bytes:
    return msgspec.json.encode({"result": result, "id": request_id})


def _refusal(code: int, message: str, request_id: int | str | None) -> bytes:
    return msgspec.json.encode({"error": {"code": code, "msg": message}, "id": request_id})
