"""What venues' wire formats share: numbers that the decoder itself bounds, times, and how a fault is told. Pure."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from foretick.common.contracts import UNDECODABLE
from foretick.common.errors import Malformed
from foretick.common.units import NS_PER_US

Price = Annotated[float, Meta(gt=0, lt=1e15)]
Qty = Annotated[float, Meta(ge=0, lt=1e15)]
PositiveQty = Annotated[float, Meta(gt=0, lt=1e15)]
Id = Annotated[int, Meta(ge=0, le=2**53)]
Millis = Annotated[int, Meta(ge=0, le=4_102_444_800_000)]
Micros = Annotated[int, Meta(ge=0, le=4_102_444_800_000_000)]
Nanos = Annotated[int, Meta(ge=0, le=4_102_444_800_000_000_000)]
"""UTC since the Unix epoch, until 2100."""

Fraction = Annotated[float, Meta(gt=-1, lt=1)]
"""A rate of one funding period, as a part of a position's value."""

Name = Annotated[str, Meta(min_length=1, max_length=64)]
Precision = Annotated[int, Meta(ge=0, le=18)]
"""Digits behind the decimal point."""

Moment = Annotated[datetime, Meta(tz=True)]
"""An instant as RFC 3339 text, to the microsecond: finer digits are rounded."""

T = TypeVar("T")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_END = datetime(2100, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def ns_of(moment: datetime) -> int:
    """Return ``moment`` as UTC ns.

    >>> ns_of(datetime(2023, 10, 6, 17, 35, 55, 440295, tzinfo=UTC))
    1696613755440295000

    Raises:
        ValueError: for one before 1970 or after 2099.
    """
    if not _EPOCH <= moment < _END:
        raise ValueError(f"{moment.isoformat()} is not a time of a market")
    return (moment - _EPOCH) // _MICROSECOND * NS_PER_US


def step_of(digits: int) -> float:
    """Return the step of numbers with so many digits behind the decimal point.

    >>> step_of(2), step_of(0)
    (0.01, 1.0)
    """
    return float(f"1e-{digits}")


def decode(decoder: "msgspec.json.Decoder[T]", payload: Any, source: str, whole: bytes | None = None) -> T:
    """Return ``payload`` decoded.

    Raises:
        Malformed: with the bytes; ``whole`` are those of the message that ``payload`` is a part of.
    """
    try:
        return decoder.decode(payload)
    except UNDECODABLE as error:
        raise Malformed(source, str(error), payload if whole is None else whole) from None


def told(text: str, kind: Any) -> Any:
    """Return ``text`` as a value of ``kind``, None where it is empty: so some venues say that they say nothing.

    >>> told("0.25", Qty), told("", Qty)
    (0.25, None)

    Raises:
        ValueError: for a text that is no such value.
    """
    return msgspec.convert(text, kind, strict=False) if text else None
