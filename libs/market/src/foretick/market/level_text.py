"""Levels in the text in which a venue sent them."""

from collections.abc import Iterator, Sequence
from typing import Any, overload

import msgspec

from foretick.common.contracts import UNDECODABLE, Level
from foretick.common.errors import Malformed


class LevelText(Sequence[Level]):
    """Levels as JSON rows of price, quantity and whatever else the venue puts there: ``[["61800.20","2.507"],...]``.

    ``text`` is what a decoder cut out of a message, as ``msgspec.Raw`` does: that it is JSON is known.
    To a reader it is a sequence of (price, quantity), decoded when it is first looked at. A ``CompiledBook`` takes the
    text itself, some twenty times faster, and leaves here how many levels there are, and the JSON that tells them.

    Raises, when it is looked at:
        Malformed: for text that is not such rows; whether the numbers fit a grid is for the book to say
    """

    __slots__ = ("_count", "_json", "_levels", "text")

    def __init__(self, text: bytes) -> None:
        self.text = text
        self._count: int | None = None
        self._json: bytes | None = None
        self._levels: list[Level] | None = None

    @property
    def levels(self) -> list[Level]:
        """The levels as (price, quantity)."""
        if self._levels is None:
            try:
                rows = [row[:2] for row in _decoder.decode(self.text)]
                self._levels = msgspec.convert(rows, list[Level], strict=False)
            except UNDECODABLE as error:
                raise Malformed("book", f"levels: {error}", self.text) from None
        return self._levels

    def learn(self, count: int, json: bytes) -> None:
        """Take note of how many levels there are, and of them as JSON: rows of two numbers."""
        self._count, self._json = count, json

    def to_json(self) -> bytes:
        """Return the levels as JSON, rows of two numbers."""
        if self._json is None:
            self._json = msgspec.json.encode(self.levels)
        return self._json

    def __len__(self) -> int:
        return len(self.levels) if self._count is None else self._count

    def __iter__(self) -> Iterator[Level]:
        return iter(self.levels)

    @overload
    def __getitem__(self, index: int) -> Level: ...

    @overload
    def __getitem__(self, index: slice) -> list[Level]: ...

    def __getitem__(self, index: int | slice) -> Level | list[Level]:
        return self.levels[index]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and self.levels == list(other)

    def __repr__(self) -> str:
        return f"LevelText({self.text!r})"


_decoder = msgspec.json.Decoder(list[list[Any]])
