"""A channel that loses, repeats, reorders and damages frames: each fault with its probability, from a seed.

What damage is depends on what a protocol can see: ``break_frame`` everywhere, ``forge_digit`` too where books carry
checksums.
"""

import random
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from foretick.ingest.domain.events import Received

from .market import State

Damage = Callable[[bytes, random.Random], bytes]
"""Returns a frame damaged."""

_DIGITS = b"123456789"

_MOST_BETWEEN = 3
"""Frames of the same book that a frame may be late by."""


class Sent(NamedTuple):
    """A frame about ``symbol``, after which the true book was ``state``; ``is_full``: all of that book."""

    symbol: str
    frame: Received
    state: State
    is_full: bool = False


class Channel:
    """Passes frames on. ``faults`` counts what befell them.

    lost: never arrives; repeated: again after none to two others of its book; reordered: after one to three of them;
    damaged: what ``damage`` makes of its bytes
    """

    def __init__(self, rng: random.Random, rate: float, damage: Damage) -> None:
        self.faults: Counter[str] = Counter()
        self._rng = rng
        self._rate = rate
        self._damage = damage
        self._late: dict[str, list[tuple[int, Sent]]] = {}

    def send(self, sent: Sent) -> list[Sent]:
        """Return what arrives when ``sent`` is sent."""
        arriving = self._fate(sent)
        late = self._late.pop(sent.symbol, None)
        if late:
            arriving += [each for left, each in late if left <= 1]
            waiting = [(left - 1, each) for left, each in late if left > 1]
            self._late.setdefault(sent.symbol, [])[:0] = waiting
        return arriving

    def _fate(self, sent: Sent) -> list[Sent]:
        draw = self._rng.random() / self._rate
        if draw >= 4:
            return [sent]
        if draw < 1:
            self.faults["lost"] += 1
            return []
        if draw < 2:
            self.faults["repeated"] += 1
            again = int(self._rng.random() * _MOST_BETWEEN)
            if not again:
                return [sent, sent]
            self._hold(again, sent)
            return [sent]
        if draw < 3:
            self.faults["reordered"] += 1
            self._hold(1 + int(self._rng.random() * _MOST_BETWEEN), sent)
            return []
        self.faults["damaged"] += 1
        return [sent._replace(frame=sent.frame._replace(payload=self._damage(sent.frame.payload, self._rng)))]

    def _hold(self, frames: int, sent: Sent) -> None:
        self._late.setdefault(sent.symbol, []).append((frames + 1, sent))


def break_frame(payload: bytes, rng: random.Random) -> bytes:
    """Return a frame that is no JSON text any more: cut short, or with the highest bit of one byte set.

    A part of a JSON object is none, and a byte from 128 on is no UTF-8 beside those of ASCII (RFC 8259, RFC 3629).
    """
    at = int(rng.random() * len(payload))
    if rng.random() < 0.5:
        return payload[:at]
    return payload[:at] + bytes([payload[at] | 0x80]) + payload[at + 1 :]


def forge_digit(payload: bytes, rng: random.Random, begin: bytes, end: bytes) -> bytes:
    """Return a frame as well-formed as before, with another digit in a level: between ``begin`` and ``end``.

    Where no level has a digit to change, the frame is broken instead.
    """
    digits = [at for at in range(payload.find(begin), payload.find(end)) if payload[at] in _DIGITS]
    if not digits:
        return break_frame(payload, rng)
    at = rng.choice(digits)
    digit = rng.choice([each for each in _DIGITS if each != payload[at]])
    return payload[:at] + bytes([digit]) + payload[at + 1 :]
