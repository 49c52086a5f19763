"""What every venue's parser decodes with: numbers with bounds, and ``Malformed`` for whatever breaks them. Pure."""

from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from foretick.common.contracts import UNDECODABLE
from foretick.common.errors import Malformed

Price = Annotated[float, Meta(gt=0, lt=1e15)]
Qty = Annotated[float, Meta(ge=0, lt=1e15)]
PositiveQty = Annotated[float, Meta(gt=0, lt=1e15)]
Fraction = Annotated[float, Meta(gt=-1, lt=1)]
"""A rate of one funding period, as a part of the position's value."""

Id = Annotated[int, Meta(ge=0, le=2**53)]
Millis = Annotated[int, Meta(ge=0, le=4_102_444_800_000)]  # until 2100
Nanos = Annotated[int, Meta(ge=0, le=4_102_444_800_000_000_000)]
Name = Annotated[str, Meta(min_length=1, max_length=64)]

T = TypeVar("T")


def decode(decoder: "msgspec.json.Decoder[T]", part: "bytes | msgspec.Raw", source: str, payload: bytes) -> T:
    """Return what ``part`` of ``payload`` holds.

    Raises:
        Malformed: with ``source`` and the bytes, for a part that breaks its format.
    """
    try:
        return decoder.decode(part)
    except UNDECODABLE as error:
        raise Malformed(source, str(error), payload) from None


def told(text: str, kind: Any) -> Any:
    """Return ``text`` as a value of ``kind``, None where it is empty: so some venues say that they say nothing.

    >>> told("0.25", Qty), told("", Qty)
    (0.25, None)

    Raises:
        ValueError: for a text that is no such value.
    """
    return msgspec.convert(text, kind, strict=False) if text else None
