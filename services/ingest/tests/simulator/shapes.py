"""What a JSON message looks like, whatever its numbers: keys in their order, types, and how texts are written."""

import json
import re
from collections.abc import Iterable
from typing import Any

_TEXTS = {
    "instant of six digits": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z",
    "instant": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,8}[1-9])?Z",
    "instant with the server's age": r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ \+0000 UTC m=\+\d+\.\d+",
    "number with no zero at its end": r"0|[1-9]\d*|(0|[1-9]\d*)\.\d*[1-9]",
    "number of eight decimals": r"\d+\.\d{8}",
    "product": r"[A-Z]+-[A-Z]+",
    "pair": r"[A-Z]+/[A-Z]+",
}


def shape(value: Any) -> Any:
    """Return the shape of a JSON value; lists are described by the shapes of their elements."""
    if isinstance(value, dict):
        return [[key, shape(item)] for key, item in value.items()]
    if isinstance(value, list):
        return sorted({json.dumps(shape(item)) for item in value})
    if isinstance(value, str):
        return next((name for name, pattern in _TEXTS.items() if re.fullmatch(pattern, value)), value)
    return type(value).__name__


def shapes(payloads: Iterable[bytes]) -> set[str]:
    """Return the shapes of messages."""
    return {json.dumps(shape(json.loads(payload))) for payload in payloads}
