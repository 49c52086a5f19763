"""What every CSV source shares: fields by name, and faults that name the file, the line and the column."""

from collections.abc import Callable, Iterator, Sequence

from foretick.market.recording.faults import BadLine, TruncatedRecording
from foretick.market.recording.lines import EARLIEST_NS, LATEST_NS
from foretick.market.recording.market_rows import MarketRow

RowReader = Callable[["Fields"], MarketRow]
RowItem = MarketRow | BadLine | TruncatedRecording


class FieldFault(ValueError):
    """A field that is not what its column holds."""


class Fields:
    """The fields of one line, read by column."""

    __slots__ = ("_columns", "_texts")

    def __init__(self, columns: dict[str, int], texts: Sequence[str]) -> None:
        self._columns = columns
        self._texts = texts

    def text(self, column: str) -> str:
        """Return a text that must be there."""
        text = self._texts[self._columns[column]]
        if not text:
            raise FieldFault(f"{column} is empty")
        return text

    def has(self, column: str) -> bool:
        """Tell whether the column is there and holds something."""
        at = self._columns.get(column)
        return at is not None and bool(self._texts[at])

    def number(self, column: str) -> float:
        """Return a finite number that must be there."""
        text = self.text(column)
        try:
            number = float(text)
        except ValueError:
            raise FieldFault(f"{column}: {text[:40]!r} is no number") from None
        if number - number != 0:
            raise FieldFault(f"{column}: {text[:40]!r} is not finite")
        return number

    def optional(self, column: str) -> float | None:
        """Return a number; None where there is none."""
        return self.number(column) if self.has(column) else None

    def whole(self, column: str) -> int:
        """Return a whole number, not below 0, that must be there."""
        text = self.text(column)
        if not (text.isascii() and text.isdecimal()):
            raise FieldFault(f"{column}: {text[:40]!r} is no whole number")
        return int(text)

    def time_ns(self, column: str, unit_ns: int) -> int:
        """Return an instant in UTC ns that is given in a unit of ``unit_ns``."""
        ns = self.whole(column) * unit_ns
        if not EARLIEST_NS <= ns < LATEST_NS:
            raise FieldFault(f"{column}: {ns // unit_ns} is no time in units of {unit_ns} ns")
        return ns

    def truth(self, column: str) -> bool:
        """Return True or False."""
        text = self.text(column).lower()
        if text not in ("true", "false"):
            raise FieldFault(f"{column}: {text[:40]!r} is neither true nor false")
        return text == "true"

    def one_of(self, column: str, meanings: dict[str, int]) -> int:
        """Return what a word means."""
        text = self.text(column)
        if text not in meanings:
            raise FieldFault(f"{column}: {text[:40]!r} is none of {', '.join(meanings)}")
        return meanings[text]


def read_rows(
    lines: Iterator[tuple[int, bytes | TruncatedRecording]], source: str, columns: Sequence[str], read: RowReader
) -> Iterator[RowItem]:
    """Yield a row for each of the numbered ``lines``, and in their places what could not be read."""
    places = {column: at for at, column in enumerate(columns)}
    for number, line in lines:
        if isinstance(line, TruncatedRecording):
            yield line
            return
        try:
            texts = line.decode("ascii").rstrip("\r\n").split(",")
            if len(texts) == len(columns):
                yield read(Fields(places, texts))
                continue
            reason = f"{len(texts)} fields, not the {len(columns)} of {','.join(columns)}"
        except UnicodeDecodeError:
            reason = "is no ASCII text"
        except FieldFault as error:
            reason = str(error)
        is_torn = not line.endswith(b"\n")
        yield (
            TruncatedRecording(source, number, f"the last line is torn: {reason}")
            if is_torn
            else BadLine(source, number, reason, line)
        )
