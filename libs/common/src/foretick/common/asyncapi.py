"""The AsyncAPI 3 document of the bus, derived from the subject table."""

from typing import Any

from foretick.common.contracts import describe_contracts
from foretick.common.subjects import CALLS, TABLE, Call, Subject

ASYNCAPI_VERSION = "3.0.0"


def build_document(version: str) -> dict[str, Any]:
    """Return the document as plain data: a channel a subject, a send operation a producer, a receive a consumer."""
    contracts = list(dict.fromkeys([*(subject.contract for subject in TABLE), *(call.reply for call in CALLS)]))
    operations: dict[str, Any] = {}
    for subject in TABLE:
        for action, services in (("send", subject.producers), ("receive", subject.consumers)):
            for service in services:
                operations[f"{service.replace('.', '-')}-{action}-{subject.root}"] = _operation(
                    subject, action, service
                )
    for call in CALLS:
        operations |= _call_operations(call)
    return {
        "asyncapi": ASYNCAPI_VERSION,
        "info": {
            "title": "Foretick on NATS",
            "version": version,
            "description": "Every subject of the bus. JSON; times are UTC nanoseconds; a missing number is null.",
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "servers": {"nats": {"host": "127.0.0.1:4222", "protocol": "nats"}},
        "channels": {subject.root: _channel(subject) for subject in TABLE}
        | {name: channel for call in CALLS for name, channel in _call_channels(call).items()},
        "operations": operations,
        "components": {
            "messages": {
                contract.__name__: {
                    "name": contract.__name__,
                    "summary": (contract.__doc__ or "").partition("\n")[0],
                    "contentType": "application/json",
                    "payload": {"$ref": f"#/components/schemas/{contract.__name__}"},
                }
                for contract in contracts
            },
            "schemas": describe_contracts(contracts),
        },
    }


def _channel(subject: Subject) -> dict[str, Any]:
    stream = subject.stream
    channel: dict[str, Any] = {
        "address": subject.pattern,
        "description": subject.meaning,
        "messages": {subject.contract.__name__: {"$ref": f"#/components/messages/{subject.contract.__name__}"}},
        "parameters": {token: {"description": _TOKENS[token]} for token in subject.tokens},
        "x-plane": subject.plane.value,
        "x-stream": {
            "name": stream.name,
            "max_age_s": stream.max_age_s,
            "max_bytes": stream.max_bytes,
            "max_msgs_per_subject": stream.max_msgs_per_subject,
        },
    }
    if subject.ttl_ms is not None:
        channel["x-ttl-ms"] = subject.ttl_ms
    return channel


def _operation(subject: Subject, action: str, service: str) -> dict[str, Any]:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{subject.root}"},
        "summary": f"{service} {'publishes' if action == 'send' else 'consumes'}: {subject.meaning}",
        "messages": [{"$ref": f"#/channels/{subject.root}/messages/{subject.contract.__name__}"}],
    }


def _call_channels(call: Call) -> dict[str, Any]:
    """A channel for the request, which is empty, and one for the reply, whose address is the request's inbox."""
    reply = call.reply.__name__
    return {
        call.root: {
            "address": call.pattern,
            "description": call.meaning,
            "messages": {"request": {"name": "request", "summary": "An empty message", "payload": {"type": "null"}}},
            "parameters": {token: {"description": _TOKENS[token]} for token in call.tokens},
        },
        f"{call.root}.reply": {
            "address": None,
            "description": f"The reply to {call.pattern}",
            "messages": {reply: {"$ref": f"#/components/messages/{reply}"}},
        },
    }


def _call_operations(call: Call) -> dict[str, Any]:
    reply = {
        "channel": {"$ref": f"#/channels/{call.root}.reply"},
        "messages": [{"$ref": f"#/channels/{call.root}.reply/messages/{call.reply.__name__}"}],
    }
    sides = [("receive", call.responder, "answers"), *(("send", caller, "asks") for caller in call.callers)]
    return {
        f"{role.replace('.', '-')}-{action}-{call.root}": {
            "action": action,
            "channel": {"$ref": f"#/channels/{call.root}"},
            "summary": f"{role} {verb}: {call.meaning}",
            "messages": [{"$ref": f"#/channels/{call.root}/messages/request"}],
            "reply": reply,
        }
        for action, role, verb in sides
    }


_TOKENS = {
    "venue": "The market, such as binance, binance-usdm or sim, as one subject token",
    "producer": "Service, role and shard as one subject token, such as ingest=2Efeed-0",
    "symbol": "The venue's own symbol as one subject token; other characters than letters, digits, - and _ as =XX",
    "timeframe": "1s, 1m, 5m or 15m; or a kind of bars that trades fill, such as tick-1000, as one subject token",
    "base": "The base currency as one subject token",
    "quote": "The quote currency as one subject token",
    "name": "The model family",
    "service": "The service, such as ingest",
    "role": "Its role, such as feed",
}
