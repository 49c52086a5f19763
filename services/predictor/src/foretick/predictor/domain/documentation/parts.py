"""What a document is made of. Pages draw all of it; Markdown leaves the figures out: each has a table beside it."""

from collections.abc import Sequence
from dataclasses import dataclass

Cell = str
Points = Sequence[tuple[float, float, int]]


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Plain text; ``strong``: what a reader must not miss."""

    text: str
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Listing:
    """Sentences below each other."""

    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a head of equal length. Cells in backquotes are code."""

    head: tuple[Cell, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True)
class Lengths:
    """Values from 0 on as lengths, each with its label; ``marks``: a second value of each, a ring; ``target``: a line.

    from_value: where the axis begins
    """

    title: str
    unit: str
    labels: tuple[str, ...]
    values: tuple[float, ...]
    marks: tuple[float, ...] = ()
    target: float | None = None
    from_value: float = 0.0


@dataclass(frozen=True, slots=True)
class Reliability:
    """Of each bin: mean confidence, hit rate, rows."""

    title: str
    points: Points


@dataclass(frozen=True, slots=True)
class Stretch:
    """A fold on the time line, seconds from its beginning: fitted on what came before ``fitted_to_s``.

    scores: by name, nats; the smallest is the best
    """

    label: str
    fitted_from_s: float
    fitted_to_s: float
    judged_from_s: float
    judged_to_s: float
    scores: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class TimeLine:
    """Stretches below each other on one axis of time."""

    title: str
    stretches: tuple[Stretch, ...]


Figure = Lengths | Reliability | TimeLine
Part = Paragraph | Listing | Table | Figure


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands under it."""

    title: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """The whole."""

    title: str
    sections: tuple[Section, ...]
