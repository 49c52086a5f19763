"""The base of every message, and how a message describes itself to FastStream, FastAPI and AsyncAPI."""

import inspect
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Protocol, cast

import msgspec
from pydantic_core import core_schema

UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding foreign bytes may raise: msgspec's own errors, broken UTF-8 inside a string, absurd nesting."""


class Encoded(Protocol):
    """A value that knows its own JSON, so that a message may carry what was read as text without decoding it."""

    def to_json(self) -> bytes:
        """Return it as JSON."""
        ...


def _tell(value: Encoded) -> msgspec.Raw:
    return msgspec.Raw(value.to_json())


encode = msgspec.json.Encoder(enc_hook=_tell).encode
"""Return a message as JSON; what of it is ``Encoded`` is put in as it is."""


class Origin(StrEnum):
    """Where the market data behind a message came from."""

    LIVE = "live"
    SIM = "sim"
    REPLAY = "replay"


class Trust(StrEnum):
    """How sound the order book behind a message is.

    The order of definition is the order of severity: the trust of a derived message is the worst of its inputs.
    """

    LIVE = "LIVE"
    STALE = "STALE"
    RESYNC = "RESYNC"
    CROSSED = "CROSSED"
    GAP = "GAP"


TRUST_SEVERITY: Mapping[str, int] = {trust: rank for rank, trust in enumerate(Trust)}
"""Rank of each trust, also by its name alone: 0 for ``LIVE``, higher for worse."""


def worst_trust(*inputs: Trust) -> Trust:
    """Return the most severe of ``inputs``; ``LIVE`` for none.

    >>> worst_trust(Trust.LIVE, Trust.GAP, Trust.STALE)
    <Trust.GAP: 'GAP'>
    """
    return max(inputs, key=TRUST_SEVERITY.__getitem__, default=Trust.LIVE)


SCHEMA_REF = "#/components/schemas/{name}"


def describe_contracts(contracts: Sequence[type["Contract"]]) -> dict[str, dict[str, Any]]:
    """Return the JSON Schemas of ``contracts`` and of all that they refer to, by name."""
    _, schemas = msgspec.json.schema_components(contracts, ref_template=SCHEMA_REF)
    for schema in schemas.values():
        if "description" in schema:
            schema["description"] = inspect.cleandoc(schema["description"])
    return schemas


def inline_schema(name: str, schemas: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return schema ``name`` with each reference replaced by what it names."""

    def resolve(node: Any) -> Any:
        match node:
            case {"$ref": str(reference)}:
                return resolve(schemas[reference.rpartition("/")[2]])
            case dict():
                return {key: resolve(value) for key, value in cast("dict[str, Any]", node).items()}
            case list():
                return [resolve(item) for item in cast("list[Any]", node)]
            case _:
                return node

    return resolve(schemas[name])


class Contract(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A frozen struct that is JSON on the wire and describes itself as JSON Schema.

    Producers are strict; consumers ignore fields that they don't know; new fields have defaults.
    """

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """Return this contract's JSON Schema with every reference inlined."""
        return inline_schema(cls.__name__, describe_contracts([cls]))

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> core_schema.CoreSchema:
        def decode(value: Any) -> Any:
            return value if isinstance(value, cls) else msgspec.convert(value, cls)

        return core_schema.no_info_plain_validator_function(
            decode, serialization=core_schema.plain_serializer_function_ser_schema(msgspec.to_builtins)
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, core: core_schema.CoreSchema, handler: Any) -> dict[str, Any]:
        return cls.json_schema()


class Message(Contract, frozen=True, kw_only=True, gc=False):
    """What every message about an instrument says of itself.

    venue: the market, such as ``binance``, ``binance-usdm`` or ``sim``
    symbol: the venue's own symbol
    origin: where the market data came from
    run_id: the run that produced it; part of every database key
    producer: service, role and shard, such as ``ingest.feed-0``
    epoch: the producer's fencing epoch for this instrument; a lower one than seen before is refused
    ts_recv_ns: data time: when ingest read the bytes behind this message (in a replay, the recorded instant)
    ts_event_ns: the venue's own clock of the last event that had one; it may be ahead of ours; null where none was sent
    ts_ingest_ns: wall clock of ingest for those same bytes; equals ``ts_recv_ns`` except in a replay
    ts_sent_ns: wall clock of the producer when it published this message
    trust: the worst state of the order book among the inputs
    """

    venue: str
    symbol: str
    origin: Origin
    run_id: str
    producer: str
    epoch: int
    ts_recv_ns: int
    ts_ingest_ns: int
    ts_sent_ns: int
    trust: Trust
    ts_event_ns: int | None = None
